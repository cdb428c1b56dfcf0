// The calls of a simulated day: each is made of the core and of the model, and
// the answers and effects are compared.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/test_statement.h"
#include "tests/model/broker_model.h"
#include "tests/simulation/day.h"
#include "tests/simulation/day_client.h"

namespace rmq {
namespace {

int NumberOf(const ClientChannel* channel) {
  return channel == nullptr ? -1
                            : static_cast<const DayChannel&>(*channel).number;
}

// Of an event of the core or of the model.
template <typename Event>
EventKey KeyOf(const Event& event, int channel) {
  const bool has_reason = event.type == EventType::kClientUnregister;
  return {event.type,
          event.kind,
          has_reason ? event.reason : RemovalReason::kUnregistered,
          event.group,
          channel,
          event.client_id};
}

}  // namespace

// --- Called by the core ---

void DayChannel::Push(std::shared_ptr<const MembershipPush> push) {
  day_.OnPush(*this, push->group);
}

void DayChannel::End(const ChannelEnd& end) { day_.OnEnd(*this, end.reason); }

void Day::OnClientEvent(const ClientEvent& event) {
  if (event.revision < last_revision_) Fail("a revision falls");
  last_revision_ = event.revision;
  if (IsWarning(event.type)) return;
  const int channel = NumberOf(event.channel.get());
  events_.push_back(KeyOf(event, channel));
  if (event.kind == GroupKind::kConsumer) listed_.erase(event.group);
  const int kind = static_cast<int>(event.kind);
  switch (event.type) {
    case EventType::kClientRegister: ++joins_[kind]; break;
    case EventType::kClientUnregister:
      ++leaves_[kind][static_cast<int>(event.reason)];
      departures_.push_back({channel, event.kind, event.group});
      break;
    case EventType::kUnregister: ++emptied_[kind]; break;
    case EventType::kChange: ++changes_; break;
    case EventType::kRegister: ++registers_; break;
    default: break;
  }
}

void Day::OnPush(const DayChannel& channel, absl::string_view name) {
  const std::string group(name);
  ++pushes_;
  ++pushes_since_settled_;
  if (!model_.policy().IsNotified(group)) {
    return Fail("a push of ", group, ", which is not notified");
  }
  if (channel.client < 0 ||
      clients_[channel.client].channel != channel.number) {
    return;
  }
  // The client reads the list as it is now. All clients that read it before the
  // next change share the answer.
  ClientIds& listed = listed_[group];
  if (listed == nullptr) {
    auto client_ids = std::make_shared<std::vector<std::string>>();
    MemberCursor cursor = 0;
    do {
      ConsumerList list =
          core_.processor.GetConsumerListByGroup(group, 1000, cursor);
      for (std::string& client_id : list.client_ids) {
        client_ids->push_back(std::move(client_id));
      }
      cursor = list.next;
    } while (cursor != 0);
    listed = std::move(client_ids);
  }
  clients_[channel.client].known[group] = listed;
}

// --- Calls ---

int Day::OpenChannel(int client, ClientChannel::Kind kind) {
  auto channel = std::make_shared<DayChannel>(kind, this);
  if (kind == ClientChannel::Kind::kStandIn) {
    const absl::StatusOr<ClientChannelPtr> opened =
        core_.table.FindOrOpenStandIn(ClientId(client), channel, Now());
    if (!opened.ok() || *opened != channel) Fail("no new stand-in");
    channel->number = model_.OpenStandIn(ClientId(client), now_);
  } else {
    if (!core_.table.Open(channel, Now()).ok()) Fail("no new stream");
    channel->number = model_.OpenStream(now_);
  }
  channel->client = client;
  if (client >= 0 && clients_[client].numbers_streams) {
    channel->stream_number = ++clients_[client].streams;
  }
  const int number = channel->number;
  channels_.push_back(std::move(channel));
  return number;
}

void Day::FullHeartbeat(int number, int channel) {
  DayClient& client = clients_[number];
  ++full_;
  model::Statement statement;
  statement.client_id = ClientId(number);
  statement.incarnation = client.incarnation;
  statement.stream_number = channels_[channel]->stream_number;
  statement.requested_expiry = client.requested_expiry;
  TestStatement stated(statement.client_id);
  stated.Incarnation(statement.incarnation)
      .StreamNumber(statement.stream_number)
      .Expiry(absl::Milliseconds(statement.requested_expiry));
  for (const DayClient::Consumer& consumer : client.consumers) {
    const model::StatedConsumer& group =
        statement.consumers.emplace_back(StatedBy(consumer));
    std::vector<TestSubscription> subscriptions;
    for (const auto& [topic, subscription] : group.subscriptions) {
      subscriptions.push_back(
          {topic, subscription.version, subscription.expression});
    }
    stated.Consumer(group.group, std::move(subscriptions))
        .Model(group.modes.message_model);
  }
  for (const int group : client.producers) {
    statement.producers.push_back(ProducerName(group));
    stated.Producer(ProducerName(group));
  }
  const model::HeartbeatAnswer expected =
      model_.Heartbeat(channel, statement, now_);
  const BuiltStatement owned(std::move(stated));
  const HeartbeatResult result =
      core_.processor.Heartbeat(*channels_[channel], *owned, Now());
  Expect(expected.accepted, result.status.code == absl::StatusCode::kOk,
         "a full heartbeat was accepted");
  Expect(expected.held, result.end.has_value(), "a client was held");
  if (expected.held) ++held_;
  Expect(expected.token, result.statement_token != 0,
         "a full heartbeat got a token");
  if (!result.skipped.empty()) Fail("a group was skipped");
  Expect(expected.channel_expiry,
         absl::ToInt64Milliseconds(result.channel_expiry),
         "the expiry of a full heartbeat");
  // It may have become due earlier.
  ScheduleTick();
  if (expected.accepted) client.token = result.statement_token;
  Settle("a full heartbeat");
}

Renewal Day::LightHeartbeat(int number) {
  const DayClient& client = clients_[number];
  ++light_;
  const model::LightAnswer expected =
      model_.RenewLight(client.channel, /*has_token=*/true, now_);
  const Renewal got =
      channels_[client.channel]->RenewLight(client.token, Now());
  switch (got) {
    case Renewal::kRenewed:
      if (expected != model::LightAnswer::kRenewed) {
        Fail("a light heartbeat of ", ClientId(number), " was renewed");
      }
      break;
    case Renewal::kFullStatementNeeded:
      ++full_needed_;
      if (expected != model::LightAnswer::kFullStatementNeeded) {
        Fail("a light heartbeat of ", ClientId(number),
             " was answered full statement needed");
      }
      break;
    case Renewal::kClosed:
      ++closed_;
      if (expected != model::LightAnswer::kClosed) {
        Fail("a light heartbeat of ", ClientId(number), " found it closed");
      }
      break;
  }
  return got;
}

void Day::Unregister(int number, int producer_group, int consumer_group) {
  DayClient& client = clients_[number];
  ClientChannelPtr channel = channels_[client.channel];
  if (client.unary) {
    channel = core_.table.FindStandIn(ClientId(number));
    if (channel == nullptr) {
      return Expect(-1, model_.FindStandIn(ClientId(number)), "a stand-in");
    }
  }
  const std::string producer =
      producer_group < 0 ? "" : ProducerName(producer_group);
  const std::string consumer =
      consumer_group < 0 ? "" : ConsumerName(consumer_group);
  model_.Unregister(client.channel, ClientId(number), producer, consumer);
  core_.processor.UnregisterClient(*channel, ClientId(number), {producer},
                                   {consumer}, Now());
  Settle("an unregister");
}

void Day::CloseChannel(int channel, RemovalReason reason) {
  model_.Close(channel, reason);
  core_.housekeeping.OnChannelClose(*channels_[channel], reason, Now());
  Settle("a close");
}

void Day::KickClient(int number, Millis hold) {
  ChannelFilter filter;
  filter.client_id = ClientId(number);
  const absl::StatusOr<size_t> kicked =
      core_.kicker.Kick(filter, absl::Milliseconds(hold), "an operator", Now());
  const int64_t expected =
      model_.Kick({ClientId(number), "", {}}, hold, now_, departures_);
  Expect(expected, static_cast<int64_t>(kicked.value_or(0)), "kicked channels");
  Settle("a kick");
}

void Day::Tick() {
  ++ticks_;
  const int64_t overdue_us =
      absl::ToInt64Microseconds(Now() - core_.housekeeping.NextTick());
  core_.housekeeping.Tick(Now());
  model_.Tick(now_, overdue_us, departures_);
  Settle("a tick", Pushes::kOnceInEachPiece);
}

void Day::ScheduleTick() {
  const Millis due =
      absl::ToInt64Milliseconds(core_.housekeeping.NextTick() - start_);
  if (due >= next_tick_) return;
  next_tick_ = std::max(due, now_);
  At(next_tick_, Kind::kTick);
}

void Day::Drain() {
  core_.notifier.StartDraining();
  bool more = true;
  size_t drained = 0;
  while (more) {
    std::vector<ClientChannelPtr> closed;
    more = core_.table.CloseSome(RemovalReason::kDrained, 1000, Now(), &closed);
    drained += closed.size();
  }
  Expect(model_.open_channels().size(), drained, "drained channels");
  model_.CloseAll(RemovalReason::kDrained, departures_);
  Settle("draining", Pushes::kNone);
  const ClientTable::Counts counts = core_.table.counts();
  Expect<size_t>(0, counts.channels, "channels left");
  Expect<size_t>(0, counts.consumer_groups, "consumer groups left");
  Expect<size_t>(0, counts.producer_groups, "producer groups left");
  CompareTopics();
  CompareLookUps();
}

// --- The comparison ---

void Day::Settle(absl::string_view what, Pushes pushes) {
  if (is_draining_) pushes = Pushes::kNone;
  // One flush makes a limited number of pushes; the edge's timer makes the
  // rest.
  ConsumerIdsNotifier& notifier = core_.notifier;
  while (notifier.NextDeadline() != absl::InfiniteFuture()) {
    notifier.Flush(core_.table, notifier.NextDeadline());
  }
  model::Effects expected = model_.TakeEffects();

  std::sort(expected.ended.begin(), expected.ended.end());
  std::sort(ended_.begin(), ended_.end());
  if (expected.ended != ended_) {
    Fail(what, " ended ", ended_.size(), " channels, expected ",
         expected.ended.size(), ", or for other reasons");
  }
  ended_.clear();

  std::vector<EventKey> expected_events;
  for (const model::Event& event : expected.events) {
    // The core leaves these out unless a listener wants them.
    if (event.type == EventType::kRegister && event.unchanged) continue;
    if (event.type == EventType::kChange && pushes == Pushes::kNone) continue;
    expected_events.push_back(KeyOf(event, event.channel));
  }
  if (pushes == Pushes::kNone) {
    // A large drain empties groups faster than the core works out the modes of
    // those that are left, so some groups count as clustering a little longer.
    const auto is_change = [](const EventKey& key) {
      return std::get<EventType>(key) == EventType::kChange;
    };
    events_.erase(std::remove_if(events_.begin(), events_.end(), is_change),
                  events_.end());
  }
  std::sort(expected_events.begin(), expected_events.end());
  std::sort(events_.begin(), events_.end());
  if (expected_events != events_) {
    const auto first =
        std::mismatch(expected_events.begin(), expected_events.end(),
                      events_.begin(), events_.end());
    const auto describe = [](auto event, auto end) {
      if (event == end) return std::string("nothing more");
      const auto& [type, kind, reason, group, channel, client_id] = *event;
      return absl::StrCat(Name(kind), " ", Name(type), " of ", group,
                          ", channel ", channel, " of ", client_id, ", ",
                          Name(reason));
    };
    Fail(what, " made ", describe(first.second, events_.end()), ", expected ",
         describe(first.first, expected_events.end()));
  }
  ReadWatchers(what);
  events_.clear();
  departures_.clear();

  const int64_t least = static_cast<int64_t>(expected.pushes.size());
  const int64_t most = std::max(least, expected.most_pushes);
  const int64_t pushed = std::exchange(pushes_since_settled_, 0);
  if (pushes == Pushes::kNone) return Expect<int64_t>(0, pushed, "pushes");
  if (pushes == Pushes::kThoseOfADrain) {
    least_pushes_ += pushed;
    most_pushes_ += pushed;
    return;
  }
  least_pushes_ += least;
  most_pushes_ += expected.most_pushes;
  if (pushed < least ||
      pushed > (pushes == Pushes::kOnceInEachPiece ? most : least)) {
    Fail(what, " made ", pushed, " pushes, expected ", least, " to ", most);
  }
}

}  // namespace rmq
