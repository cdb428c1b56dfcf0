// The faults of a simulated day: clients and connections that fail.
#include <utility>

#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "tests/simulation/day.h"
#include "tests/simulation/day_client.h"

namespace rmq {

void Day::Reconnect(int number) {
  const int old = clients_[number].channel;
  ClientAt(now_ + Interval(clients_[number]), Kind::kHeartbeat, number);
  if (clients_[number].unary) return Beat(number);
  if (Percent(30)) {
    // With other subscriptions, so that the replacement changes the groups too.
    for (DayClient::Consumer& consumer : clients_[number].consumers) {
      consumer.definition = definitions_[consumer.group];
    }
  }
  Connect(number);
  if (Percent(70)) At(now_ + Between(0, kMinute), Kind::kLateClose, old);
}

void Day::Cut(int number) {
  DayClient& client = clients_[number];
  if (client.unary) return Beat(number);
  CloseChannel(client.channel, RemovalReason::kDisconnected);
  ClientAt(now_ + Between(kSecond, 30 * kSecond), Kind::kReconnect, number);
  if (Percent(20)) {
    client.state = DayClient::State::kAway;
    ClientAt(now_ + Between(kMinute, kHour), Kind::kReturn, number);
  }
}

void Day::FallSilent(int number) {
  DayClient& client = clients_[number];
  client.state = DayClient::State::kSilent;
  if (!client.unary && Percent(30)) {
    At(now_ + Between(0, 5 * kMinute), Kind::kLateClose, client.channel);
  }
  // A third of the processes was only stopped, and continues.
  ClientAt(now_ + Between(30 * kSecond, 10 * kMinute),
           Percent(30) ? Kind::kWake : Kind::kReturn, number);
}

// The opening of a stream may be delayed on its way. Then only the stream
// number shows which stream is the newer one.
void Day::RaceOfTwoStreams(int number) {
  DayClient& client = clients_[number];
  if (client.incarnation == 0) return;
  const int first = OpenChannel(number, ClientChannel::Kind::kStream);
  const int second = OpenChannel(number, ClientChannel::Kind::kStream);
  const bool is_delayed = Percent(50);
  if (is_delayed) {
    std::swap(channels_[first]->stream_number,
              channels_[second]->stream_number);
  }
  client.channel = is_delayed ? first : second;
  FullHeartbeat(number, client.channel);
  ++overtaken_;
  FullHeartbeat(number, is_delayed ? second : first);
}

void Day::Stranger() {
  At(now_ + Between(kSecond, 2 * kMinute), Kind::kStranger);
  const int channel = OpenChannel(-1, ClientChannel::Kind::kStream);
  if (Percent(50)) {
    At(now_ + Between(0, 4 * kMinute), Kind::kLateClose, channel);
  }
}

void Day::RestartUnnoticed(int number) {
  const int old = clients_[number].channel;
  clients_[number].state = DayClient::State::kAway;
  Return(number);
  // The broker never notices the end of half of the old streams.
  if (Percent(50)) At(now_ + Between(0, 4 * kMinute), Kind::kLateClose, old);
}

void Day::Kick(int number) {
  const Millis hold = Percent(20) ? 0 : Between(kMinute, 10 * kMinute);
  KickClient(number, hold);
  if (Percent(50)) {
    clients_[number].state = DayClient::State::kAway;
    ClientAt(now_ + Between(kMinute, 10 * kMinute), Kind::kReturn, number);
  } else {
    ClientAt(now_ + Between(0, hold + kMinute), Kind::kReconnect, number);
  }
}

void Day::Storm(Kind kind, Millis length) {
  for (int client = 0; client < options_.clients; ++client) {
    if (clients_[client].state == DayClient::State::kLive && Percent(90)) {
      ClientAt(now_ + Between(0, length), kind, client);
    }
  }
}

}  // namespace rmq
