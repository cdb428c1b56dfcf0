// What a broker must know, do and announce, worked out the slow and obvious
// way.
//
// Channels have numbers, time is milliseconds, every question is answered by
// looking at everything. The model shares no code with broker/ but the names of
// events and reasons, and knows nothing of indexes, filing, tokens' values or
// queues. Where the model and the broker differ, one of them is wrong.
#ifndef TESTS_MODEL_BROKER_MODEL_H_
#define TESTS_MODEL_BROKER_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/registry/client_event.h"
#include "common/client_types.h"
#include "tests/model/membership.h"
#include "tests/model/policy_model.h"

namespace rmq::model {

struct BrokerOptions {
  Millis channel_expiry = 120'000;
  // What a client gets at least and at most that asks for an expiry.
  Millis min_channel_expiry = 10'000;
  Millis max_channel_expiry = 30 * 60'000;
  // False: members get no pushes.
  bool pushes = true;
  PolicyOptions policy;
};

// A full heartbeat.
struct Statement {
  std::string client_id;
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
  uint64_t incarnation = 0;     // 0 is none.
  uint64_t stream_number = 0;   // 0 is none.
  Millis requested_expiry = 0;  // 0 is none.
  std::vector<StatedConsumer> consumers;
  std::vector<std::string> producers;
};

struct SkippedGroup {
  std::string group;
  std::string reason;
};

struct HeartbeatAnswer {
  // False if the channel is closed, perhaps by this very heartbeat. The other
  // fields are then empty, but for `held`.
  bool accepted = false;
  // An operator has taken the client out, and it is kept out.
  bool held = false;
  // Whether light heartbeats are enough from now on.
  bool token = false;
  // The channel's from now on.
  Millis channel_expiry = 0;
  std::vector<SkippedGroup> skipped;
};

enum class LightAnswer { kRenewed, kFullStatementNeeded, kClosed };

struct Event {
  EventType type;
  GroupKind kind;
  std::string group;
  // Of kClientRegister, kClientUnregister and kRegister.
  int channel = -1;
  std::string client_id;
  std::set<std::string> topics;  // Of a consumer group.
  // Of kClientUnregister.
  RemovalReason reason = RemovalReason::kUnregistered;
  // Of kRegister: nothing of the group has changed.
  bool unchanged = false;
  // Of kChange: the channels in the group.
  std::set<int> members;
};

struct Push {
  int channel;
  std::string group;
};

// The events and pushes that the broker must have made. A value.
struct Effects {
  std::vector<Event> events;
  // One for each changed group and member: changes of one call are pushed once.
  std::vector<Push> pushes;
  // The number of pushes if each change were pushed by itself.
  int64_t most_pushes = 0;
  // The channels that the broker itself ended, and why.
  std::vector<std::pair<int, RemovalReason>> ended;
};

// Whom an operator takes out: those that meet all that is set.
struct KickCriteria {
  std::string client_id;  // Empty: any.
  std::string group;      // Of either kind. Empty: any.
  std::optional<int32_t> version;
};

class BrokerModel {
 public:
  struct Channel {
    // It goes when its last group does, and is pushed nothing.
    bool is_stand_in = false;
    // It is a stand-in, and not that of unary calls.
    bool is_sdk = false;
    bool open = true;
    bool bound = false;  // The channel has a client.
    bool token = false;  // Light heartbeats are enough.
    std::string client_id;
    uint64_t incarnation = 0;
    uint64_t stream_number = 0;
    Millis heard = 0;
    // How long it may be silent.
    Millis expiry = 0;
    // By client id: when the channel last joined a producer group for that
    // client. The number rises with each joining.
    std::map<std::string, int64_t> last_joined;
    std::vector<Membership> memberships;
    // The latest full heartbeat left some of them out. A scan looks only at the
    // memberships of such channels and of silent ones, to be quick.
    bool leaves_out = false;
  };
  struct Group {
    std::set<int> members;     // Channels, in the order of opening.
    GroupStatement statement;  // Of consumers.
  };
  // A channel that leaves a group.
  struct Departure {
    int channel;
    GroupKind kind;
    std::string group;
  };

  explicit BrokerModel(BrokerOptions options);

  // --- What clients and the network do ---

  // These return the number of the new channel: 0, 1, ... A stand-in has its
  // client at once.
  int OpenStream(Millis now);
  int OpenStandIn(const std::string& client_id, Millis now);
  // Of a client of RocketMQ 5's SDKs: a stand-in beside that of unary calls.
  int OpenSdkChannel(const std::string& client_id, Millis now);

  HeartbeatAnswer Heartbeat(int channel, const Statement& statement,
                            Millis now);
  // A light heartbeat. `has_token`: the client repeats the token of the
  // channel's latest full heartbeat.
  LightAnswer RenewLight(int channel, bool has_token, Millis now);
  // An empty name is no group. Events carry the client id of the request.
  void Unregister(int channel, const std::string& client_id,
                  const std::string& producer_group,
                  const std::string& consumer_group);
  // False if the channel was closed already.
  bool Close(int channel, RemovalReason reason);

  // --- What operators do ---

  // Takes out all channels that meet the criteria, and keeps their clients out
  // for `hold` (0: not): the processes of streams by their incarnation, a
  // client of unary calls by its id. Returns how many channels there were.
  // `order` as for Scan().
  int64_t Kick(const KickCriteria& criteria, Millis hold, Millis now,
               const std::vector<Departure>& order);
  // Lets the client in again before its time. Returns how many of it were kept
  // out.
  int64_t Release(const std::string& client_id, Millis now);

  // --- What the broker does by itself ---

  // Expires channels that are silent for longer than their expiry, and
  // memberships that their channel left out for that long. The broker chooses
  // the order of the departures of one scan. The events of a departure depend
  // on who is left, so the model follows `order`, the order in the broker's
  // events.
  void Scan(Millis now, const std::vector<Departure>& order);
  // A tick's scan, `overdue_us` microseconds after the tick was due. If that is
  // more than 10 s, or a quarter of the shortest expiry, the broker was away:
  // first everyone counts as heard now.
  void Tick(Millis now, int64_t overdue_us,
            const std::vector<Departure>& order);
  // A drain tells the `count` channels to go that were opened first.
  void CloseFirst(size_t count, RemovalReason reason,
                  const std::vector<Departure>& order);
  // The broker goes down.
  void CloseAll(RemovalReason reason, const std::vector<Departure>& order);

  // --- What the broker announces and knows ---

  // The effects of the calls since the last TakeEffects().
  Effects TakeEffects();

  const std::vector<Channel>& channels() const { return channels_; }
  const std::vector<int>& open_channels() const { return open_; }
  // By name; a group without members is not there.
  const std::map<std::string, Group>& groups(GroupKind kind) const {
    return groups_[static_cast<int>(kind)];
  }
  // Null if the channel is not in the group.
  const Membership* FindMembership(int channel, GroupKind kind,
                                   const std::string& group) const;
  // When the channel last stated the membership.
  Millis LastHeard(int channel, const Membership& membership) const;
  // The open stand-in of a client, or -1.
  int FindStandIn(const std::string& client_id) const;
  // The channel over which the client last joined a producer group, of those
  // that are in one for it; or -1.
  int FindProducerChannel(const std::string& client_id) const;
  std::set<std::string> GroupsOfTopic(const std::string& topic) const;
  // Whether a change of the consumer group, as it is now, is announced.
  bool IsNotified(const std::string& consumer_group) const;
  const PolicyModel& policy() const { return policy_; }
  // Channels closed so far.
  int64_t closed(RemovalReason reason) const {
    return closed_[static_cast<int>(reason)];
  }
  // The longest that an expired channel had been silent.
  Millis longest_silence() const { return longest_silence_; }

 private:
  // A consumer group before a change to it.
  struct Before {
    bool existed = false;
    int64_t streams = 0;
    GroupStatement statement;
    std::set<std::string> client_ids;
  };

  int Open(Channel channel);
  // The expiry of a channel whose client asks for `requested`.
  Millis ExpiryFor(Millis requested) const;
  Millis ShortestExpiry() const;

  // Whom a hold keeps out: a client id; whether it is of unary calls; an
  // incarnation, 0 for unary calls.
  using Held = std::tuple<std::string, bool, uint64_t>;
  static Held HeldAs(const std::string& client_id, bool is_stand_in,
                     uint64_t incarnation) {
    return {client_id, is_stand_in, is_stand_in ? 0 : incarnation};
  }

  static bool Meets(const Channel& channel, const KickCriteria& criteria);

  // --- heartbeats (heartbeat_model.cc) ---
  bool IsHeld(const Channel& channel, const Statement& statement,
              Millis now) const;
  // Gives the channel its client. `replaced` gets the older streams of the same
  // incarnation. False if one of them is the newer one after all.
  bool Bind(int channel, const Statement& statement,
            std::vector<int>* replaced);
  bool IsNewer(int other, int channel, const Statement& statement) const;
  void StateConsumer(int channel, const Statement& statement,
                     const StatedConsumer& stated,
                     const std::vector<int>& replaced);
  // False if new producers are not let in.
  bool StateProducer(int channel, const Statement& statement,
                     const std::string& group);
  // Adds the membership or makes it current again. Returns whether it is new.
  bool Join(int channel, GroupKind kind, const std::string& group,
            const Statement& statement);
  void ForgetModesOfTheLeftOut(int channel,
                               const std::vector<std::string>& left_out);

  // --- departures ---
  void Leave(int channel, GroupKind kind, const std::string& group,
             const std::string& client_id, RemovalReason reason);
  void LeaveInOrder(std::vector<Departure> departures,
                    const std::vector<Departure>& order, RemovalReason reason);
  // Takes the membership out, and nothing else.
  Membership TakeOut(int channel, GroupKind kind, const std::string& group);
  // Takes the channel out of its groups and closes it.
  void CloseOpen(int channel, RemovalReason reason);
  // Closes a channel because the broker has decided so.
  void End(int channel, RemovalReason reason);
  void CloseIfIdleStandIn(int channel);

  // --- consumer groups and events ---
  Before Observe(const std::string& consumer_group) const;
  void Recompute(const std::string& consumer_group);
  std::set<std::string> ClientIdsOf(const std::string& consumer_group) const;
  int64_t StreamsOf(const std::string& consumer_group) const;
  // Adds the group's CHANGE, unless the config or broadcasting forbids it.
  void NoteChange(const std::string& consumer_group, const Before& before);
  Event& AddEvent(EventType type, GroupKind kind, const std::string& group);
  void AddMemberEvent(EventType type, int channel, const Membership& membership,
                      const std::string& client_id,
                      std::set<std::string> topics,
                      RemovalReason reason = RemovalReason::kUnregistered);

  Membership* Find(int channel, GroupKind kind, const std::string& group) {
    return const_cast<Membership*>(FindMembership(channel, kind, group));
  }
  std::map<std::string, Group>& mutable_groups(GroupKind kind) {
    return groups_[static_cast<int>(kind)];
  }

  const BrokerOptions options_;
  PolicyModel policy_;
  std::vector<Channel> channels_;
  std::vector<int> open_;
  std::map<std::string, int> stand_ins_;  // By client id.
  // By client id: the bound open streams.
  std::map<std::string, std::set<int>> streams_;
  std::map<std::string, Group> groups_[2];  // By GroupKind.
  std::set<std::string> changed_;           // Groups to push to.
  Effects effects_;
  int64_t joinings_ = 0;         // Of producer groups.
  int64_t full_heartbeats_ = 0;  // Applied so far.
  Millis heard_floor_ = 0;       // Everyone counts as heard then.
  Millis longest_silence_ = 0;
  std::array<int64_t, kRemovalReasons> closed_ = {};
  std::map<Held, Millis> held_;  // Until when.
};

}  // namespace rmq::model

#endif  // TESTS_MODEL_BROKER_MODEL_H_
