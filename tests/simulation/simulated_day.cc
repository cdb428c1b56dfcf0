#include "tests/simulation/simulated_day.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/policy/group_policy.h"
#include "broker/registry/client_event.h"
#include "tests/simulation/day.h"
#include "tests/simulation/day_client.h"

namespace rmq {

Day::Day(const DayOptions& options)
    : options_(options),
      length_(absl::ToInt64Milliseconds(options.length)),
      most_calm_(absl::ToInt64Milliseconds(options.most_calm)),
      consumer_groups_(std::max(10, options.clients / 10)),
      producer_groups_(std::max(5, options.clients / 40)),
      topics_(std::max(20, options.clients / 25)),
      random_(options.seed),
      definitions_(consumer_groups_),
      clients_(options.clients),
      model_(ModelOptions(consumer_groups_)),
      core_(PolicyOptions(consumer_groups_), this, start_),
      watchers_(&core_.table, &core_.core.history(), ConsumerName(1),
                options.seed) {}

GroupPolicy::Options Day::PolicyOptions(int groups) {
  GroupPolicy::Options options;
  for (int group = 0; group < groups; ++group) {
    if (!IsSwitchedOff(group)) continue;
    SubscriptionGroupConfig& config =
        options.subscription_groups.emplace_back();
    config.group = ConsumerName(group);
    config.notify_consumer_ids_changed_enable = false;
  }
  return options;
}

model::BrokerOptions Day::ModelOptions(int groups) {
  model::BrokerOptions options;
  options.channel_expiry = kExpiry;
  for (int group = 0; group < groups; ++group) {
    if (!IsSwitchedOff(group)) continue;
    options.policy.groups[ConsumerName(group)].notify_consumer_ids_changed =
        false;
  }
  return options;
}

DayReport Day::Run() {
  Schedule();
  while (timers_.top().at <= length_ && report_.failures.empty()) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (timer.at < away_until_) {
      // The broker is away. It reads what arrives meanwhile after its next
      // tick.
      At(timer.kind == Kind::kTick ? away_until_
                                   : away_until_ + Between(kGrain, kHeartbeat),
         timer.kind, timer.subject, timer.generation);
      continue;
    }
    now_ = timer.at;
    Play(timer);
  }
  if (report_.failures.empty()) {
    now_ = length_;
    Checkpoint();
  }
  report_.figures = Figures();
  if (report_.failures.empty()) Drain();
  report_.light_heartbeats = light_;
  report_.expired_channels = model_.closed(RemovalReason::kExpired);
  report_.pushes = pushes_;
  return std::move(report_);
}

void Day::Schedule() {
  for (int client = 0; client < options_.clients; ++client) {
    clients_[client].unary = Percent(kUnaryPercent);
    DrawGroups(clients_[client]);
    ClientAt(Between(0, 5 * kMinute), Kind::kReturn, client);
    NextAct(client);
  }
  ScheduleTick();
  At(kMinute, Kind::kStranger);
  At(kMinute, Kind::kRollout);
  At(kMinute, Kind::kCanary);
  const Millis quarter = length_ / 4;
  for (int i = 1; i <= 3; ++i) {
    At(i * quarter, i == 2 ? Kind::kHalfOpenStorm : Kind::kCutStorm);
    // Between two storms the broker is away.
    At(i * quarter - quarter / 2, Kind::kAway, (4 + i) * kMinute);
  }
  At(3 * quarter - 6 * kMinute, Kind::kAway, 5 * kMinute);
  // A drain that comes to its end, and one that is cancelled before.
  At(quarter + quarter / 2 + 8 * kMinute, Kind::kDrain, 2 * kMinute);
  At(quarter + quarter / 2 + 11 * kMinute, Kind::kCancelDrain);
  At(3 * quarter + quarter / 3, Kind::kDrain, 10 * kMinute);
  At(3 * quarter + quarter / 3 + 2 * kMinute, Kind::kCancelDrain);
  for (int i = 1; i <= 12; ++i) {
    // Short absences: some make a tick late by more than the bound, some not.
    At(i * length_ / 13 + Between(0, kPeriod), Kind::kAway,
       Between(kSecond, 25 * kSecond));
  }
  for (Millis at = std::min(kHour, length_ / 4); at < length_;
       at += std::min(kHour, length_ / 4)) {
    At(at + 1, Kind::kCheckpoint);
  }
}

void Day::Play(const Timer& timer) {
  if (TurnsAway(timer)) return;
  switch (timer.kind) {
    case Kind::kTick:
      if (now_ < next_tick_) return;  // It came earlier.
      next_tick_ = std::numeric_limits<Millis>::max();
      // Some ticks are a second late, which does not count as late.
      if (Percent(2)) {
        next_tick_ = now_ + kSecond;
        return At(next_tick_, Kind::kTick);
      }
      Tick();
      return ScheduleTick();
    case Kind::kRollout: return Rollout();
    case Kind::kCanary: return SendCanary();
    case Kind::kTakeBack: return TakeBack(timer.subject);
    case Kind::kStranger: return Stranger();
    case Kind::kCheckpoint: return Checkpoint();
    case Kind::kAct: return Act(timer.subject);
    case Kind::kRestate: return Restate(timer.subject);
    case Kind::kAway:
      away_until_ = std::max(away_until_, now_ + timer.subject);
      return;
    case Kind::kLateClose:
      late_closes_ += model_.channels()[timer.subject].open ? 0 : 1;
      return CloseChannel(timer.subject, RemovalReason::kDisconnected);
    case Kind::kDrain: return BeginDrain(timer.subject);
    case Kind::kDrainRun: return RunDrain();
    case Kind::kCancelDrain: return CancelDrain();
    case Kind::kCutStorm: return Storm(Kind::kCut, 2 * kSecond);
    case Kind::kHalfOpenStorm: return Storm(Kind::kReconnect, 20 * kSecond);
    case Kind::kHeartbeat:
    case Kind::kReturn:
    case Kind::kWake:
    case Kind::kReconnect:
    case Kind::kCut:
      if (timer.generation == clients_[timer.subject].generation) {
        PlayOfClient(timer.kind, timer.subject);
      }
  }
}

void Day::PlayOfClient(Kind kind, int client) {
  switch (kind) {
    case Kind::kHeartbeat: return Beat(client);
    case Kind::kReturn: return Return(client);
    case Kind::kWake:
      clients_[client].state = DayClient::State::kLive;
      return Beat(client);
    case Kind::kReconnect: return Reconnect(client);
    case Kind::kCut: return Cut(client);
    default: return;
  }
}

std::string Day::Figures() const {
  std::string text = absl::StrCat(
      options_.clients, " clients, ", absl::FormatDuration(options_.length),
      ", seed ", options_.seed, "\n", consumer_groups_, " consumer groups, ",
      producer_groups_, " producer groups, ", ticks_, " ticks, ", checkpoints_,
      " times all was compared\n", "heartbeats: ", light_, " light (",
      full_needed_, " answered full statement needed, ", closed_,
      " on a closed channel), ", full_, " full\n",
      "channels: ", channels_.size(), " opened, ",
      model_.open_channels().size(), " open");
  for (size_t reason = 0; reason < kRemovalReasons; ++reason) {
    absl::StrAppend(&text, ", ",
                    model_.closed(static_cast<RemovalReason>(reason)), " ",
                    Name(static_cast<RemovalReason>(reason)));
  }
  absl::StrAppend(&text, "; ", late_closes_, " closed again later, ",
                  overtaken_, " overtaken, ", held_, " held off, ", drains_,
                  " drains, ", turned_away_, " turned away, ", canaries_,
                  " canaries; longest silence ", model_.longest_silence(),
                  " ms\n");
  for (const GroupKind kind : {GroupKind::kConsumer, GroupKind::kProducer}) {
    const int at = static_cast<int>(kind);
    absl::StrAppend(&text, Name(kind), "s: joined ", joins_[at]);
    for (size_t reason = 0; reason < kRemovalReasons; ++reason) {
      absl::StrAppend(&text, ", ", Name(static_cast<RemovalReason>(reason)),
                      " ", leaves_[at][reason]);
    }
    absl::StrAppend(&text, ", groups emptied ", emptied_[at], "\n");
  }
  absl::StrAppend(&text, "consumers: CHANGE ", changes_, ", REGISTER ",
                  registers_, "\npushes: ", pushes_, ", at least ",
                  least_pushes_, ", uncoalesced at most ", most_pushes_, "\n",
                  watchers_.Figures());
  return text;
}

DayReport SimulateDay(const DayOptions& options) { return Day(options).Run(); }

}  // namespace rmq
