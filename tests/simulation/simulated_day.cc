#include "tests/simulation/simulated_day.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/policy/group_policy.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/stated.h"
#include "common/client_types.h"
#include "tests/simulation/broker_model.h"
#include "tests/simulation/core_under_test.h"

namespace rmq {
namespace {

using Millis = BrokerModel::Millis;
using ClientIds = std::shared_ptr<const std::vector<std::string>>;

constexpr Millis kSecond = 1'000;
constexpr Millis kMinute = 60 * kSecond;
constexpr Millis kHour = 60 * kMinute;
constexpr Millis kExpiry = 120 * kSecond;
constexpr Millis kHeartbeat = 30 * kSecond;
constexpr Millis kPeriod = 10 * kSecond;
// Coarse, so that a silence of exactly the expiry happens now and then.
constexpr Millis kGrain = 500;
constexpr size_t kMaxFailures = 5;
constexpr int kUnaryPercent = 4;

class Day;

class DayChannel final : public ClientChannel {
 public:
  DayChannel(Kind kind, Day* day)
      : ClientChannel(kind, "10.0.0.1:40000"), day_(*day) {}

  void NotifyConsumerIdsChanged(absl::string_view group) override;
  void End(RemovalReason reason) override;
  bool writable() const override { return true; }

  int number = -1;  // The model's.
  uint64_t stream_number = 0;

 private:
  Day& day_;
};

using DayChannelPtr = std::shared_ptr<DayChannel>;

// How one member of a group differs from what the others state.
enum class Canary {
  kNone,
  kAnotherTopicToo,
  kRetryTopicOnly,
  kNothing,
  kGreaterVersion,
  kEqualVersion,
  kSmallerVersion,
  kVersionOfTheFuture,
  kOtherMessageModel,
};
constexpr int kCanaries = 8;

// What one client process is and knows.
struct DayClient {
  enum class State { kAway, kLive, kSilent };
  struct Consumer {
    int group;
    int definition;  // Of its subscriptions; rises with each rollout.
    Canary canary = Canary::kNone;
  };

  State state = State::kAway;
  bool unary = false;
  uint64_t incarnation = 0;
  bool numbers_streams = true;
  uint64_t streams = 0;  // That the process has opened.
  int channel = -1;
  uint64_t token = 0;
  uint32_t generation = 0;  // Of its timer: older ones are void.
  std::vector<Consumer> consumers;
  std::vector<Consumer> laid_aside;  // Stated again later.
  std::vector<int> producers;
  // Group -> its consumer ids, read at the latest push.
  std::vector<std::pair<int, ClientIds>> known;
};

class Day final : public ClientEventListener {
 public:
  explicit Day(const DayOptions& options)
      : options_(options),
        length_(absl::ToInt64Milliseconds(options.length)),
        most_calm_(absl::ToInt64Milliseconds(options.most_calm)),
        consumer_groups_(std::max(10, options.clients / 10)),
        producer_groups_(std::max(5, options.clients / 40)),
        topics_(std::max(20, options.clients / 25)),
        random_(options.seed),
        definitions_(consumer_groups_),
        listed_(consumer_groups_),
        seen_groups_(consumer_groups_),
        clients_(options.clients),
        model_(kExpiry, kPeriod, SwitchedOnGroups(consumer_groups_)),
        core_(PolicyOptions(consumer_groups_), this, start_) {}

  DayReport Run();

  void OnClientEvent(const ClientEvent& event) override;
  void OnPush(const DayChannel& channel, absl::string_view group);
  void OnEnd(const DayChannel& channel, RemovalReason reason) {
    ended_.emplace_back(channel.number, reason);
  }

 private:
  enum class Kind : uint8_t {
    kTick,
    kHeartbeat,
    kAct,
    kReturn,
    kWake,
    kRestate,
    kReconnect,
    kCut,
    kLateClose,  // `subject` is a channel.
    kRollout,
    kCanary,
    kTakeBack,
    kStranger,
    kCutStorm,
    kHalfOpenStorm,
    kAway,
    kCheckpoint,
  };
  struct Timer {
    Millis at;
    uint64_t order;
    Kind kind;
    int subject;
    uint32_t generation;
    bool operator>(const Timer& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  static bool IsBroadcasting(int group) { return group % 10 == 3; }
  static bool IsSwitchedOff(int group) { return group % 10 == 7; }
  static std::vector<bool> SwitchedOnGroups(int groups) {
    std::vector<bool> switched_on;
    for (int group = 0; group < groups; ++group) {
      switched_on.push_back(!IsSwitchedOff(group));
    }
    return switched_on;
  }
  static GroupPolicy::Options PolicyOptions(int groups) {
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
  static std::string ConsumerName(int group) {
    return group < 0 ? "" : absl::StrCat("g", group);
  }
  static std::string ProducerName(int group) {
    return group < 0 ? "" : absl::StrCat("p", group);
  }
  static std::string GroupName(GroupKind kind, int group) {
    return kind == GroupKind::kConsumer ? ConsumerName(group)
                                        : ProducerName(group);
  }
  static std::string ClientId(int client) {
    return absl::StrCat("10.0.0.1@", client);
  }
  // Topics above topics_ are the groups' retry topics.
  std::string TopicName(int topic) const {
    return topic < topics_ ? absl::StrCat("t", topic)
                           : absl::StrCat("%RETRY%g", topic - topics_);
  }
  static std::string Expression(int expression) {
    return absl::StrCat("e", expression);
  }
  static MessageModel ModelOf(bool broadcasting) {
    return broadcasting ? MessageModel::kBroadcasting
                        : MessageModel::kClustering;
  }

  // Randomness of our own: the library's distributions differ.
  int Below(int64_t n) { return static_cast<int>(random_() % n); }
  bool Percent(int percent) { return Below(100) < percent; }
  Millis Between(Millis least, Millis most) {
    return least + Below((most - least) / kGrain + 1) * kGrain;
  }

  ClientChannel* ChannelOf(int number) const {
    return number < 0 ? nullptr : channels_[number].get();
  }

  absl::Time Now() const { return start_ + absl::Milliseconds(now_); }

  void At(Millis at, Kind kind, int subject = 0, uint32_t generation = 0) {
    timers_.push({at, ++last_timer_, kind, subject, generation});
  }
  // Replaces the client's timer.
  void ClientAt(Millis at, Kind kind, int client) {
    At(at, kind, client, ++clients_[client].generation);
  }
  template <typename... Args>
  void Fail(const Args&... args) {
    if (report_.failures.size() < kMaxFailures) {
      report_.failures.push_back(absl::StrCat("at ", now_, " ms: ", args...));
    }
  }
  template <typename T>
  void Expect(const T& expected, const T& got, absl::string_view what) {
    if (!(expected == got)) {
      Fail(what, ": expected ", expected, ", got ", got);
    }
  }

  void Play(const Timer& timer);
  void PlayOfClient(Kind kind, int client);
  void Tick();
  void Beat(int client);
  void Act(int client);
  void ActUnary(int client);
  void Return(int client);
  void Restate(int client);
  void Reconnect(int client);
  void Cut(int client);
  void LeaveGracefully(int client);
  void LayAside(int client, bool unregister);
  void RaceOfTwoStreams(int client);
  void FallSilent(int client);
  void Rollout();
  void SendCanary();
  void TakeBack(int client);
  void Stranger();
  void NextAct(int client) {
    At(now_ + Between(10 * kSecond, most_calm_), Kind::kAct, client);
  }

  void DrawGroups(DayClient& client);
  int OpenChannel(int client, ClientChannel::Kind kind);
  // The client's next incarnation of its stream or stand-in, and a heartbeat.
  void Connect(int client);
  void FullHeartbeat(int client, int channel);
  BrokerModel::StatedGroup StatedBy(const DayClient::Consumer& consumer) const;
  void Unregister(int client, int producer_group, int consumer_group);
  void CloseChannel(int channel, RemovalReason reason);

  // Compares what the call that was just made told with the model.
  void Settle(absl::string_view what, std::vector<int> ended,
              RemovalReason reason);
  void Checkpoint();
  void CompareGroups(GroupKind kind);
  void CompareTopics();
  void CompareClients();
  void ComparePolicy();
  void Drain();
  std::string Figures() const;

  const DayOptions options_;
  const Millis length_;
  const Millis most_calm_;
  const int consumer_groups_;
  const int producer_groups_;
  const int topics_;
  const absl::Time start_ = absl::FromUnixSeconds(1'000'000);
  std::mt19937_64 random_;
  Millis now_ = 0;
  Millis away_until_ = 0;
  uint64_t last_timer_ = 0;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::vector<int> definitions_;
  // What a client would read of each group now; null after a change.
  std::vector<ClientIds> listed_;
  std::vector<bool> seen_groups_;  // The policy has heard of them.
  std::set<int> retry_topics_;
  std::vector<DayClient> clients_;
  std::vector<DayChannelPtr> channels_;  // By the model's number.

  BrokerModel model_;
  CoreUnderTest core_;

  // What the core told.
  Told told_;
  uint64_t last_revision_ = 0;
  int64_t pushes_ = 0;
  int64_t settled_pushes_ = 0;
  std::vector<std::pair<int, RemovalReason>> ended_;
  std::vector<BrokerModel::Departure> departures_;

  // Figures.
  int64_t light_ = 0, full_ = 0, full_needed_ = 0, closed_ = 0, ticks_ = 0;
  int64_t least_pushes_ = 0, most_pushes_ = 0, checkpoints_ = 0;
  int64_t late_closes_ = 0, overtaken_ = 0, canaries_ = 0;
  DayReport report_;
};

void DayChannel::NotifyConsumerIdsChanged(absl::string_view group) {
  day_.OnPush(*this, group);
}

void DayChannel::End(RemovalReason reason) { day_.OnEnd(*this, reason); }

void Day::OnClientEvent(const ClientEvent& event) {
  if (event.revision < last_revision_) Fail("a revision falls");
  last_revision_ = event.revision;
  const int kind = static_cast<int>(event.kind);
  switch (event.type) {
    case EventType::kClientRegister: ++told_.joins[kind]; break;
    case EventType::kClientUnregister:
      ++told_.leaves[kind][static_cast<int>(event.reason)];
      break;
    case EventType::kUnregister: ++told_.emptied[kind]; break;
    case EventType::kChange: ++told_.changes; break;
    case EventType::kRegister: ++told_.registers; break;
  }
  int group = 0;
  if (!absl::SimpleAtoi(absl::string_view(event.group).substr(1), &group)) {
    return Fail("an event of ", event.group);
  }
  if (event.kind == GroupKind::kConsumer) listed_[group] = nullptr;
  if (event.type == EventType::kClientUnregister) {
    const int channel = static_cast<const DayChannel&>(*event.channel).number;
    departures_.push_back({channel, event.kind, group});
  }
}

void Day::OnPush(const DayChannel& channel, absl::string_view name) {
  ++pushes_;
  int group = -1;
  if (!absl::SimpleAtoi(name.substr(1), &group) || IsSwitchedOff(group)) {
    return Fail("a push of ", name, ", which is not notified");
  }
  const int owner = model_.channels()[channel.number].client;
  if (owner < 0 || clients_[owner].channel != channel.number) return;
  // The client reads the group as it is now; all that read it before the next
  // change share the answer.
  ClientIds& listed = listed_[group];
  if (listed == nullptr) {
    auto client_ids = std::make_shared<std::vector<std::string>>();
    MemberCursor cursor = 0;
    do {
      ConsumerList list =
          core_.processor.GetConsumerListByGroup(name, 1000, cursor);
      for (std::string& client_id : list.client_ids) {
        client_ids->push_back(std::move(client_id));
      }
      cursor = list.next;
    } while (cursor != 0);
    listed = std::move(client_ids);
  }
  auto& known = clients_[owner].known;
  for (auto& [known_group, client_ids] : known) {
    if (known_group != group) continue;
    client_ids = listed;
    return;
  }
  known.emplace_back(group, listed);
}

DayReport Day::Run() {
  for (int client = 0; client < options_.clients; ++client) {
    clients_[client].unary = Percent(kUnaryPercent);
    DrawGroups(clients_[client]);
    ClientAt(Between(0, 5 * kMinute), Kind::kReturn, client);
    NextAct(client);
  }
  At(kPeriod, Kind::kTick);
  At(kMinute, Kind::kStranger);
  At(kMinute, Kind::kRollout);
  At(kMinute, Kind::kCanary);
  const Millis quarter = length_ / 4;
  for (int i = 1; i <= 3; ++i) {
    At(i * quarter, i == 2 ? Kind::kHalfOpenStorm : Kind::kCutStorm);
    // In between the broker is away, once just before a storm.
    At(i * quarter - quarter / 2, Kind::kAway, (4 + i) * kMinute);
  }
  At(3 * quarter - 6 * kMinute, Kind::kAway, 5 * kMinute);
  for (int i = 1; i <= 12; ++i) {
    // Short absences: some make a tick late by more than a period, some not.
    At(i * length_ / 13 + Between(0, kPeriod), Kind::kAway,
       Between(6 * kSecond, 25 * kSecond));
  }
  for (Millis at = std::min(kHour, length_ / 4); at < length_;
       at += std::min(kHour, length_ / 4)) {
    At(at + 1, Kind::kCheckpoint);
  }

  while (timers_.top().at <= length_ && report_.failures.empty()) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (timer.at < away_until_) {
      // What came in meanwhile is read after the tick that is overdue.
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

void Day::Play(const Timer& timer) {
  switch (timer.kind) {
    case Kind::kTick: return Tick();
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
    case Kind::kCutStorm:
      for (int client = 0; client < options_.clients; ++client) {
        if (clients_[client].state == DayClient::State::kLive && Percent(90)) {
          ClientAt(now_ + Between(0, 2 * kSecond), Kind::kCut, client);
        }
      }
      return;
    case Kind::kHalfOpenStorm:
      for (int client = 0; client < options_.clients; ++client) {
        if (clients_[client].state == DayClient::State::kLive && Percent(90)) {
          ClientAt(now_ + Between(0, 20 * kSecond), Kind::kReconnect, client);
        }
      }
      return;
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

void Day::Tick() {
  if (Percent(2)) {
    // Left out: the next one is late by exactly a period, which is not late
    // yet.
    At((now_ / kPeriod + 1) * kPeriod, Kind::kTick);
    return;
  }
  ++ticks_;
  core_.housekeeping.Tick(Now());
  std::vector<int> expired = model_.Tick(now_, departures_);
  Settle("a tick", std::move(expired), RemovalReason::kExpired);
  At((now_ / kPeriod + 1) * kPeriod, Kind::kTick);
}

void Day::Beat(int number) {
  DayClient& client = clients_[number];
  ClientAt(now_ + kHeartbeat, Kind::kHeartbeat, number);
  if (client.unary) {
    const int stand_in = model_.FindStandIn(number);
    const ClientChannelPtr found = core_.table.FindStandIn(ClientId(number));
    if (found.get() != ChannelOf(stand_in)) Fail("another stand-in");
    if (found == nullptr) return Connect(number);
  }
  ++light_;
  const BrokerModel::Light expected = model_.RenewLight(client.channel, now_);
  const Renewal got =
      channels_[client.channel]->RenewLight(client.token, Now());
  switch (got) {
    case Renewal::kRenewed:
      if (expected != BrokerModel::Light::kRenewed) {
        Fail("a light heartbeat of ", ClientId(number), " was renewed");
      }
      return;
    case Renewal::kFullStatementNeeded:
      ++full_needed_;
      if (expected != BrokerModel::Light::kFullNeeded) {
        Fail("a light heartbeat of ", ClientId(number),
             " was told to state all");
      }
      return FullHeartbeat(number, client.channel);
    case Renewal::kClosed:
      ++closed_;
      if (expected != BrokerModel::Light::kClosed) {
        Fail("a light heartbeat of ", ClientId(number), " found it closed");
      }
      return Connect(number);
  }
}

void Day::Act(int number) {
  DayClient& client = clients_[number];
  NextAct(number);
  if (client.state != DayClient::State::kLive) return;
  if (client.unary) return ActUnary(number);
  const int die = Below(100);
  if (die < 25) {
    Cut(number);
  } else if (die < 35) {
    LeaveGracefully(number);
  } else if (die < 55) {
    FallSilent(number);
  } else if (die < 65) {
    // Killed and started again, before the broker hears of the old stream's
    // end, or without its ever hearing of it.
    const int old = client.channel;
    client.state = DayClient::State::kAway;
    Return(number);
    if (Percent(50)) At(now_ + Between(0, 4 * kMinute), Kind::kLateClose, old);
  } else if (die < 75) {
    Reconnect(number);
  } else if (die < 85) {
    LayAside(number, /*unregister=*/false);
  } else if (die < 95) {
    LayAside(number, /*unregister=*/true);
  } else if (die < 97) {
    RaceOfTwoStreams(number);
  } else {
    client.state = DayClient::State::kAway;
    CloseChannel(client.channel, RemovalReason::kKicked);
    ClientAt(now_ + Between(kMinute, 10 * kMinute), Kind::kReturn, number);
  }
}

void Day::ActUnary(int number) {
  const int die = Below(100);
  if (die < 30) {
    LeaveGracefully(number);
  } else if (die < 60) {
    FallSilent(number);
  } else {
    LayAside(number, /*unregister=*/die < 80);
  }
}

// A process starts.
void Day::Return(int number) {
  DayClient& client = clients_[number];
  client.state = DayClient::State::kLive;
  // Not 0, which replaces nothing; but some clients do not tell theirs.
  client.incarnation = Percent(5) ? 0 : random_() | 1;
  client.numbers_streams = !Percent(20);
  client.streams = 0;
  client.known.clear();
  client.consumers.insert(client.consumers.end(), client.laid_aside.begin(),
                          client.laid_aside.end());
  client.laid_aside.clear();
  if (Percent(20)) DrawGroups(client);
  for (DayClient::Consumer& consumer : client.consumers) {
    consumer.definition = definitions_[consumer.group];
    if (Percent(50)) consumer.canary = Canary::kNone;
  }
  Connect(number);
  ClientAt(now_ + kHeartbeat, Kind::kHeartbeat, number);
}

void Day::Restate(int number) {
  DayClient& client = clients_[number];
  if (client.state != DayClient::State::kLive) return;
  client.consumers.insert(client.consumers.end(), client.laid_aside.begin(),
                          client.laid_aside.end());
  client.laid_aside.clear();
  for (DayClient::Consumer& consumer : client.consumers) {
    consumer.definition = definitions_[consumer.group];
  }
  ClientAt(now_ + kHeartbeat, Kind::kHeartbeat, number);
  if (client.unary && model_.FindStandIn(number) < 0) return Connect(number);
  if (!model_.channels()[client.channel].open) return Connect(number);
  FullHeartbeat(number, client.channel);
}

// The same process, a new stream; the broker has not heard of the old one's
// end, and hears of it late.
void Day::Reconnect(int number) {
  const int old = clients_[number].channel;
  ClientAt(now_ + kHeartbeat, Kind::kHeartbeat, number);
  if (clients_[number].unary) return Beat(number);
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

void Day::LeaveGracefully(int number) {
  DayClient& client = clients_[number];
  const size_t calls =
      std::max(client.consumers.size(), client.producers.size());
  for (size_t i = 0; i < calls; ++i) {
    Unregister(number, i < client.producers.size() ? client.producers[i] : -1,
               i < client.consumers.size() ? client.consumers[i].group : -1);
  }
  client.state = DayClient::State::kAway;
  if (!client.unary) {
    CloseChannel(client.channel, RemovalReason::kDisconnected);
  }
  ClientAt(now_ + Between(kMinute, kHour), Kind::kReturn, number);
}

// One group leaves: by request, or by being left out of what is stated from now
// on. It comes back later, before or after it would expire.
void Day::LayAside(int number, bool unregister) {
  DayClient& client = clients_[number];
  if (client.consumers.empty() ||
      client.consumers.size() + client.producers.size() < 2) {
    return;
  }
  const auto which = client.consumers.begin() + Below(client.consumers.size());
  const DayClient::Consumer consumer = *which;
  client.consumers.erase(which);
  client.laid_aside.push_back(consumer);
  if (unregister) {
    Unregister(number, -1, consumer.group);
    // The next light heartbeat is answered "full statement needed".
  } else if (model_.channels()[client.channel].open) {
    FullHeartbeat(number, client.channel);
  }
  At(now_ + Between(kSecond, 6 * kMinute), Kind::kRestate, number);
}

// Two streams of one process, and the newer one's first heartbeat is read
// first. If the older one was delayed on its way, the broker has it for the
// newer one, but for its number.
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

void Day::FallSilent(int number) {
  DayClient& client = clients_[number];
  client.state = DayClient::State::kSilent;
  if (!client.unary && Percent(30)) {
    At(now_ + Between(0, 5 * kMinute), Kind::kLateClose, client.channel);
  }
  // A third was only stopped and goes on where it was.
  ClientAt(now_ + Between(30 * kSecond, 10 * kMinute),
           Percent(30) ? Kind::kWake : Kind::kReturn, number);
}

// New software: the group's subscriptions change, member by member.
void Day::Rollout() {
  At(now_ + std::max(kGrain, 6 * kHour / consumer_groups_), Kind::kRollout);
  const int group = Below(consumer_groups_);
  ++definitions_[group];
  const auto found = model_.groups(GroupKind::kConsumer).find(group);
  if (found == model_.groups(GroupKind::kConsumer).end()) return;
  for (const int channel : found->second.members) {
    const int client = model_.channels()[channel].client;
    if (clients_[client].channel == channel && Percent(95)) {
      At(now_ + Between(0, 5 * kMinute), Kind::kRestate, client);
    }
  }
}

// One member differs from the others, and is taken back, or comes to an end
// first. The first few groups have several at a time.
void Day::SendCanary() {
  At(now_ + std::max(kGrain, 30 * kMinute / consumer_groups_), Kind::kCanary);
  const int group = Below(Percent(50) ? 5 : consumer_groups_);
  const auto found = model_.groups(GroupKind::kConsumer).find(group);
  if (found == model_.groups(GroupKind::kConsumer).end()) return;
  const std::set<int>& members = found->second.members;
  const int channel =
      *std::next(members.begin(), Below(static_cast<int64_t>(members.size())));
  const int number = model_.channels()[channel].client;
  DayClient& client = clients_[number];
  if (client.channel != channel) return;
  for (DayClient::Consumer& consumer : client.consumers) {
    if (consumer.group != group) continue;
    consumer.canary = static_cast<Canary>(1 + Below(kCanaries));
    ++canaries_;
  }
  At(now_ + Between(kSecond, 20 * kMinute), Kind::kTakeBack, number);
  Restate(number);
}

void Day::TakeBack(int number) {
  for (DayClient::Consumer& consumer : clients_[number].consumers) {
    consumer.canary = Canary::kNone;
  }
  Restate(number);
}

// Opens a stream and says nothing.
void Day::Stranger() {
  At(now_ + Between(kSecond, 2 * kMinute), Kind::kStranger);
  const int channel = OpenChannel(-1, ClientChannel::Kind::kStream);
  if (Percent(50)) {
    At(now_ + Between(0, 4 * kMinute), Kind::kLateClose, channel);
  }
}

void Day::DrawGroups(DayClient& client) {
  client.consumers.clear();
  client.producers.clear();
  client.laid_aside.clear();
  const int consumers = Below(4);
  for (int i = 0; i < consumers; ++i) {
    // One is far more popular than the others.
    const int group = Percent(2) ? 0 : Below(consumer_groups_);
    const bool is_new = std::none_of(
        client.consumers.begin(), client.consumers.end(),
        [&](const DayClient::Consumer& other) { return other.group == group; });
    if (is_new) client.consumers.push_back({group, definitions_[group]});
  }
  const int producers = consumers == 0 ? 1 + Below(2) : Below(3);
  for (int i = 0; i < producers; ++i) {
    const int group = Below(producer_groups_);
    if (std::find(client.producers.begin(), client.producers.end(), group) ==
        client.producers.end()) {
      client.producers.push_back(group);
    }
  }
}

BrokerModel::StatedGroup Day::StatedBy(
    const DayClient::Consumer& consumer) const {
  const Canary canary = consumer.canary;
  BrokerModel::StatedGroup stated;
  stated.group = consumer.group;
  stated.broadcasting =
      IsBroadcasting(consumer.group) != (canary == Canary::kOtherMessageModel);
  if (canary == Canary::kNothing) return stated;

  // Between one rollout's versions and the next one's there is room.
  BrokerModel::Subscription subscription;
  subscription.version = int64_t{10} * consumer.definition;
  subscription.expression = 10 * consumer.definition;
  switch (canary) {
    case Canary::kGreaterVersion: subscription.version += 1; break;
    case Canary::kSmallerVersion: subscription.version -= 15; break;
    case Canary::kVersionOfTheFuture: subscription.version += 25; break;
    default: break;
  }
  if (canary >= Canary::kGreaterVersion) {
    subscription.expression += static_cast<int>(canary);
  }
  const auto add = [&](int topic) {
    stated.subscriptions.emplace(topic, subscription);
  };
  add(topics_ + consumer.group);
  if (canary == Canary::kRetryTopicOnly) return stated;
  for (int i = 0; i <= consumer.group % 3; ++i) {
    add((consumer.group * 7 + i) % topics_);
  }
  // Each other definition exchanges a topic, the others only expressions.
  add((consumer.group * 11 + consumer.definition / 2) % topics_);
  if (canary == Canary::kAnotherTopicToo) {
    add((consumer.group * 13 + 5) % topics_);
  }
  return stated;
}

int Day::OpenChannel(int client, ClientChannel::Kind kind) {
  auto channel = std::make_shared<DayChannel>(kind, this);
  if (kind == ClientChannel::Kind::kStandIn) {
    const absl::StatusOr<ClientChannelPtr> opened =
        core_.table.FindOrOpenStandIn(ClientId(client), channel, Now());
    if (!opened.ok() || *opened != channel) Fail("no new stand-in");
    channel->number = model_.Open(/*stand_in=*/true, client, now_);
  } else {
    if (!core_.table.Open(channel, Now()).ok()) Fail("no new stream");
    channel->number = model_.Open(/*stand_in=*/false, client, now_);
  }
  if (client >= 0 && clients_[client].numbers_streams) {
    channel->stream_number = ++clients_[client].streams;
  }
  const int number = channel->number;
  channels_.push_back(std::move(channel));
  return number;
}

void Day::Connect(int number) {
  DayClient& client = clients_[number];
  const int stand_in = client.unary ? model_.FindStandIn(number) : -1;
  client.channel =
      stand_in >= 0
          ? stand_in
          : OpenChannel(number, client.unary ? ClientChannel::Kind::kStandIn
                                             : ClientChannel::Kind::kStream);
  FullHeartbeat(number, client.channel);
}

void Day::FullHeartbeat(int number, int channel) {
  DayClient& client = clients_[number];
  ++full_;
  const uint64_t stream_number = channels_[channel]->stream_number;
  BrokerModel::Statement statement{
      number, client.incarnation, stream_number, {}, {}};
  Stated stated(ClientId(number));
  stated.Incarnation(client.incarnation).StreamNumber(stream_number);
  for (const DayClient::Consumer& consumer : client.consumers) {
    statement.consumers.push_back(StatedBy(consumer));
    const BrokerModel::StatedGroup& group = statement.consumers.back();
    std::vector<StatedSubscription> subscriptions;
    for (const auto& [topic, subscription] : group.subscriptions) {
      subscriptions.push_back({TopicName(topic), subscription.version,
                               Expression(subscription.expression)});
    }
    stated.Consumer(ConsumerName(consumer.group), std::move(subscriptions))
        .Model(ModelOf(group.broadcasting));
    seen_groups_[consumer.group] = true;
    retry_topics_.insert(consumer.group);
  }
  for (const int group : client.producers) {
    statement.producers.push_back(group);
    stated.Producer(ProducerName(group));
  }
  std::vector<int> ended;
  const bool expected = model_.Heartbeat(channel, statement, now_, &ended);
  const StatementOf told(std::move(stated));
  const HeartbeatResult result =
      core_.processor.Heartbeat(*channels_[channel], *told, Now());
  Expect(expected, result.status.code == absl::StatusCode::kOk,
         "a full heartbeat was accepted");
  Expect(expected, result.statement_token != 0, "a full heartbeat got a token");
  if (!result.skipped.empty()) Fail("a group was skipped");
  if (expected) client.token = result.statement_token;
  Settle("a full heartbeat", std::move(ended), RemovalReason::kReplaced);
}

void Day::Unregister(int number, int producer_group, int consumer_group) {
  DayClient& client = clients_[number];
  if (consumer_group >= 0) seen_groups_[consumer_group] = true;
  ClientChannelPtr channel = channels_[client.channel];
  if (client.unary) {
    channel = core_.table.FindStandIn(ClientId(number));
    if (channel == nullptr)
      return Expect(-1, model_.FindStandIn(number), "a stand-in");
  }
  model_.Unregister(client.channel, producer_group, consumer_group);
  core_.processor.UnregisterClient(*channel, ClientId(number),
                                   {ProducerName(producer_group)},
                                   {ConsumerName(consumer_group)}, Now());
  Settle("an unregister", {}, RemovalReason::kUnregistered);
}

void Day::CloseChannel(int channel, RemovalReason reason) {
  model_.Close(channel, reason);
  core_.housekeeping.OnChannelClose(*channels_[channel], reason, Now());
  Settle("a close", {}, reason);
}

void Day::Settle(absl::string_view what, std::vector<int> ended,
                 RemovalReason reason) {
  // As the edge's timer does it, where there are more pushes than one flush
  // makes.
  ConsumerIdsNotifier& notifier = core_.notifier;
  while (notifier.NextDeadline() != absl::InfiniteFuture()) {
    notifier.Flush(core_.table, notifier.NextDeadline());
  }
  std::vector<std::pair<int, RemovalReason>> expected;
  for (const int channel : ended) expected.emplace_back(channel, reason);
  std::sort(expected.begin(), expected.end());
  std::sort(ended_.begin(), ended_.end());
  if (expected != ended_) {
    Fail(what, " ended ", ended_.size(), " channels, expected ",
         expected.size(), " by ", Name(reason));
  }
  ended_.clear();
  departures_.clear();
  if (!(told_ == model_.told())) {
    Fail(what, " told\n", told_.ToString(), "expected\n",
         model_.told().ToString());
  }
  const auto [least, most] = model_.TakePushes();
  const int64_t pushed = pushes_ - settled_pushes_;
  settled_pushes_ = pushes_;
  least_pushes_ += least;
  most_pushes_ += most;
  // A call pushes each group once. A tick works in pieces, each of which may
  // push a group again.
  const bool is_tick = reason == RemovalReason::kExpired;
  if (pushed < least || pushed > (is_tick ? std::max(least, most) : least)) {
    Fail(what, " made ", pushed, " pushes, expected ", least, " to ", most);
  }
}

void Day::Checkpoint() {
  ++checkpoints_;
  const ClientTable::Counts counts = core_.table.counts();
  Expect(model_.open_channels().size(), counts.channels, "open channels");
  Expect<size_t>(0, counts.queued_events, "queued events");
  Expect(told_.changes, core_.notifier.counts().changes, "changes heard");
  Expect(pushes_, core_.notifier.counts().pushes, "pushes counted");
  CompareGroups(GroupKind::kConsumer);
  CompareGroups(GroupKind::kProducer);
  CompareTopics();
  CompareClients();
  ComparePolicy();
}

void Day::CompareGroups(GroupKind kind) {
  const auto& groups = model_.groups(kind);
  const ClientTable::Counts counts = core_.table.counts();
  Expect(groups.size(),
         kind == GroupKind::kConsumer ? counts.consumer_groups
                                      : counts.producer_groups,
         "groups");
  for (const auto& [group, expected] : groups) {
    const std::string name = GroupName(kind, group);
    auto next = expected.members.begin();
    MemberCursor cursor = 0;
    do {
      for (const MemberInfo& member :
           core_.table.ListMembers(kind, name, 100, &cursor)) {
        if (next == expected.members.end()) {
          return Fail(name, " has more members than ", expected.members.size());
        }
        const int number = *next++;
        const BrokerModel::Channel& channel = model_.channels()[number];
        Millis heard = channel.heard;
        for (const BrokerModel::Membership& membership : channel.memberships) {
          if (membership.kind == kind && membership.group == group &&
              !membership.current) {
            heard = membership.left_out_at;
          }
        }
        if (member.channel != channels_[number] ||
            member.client_id != ClientId(channel.client) ||
            member.last_heard != start_ + absl::Milliseconds(heard)) {
          return Fail("a member of ", name, " is ", member.client_id,
                      ", expected ", ClientId(channel.client));
        }
      }
    } while (cursor != 0);
    if (next != expected.members.end()) {
      return Fail(name, " has fewer members than ", expected.members.size());
    }
    if (kind == GroupKind::kProducer) {
      const ClientChannelPtr available =
          core_.table.NextAvailableProducer(name);
      const bool is_member = std::any_of(
          expected.members.begin(), expected.members.end(),
          [&](int member) { return channels_[member] == available; });
      if (!is_member) Fail("no available producer of ", name);
      continue;
    }
    const auto info = core_.table.FindConsumerGroup(name);
    if (!info.has_value()) return Fail("no group ", name);
    const BrokerModel::GroupStatement& statement = expected.statement;
    if (info->modes.message_model != ModelOf(statement.broadcasting)) {
      Fail(name, " has the message model ", Name(info->modes.message_model));
    }
    Expect(statement.subscriptions.size(), info->subscriptions->size(), name);
    for (const auto& [topic, subscription] : statement.subscriptions) {
      const auto found = core_.table.FindSubscription(name, TopicName(topic));
      if (!found.has_value() || found->sub_version != subscription.version ||
          found->expression != Expression(subscription.expression)) {
        Fail(name, " has not version ", subscription.version, " of ",
             TopicName(topic));
      }
    }
  }
}

void Day::CompareTopics() {
  std::vector<std::vector<std::string>> expected(topics_ + consumer_groups_);
  for (const auto& [group, state] : model_.groups(GroupKind::kConsumer)) {
    for (const auto& [topic, subscription] : state.statement.subscriptions) {
      expected[topic].push_back(ConsumerName(group));
    }
  }
  for (size_t topic = 0; topic < expected.size(); ++topic) {
    const std::string name = TopicName(static_cast<int>(topic));
    std::sort(expected[topic].begin(), expected[topic].end());
    if (core_.table.GroupsOfTopic(name, "", ClientTable::kMaxPiece) !=
        expected[topic]) {
      Fail("groups of ", name);
    }
  }
}

void Day::CompareClients() {
  // Where each client produces: the channel that joined last. And which of its
  // channels are in a consumer group.
  std::vector<std::pair<int64_t, int>> producer(clients_.size(), {0, -1});
  for (const int number : model_.open_channels()) {
    const BrokerModel::Channel& channel = model_.channels()[number];
    for (const BrokerModel::Membership& membership : channel.memberships) {
      if (membership.kind == GroupKind::kProducer) {
        auto& last = producer[channel.client];
        last = std::max(last, {channel.last_joined, number});
        continue;
      }
      const ClientChannelPtr found = core_.table.FindConsumerChannel(
          ConsumerName(membership.group), ClientId(channel.client));
      if (found == nullptr) {
        Fail("no channel of ", ClientId(channel.client), " in ",
             ConsumerName(membership.group));
        continue;
      }
      const auto& other =
          model_.channels()[static_cast<const DayChannel&>(*found).number];
      if (!other.open || other.client != channel.client) {
        Fail("another's channel for ", ClientId(channel.client));
      }
    }
  }
  for (int number = 0; number < options_.clients; ++number) {
    const DayClient& client = clients_[number];
    const int last = producer[number].second;
    if (core_.table.FindProducerChannel(ClientId(number)).get() !=
        ChannelOf(last)) {
      Fail("another channel for the producer ", ClientId(number));
    }
    if (client.state != DayClient::State::kLive || client.channel < 0) continue;
    const BrokerModel::Channel& channel = model_.channels()[client.channel];
    if (!channel.open) continue;
    // A live client is in exactly what it stated, and in what it has left out
    // and has not expired yet.
    size_t current = 0;
    for (const BrokerModel::Membership& membership : channel.memberships) {
      if (membership.current) ++current;
    }
    Expect(client.consumers.size() + client.producers.size(), current,
           "groups of a live client");
    if (client.unary) continue;
    for (const DayClient::Consumer& consumer : client.consumers) {
      if (!model_.notified(consumer.group)) continue;
      // A client that came over another stream is the same one to the others.
      std::set<std::string> truth;
      for (const int member :
           model_.groups(GroupKind::kConsumer).at(consumer.group).members) {
        truth.insert(ClientId(model_.channels()[member].client));
      }
      const auto known = std::find_if(
          client.known.begin(), client.known.end(),
          [&](const auto& entry) { return entry.first == consumer.group; });
      if (known == client.known.end() ||
          std::set<std::string>(known->second->begin(), known->second->end()) !=
              truth) {
        Fail(ClientId(number), " knows a wrong list of ",
             ConsumerName(consumer.group));
      }
    }
  }
}

void Day::ComparePolicy() {
  size_t configs = 0;
  for (int group = 0; group < consumer_groups_; ++group) {
    if (IsSwitchedOff(group) || seen_groups_[group]) ++configs;
  }
  const size_t all = std::numeric_limits<size_t>::max();
  Expect(configs, core_.policy.ListSubscriptionGroups("", all).size(),
         "subscription group configs");
  Expect(retry_topics_.size(), core_.policy.ListTopics("", all).size(),
         "retry topics");
}

// The broker goes down: nobody is left, anywhere.
void Day::Drain() {
  core_.notifier.StartDraining();
  bool more = true;
  size_t drained = 0;
  while (more) {
    std::vector<ClientChannelPtr> closed;
    more = core_.table.CloseSome(RemovalReason::kDrained, 1000, &closed);
    drained += closed.size();
  }
  Expect(model_.open_channels().size(), drained, "drained channels");
  model_.CloseAll(RemovalReason::kDrained, departures_);
  model_.TakePushes();  // Nothing is pushed while draining.
  Settle("draining", {}, RemovalReason::kDrained);
  const ClientTable::Counts counts = core_.table.counts();
  Expect<size_t>(0, counts.channels, "channels left");
  Expect<size_t>(0, counts.consumer_groups, "consumer groups left");
  Expect<size_t>(0, counts.producer_groups, "producer groups left");
  CompareTopics();
  CompareClients();
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
                  overtaken_, " overtaken, ", canaries_,
                  " canaries; longest silence ", model_.longest_silence(),
                  " ms\n", told_.ToString(), "pushes: ", pushes_, ", at least ",
                  least_pushes_, ", uncoalesced at most ", most_pushes_, "\n");
  return text;
}

}  // namespace

DayReport SimulateDay(const DayOptions& options) { return Day(options).Run(); }

}  // namespace rmq
