// The class behind simulated_day.h, in files by idea:
// - simulated_day.cc: what happens when, and the figures.
// - day_load.cc: clients heartbeat, join, leave and change their subscriptions.
// - day_drain.cc: the broker is drained.
// - day_faults.cc: clients and connections fail.
// - day_calls.cc: each call is made of the core and the model, and compared.
// - day_checks.cc: everything that can be looked up is compared.
#ifndef TESTS_SIMULATION_DAY_H_
#define TESTS_SIMULATION_DAY_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/policy/group_policy.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "tests/model/broker_model.h"
#include "tests/simulation/core_under_test.h"
#include "tests/simulation/day_client.h"
#include "tests/simulation/day_watchers.h"
#include "tests/simulation/simulated_day.h"

namespace rmq {

using model::BrokerModel;
using model::Millis;

inline constexpr Millis kSecond = 1'000;
inline constexpr Millis kMinute = 60 * kSecond;
inline constexpr Millis kHour = 60 * kMinute;
inline constexpr Millis kExpiry = 120 * kSecond;
inline constexpr Millis kHeartbeat = 30 * kSecond;
inline constexpr Millis kPeriod = 10 * kSecond;
// What clients ask for; 0 is nothing. Some get more or less.
inline constexpr Millis kRequested[] = {0,
                                        2 * kSecond,
                                        10 * kSecond,
                                        12 * kSecond,
                                        40 * kSecond,
                                        10 * kMinute,
                                        30 * kMinute,
                                        kHour};
// Times are multiples of this, so that some silences last exactly the expiry.
inline constexpr Millis kGrain = 500;
inline constexpr size_t kMaxFailures = 5;
inline constexpr int kUnaryPercent = 4;

class Day;

class DayChannel final : public ClientChannel,
                         public std::enable_shared_from_this<DayChannel> {
 public:
  DayChannel(Kind kind, Day* day) : ClientChannel(kind), day_(*day) {}

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush> push) override;
  void End(const ChannelEnd& end) override;
  bool writable() const override { return true; }
  absl::string_view remote_address() const override { return "10.0.0.1:40000"; }

  int number = -1;  // The model's.
  int client = -1;  // A stranger has none.
  uint64_t stream_number = 0;

 private:
  Day& day_;
};

// The compared fields of an event.
using EventKey =
    std::tuple<EventType, GroupKind, RemovalReason, std::string /*group*/,
               int /*channel*/, std::string /*client id*/>;

class Day final : public ClientEventListener {
 public:
  explicit Day(const DayOptions& options);

  // Plays the day, once.
  DayReport Run();

  // --- Called by the core ---
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
    kDrain,  // `subject` is for how long.
    kDrainRun,
    kCancelDrain,
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

  // --- Names ---
  static bool IsBroadcasting(int group) { return group % 10 == 3; }
  static bool IsSwitchedOff(int group) { return group % 10 == 7; }
  static std::string ConsumerName(int group) {
    return absl::StrCat("g", group);
  }
  static std::string ProducerName(int group) {
    return absl::StrCat("p", group);
  }
  static std::string RetryTopicName(int group) {
    return absl::StrCat("%RETRY%g", group);
  }
  static std::string TopicName(int topic) { return absl::StrCat("t", topic); }
  static std::string ClientId(int client) {
    return absl::StrCat("10.0.0.1@", client);
  }
  static GroupPolicy::Options PolicyOptions(int groups);
  static model::BrokerOptions ModelOptions(int groups);

  // --- Randomness of our own: the library's distributions differ ---
  int Below(int64_t n) { return static_cast<int>(random_() % n); }
  bool Percent(int percent) { return Below(100) < percent; }
  Millis Between(Millis least, Millis most) {
    return least + Below((most - least) / kGrain + 1) * kGrain;
  }

  // --- Time ---
  absl::Time TimeAt(Millis at) const { return start_ + absl::Milliseconds(at); }
  absl::Time Now() const { return TimeAt(now_); }
  void At(Millis at, Kind kind, int subject = 0, uint32_t generation = 0) {
    timers_.push({at, ++last_timer_, kind, subject, generation});
  }
  // Replaces the client's timer.
  void ClientAt(Millis at, Kind kind, int client) {
    At(at, kind, client, ++clients_[client].generation);
  }
  void NextAct(int client) {
    At(now_ + Between(10 * kSecond, most_calm_), Kind::kAct, client);
  }
  void Schedule();
  void Play(const Timer& timer);
  void PlayOfClient(Kind kind, int client);

  // --- Load ---
  void Beat(int client);
  void Act(int client);
  void ActUnary(int client);
  // A process starts.
  void Return(int client);
  void Restate(int client);
  void LeaveGracefully(int client);
  // One group leaves: by request, or by being left out of what is stated from
  // now on. The group comes back later, before or after it would expire.
  void LayAside(int client, bool unregister);
  // New software: a group's subscriptions change, member by member.
  void Rollout();
  // One member states other subscriptions than the others. Later it is taken
  // back, unless it ends first.
  void SendCanary();
  void TakeBack(int client);
  void DrawGroups(DayClient& client);
  void Connect(int client);
  model::StatedConsumer StatedBy(const DayClient::Consumer& consumer) const;

  // --- Drains ---
  // The broker tells its clients to go, spread over that time.
  void BeginDrain(Millis duration);
  void RunDrain();
  void CancelDrain();
  // Whether the broker turns away the client that would come now: the timer is
  // put off to when it may.
  bool TurnsAway(const Timer& timer);

  // --- Faults ---
  // The process opens a new stream. The broker notices the old one's end late.
  void Reconnect(int client);
  void Cut(int client);
  void FallSilent(int client);
  // The process restarts before the broker notices the end of the old stream.
  void RestartUnnoticed(int client);
  // A process opens two streams, and the newer one's heartbeat arrives first.
  void RaceOfTwoStreams(int client);
  // An operator takes the client out. Its process ends, or keeps coming back
  // until it is let in.
  void Kick(int client);
  // Opens a stream and says nothing.
  void Stranger();
  // Nine live clients of ten lose their connection, or make another one.
  void Storm(Kind kind, Millis length);

  // --- Calls: each compares what the core did with the model ---
  int OpenChannel(int client, ClientChannel::Kind kind);
  void FullHeartbeat(int client, int channel);
  // Returns what the core answered.
  Renewal LightHeartbeat(int client);
  // Leaves a producer group, a consumer group or both; -1 is none.
  void Unregister(int client, int producer_group, int consumer_group);
  void CloseChannel(int channel, RemovalReason reason);
  void KickClient(int client, Millis hold);
  void Tick();
  // Has a tick come when the core's housekeeping wants it.
  void ScheduleTick();
  // The heartbeat interval of a client.
  static Millis Interval(const DayClient& client);
  // The broker shuts down, and no registration is left.
  void Drain();
  // A call pushes each group once. A tick works in pieces, each of which may
  // push a group again. While the broker drains none is pushed; at the end all
  // groups are that changed meanwhile.
  enum class Pushes { kOnce, kOnceInEachPiece, kNone, kThoseOfADrain };
  void Settle(absl::string_view what, Pushes pushes = Pushes::kOnce);
  ClientChannel* ChannelOf(int number) const {
    return number < 0 ? nullptr : channels_[number].get();
  }

  // --- Checks ---
  void Checkpoint();
  void CompareGroups(GroupKind kind);
  void CompareMembers(GroupKind kind, const std::string& name,
                      const BrokerModel::Group& expected);
  void CompareStatement(const std::string& name,
                        const BrokerModel::Group& expected);
  // Those who watch are told of the call, whose events are in `events_`.
  void ReadWatchers(absl::string_view what);
  void CompareTopics();
  void CompareLookUps();
  void CompareWhatClientsKnow(int client);
  void ComparePolicy();
  std::string Figures() const;

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
  bool is_draining_ = false;
  Millis next_tick_ = std::numeric_limits<Millis>::max();
  uint64_t last_timer_ = 0;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::vector<int> definitions_;  // By consumer group.
  std::vector<DayClient> clients_;
  std::vector<std::shared_ptr<DayChannel>> channels_;  // By the model's number.
  // By consumer group: the list that a client would read now. A change erases
  // the entry.
  std::map<std::string, ClientIds> listed_;

  BrokerModel model_;
  CoreUnderTest core_;
  DayWatchers watchers_;

  // Effects of the core since the last Settle().
  std::vector<EventKey> events_;
  std::vector<std::pair<int, RemovalReason>> ended_;
  std::vector<BrokerModel::Departure> departures_;
  int64_t pushes_since_settled_ = 0;
  uint64_t last_revision_ = 0;

  // Figures.
  int64_t light_ = 0, full_ = 0, full_needed_ = 0, closed_ = 0, ticks_ = 0;
  int64_t pushes_ = 0, least_pushes_ = 0, most_pushes_ = 0, checkpoints_ = 0;
  int64_t late_closes_ = 0, overtaken_ = 0, canaries_ = 0;
  int64_t held_ = 0, drains_ = 0, turned_away_ = 0;
  int64_t changes_ = 0, registers_ = 0;
  // By GroupKind, and by RemovalReason.
  int64_t joins_[2] = {}, leaves_[2][kRemovalReasons] = {}, emptied_[2] = {};
  DayReport report_;
};

}  // namespace rmq

#endif  // TESTS_SIMULATION_DAY_H_
