// What a broker must know and tell, worked out the slow and obvious way.
//
// Channels and groups are numbers, time is milliseconds, every question is
// answered by looking at everything. It shares no code with broker/ but the
// names of the reasons, and knows nothing of indexes, filing, tokens' values or
// queues. Where it and the broker differ, one of them is wrong.
#ifndef TESTS_SIMULATION_BROKER_MODEL_H_
#define TESTS_SIMULATION_BROKER_MODEL_H_

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/registry/client_event.h"

namespace rmq {

// How often the broker must have told what. A value.
struct Told {
  // By GroupKind, and by RemovalReason.
  std::array<int64_t, 2> joins = {};
  std::array<std::array<int64_t, kRemovalReasons>, 2> leaves = {};
  std::array<int64_t, 2> emptied = {};
  int64_t changes = 0;
  int64_t registers = 0;

  friend bool operator==(const Told& a, const Told& b) {
    return a.joins == b.joins && a.leaves == b.leaves &&
           a.emptied == b.emptied && a.changes == b.changes &&
           a.registers == b.registers;
  }
  std::string ToString() const;
};

class BrokerModel {
 public:
  using Millis = int64_t;

  struct Subscription {
    int64_t version;
    int expression;

    friend bool operator==(const Subscription& a, const Subscription& b) {
      return a.version == b.version && a.expression == b.expression;
    }
  };
  using Subscriptions = std::map<int, Subscription>;  // By topic.

  struct StatedGroup {
    int group;
    bool broadcasting;
    Subscriptions subscriptions;
  };
  struct Statement {
    int client;
    uint64_t incarnation;
    uint64_t stream_number;
    std::vector<StatedGroup> consumers;
    std::vector<int> producers;
  };

  struct Holding {
    Subscription subscription;
    int64_t number;  // Of the full heartbeat that brought it.
  };
  // A channel in a group, and what it stated of it last.
  struct Membership {
    GroupKind kind;
    int group;
    bool current = true;  // The latest full heartbeat has it.
    Millis left_out_at = 0;
    // Of the latest full heartbeat that has it. Of consumers only, as what
    // follows.
    int64_t number = 0;
    bool broadcasting = false;
    std::map<int, Holding> holdings;  // By topic.
  };
  struct Channel {
    bool stand_in = false;
    bool open = true;
    bool bound = false;  // It has a client.
    bool token = false;  // Light heartbeats are enough.
    int client = -1;
    uint64_t incarnation = 0;
    uint64_t stream_number = 0;
    Millis heard = 0;
    int left_out = 0;  // Memberships that are not current.
    // When it last joined a producer group: rises with each such joining.
    int64_t last_joined = 0;
    std::vector<Membership> memberships;
  };
  // What the members of a consumer group state, together.
  struct GroupStatement {
    bool broadcasting = false;
    Subscriptions subscriptions;

    friend bool operator==(const GroupStatement& a, const GroupStatement& b) {
      return a.broadcasting == b.broadcasting &&
             a.subscriptions == b.subscriptions;
    }
  };
  struct Group {
    std::set<int> members;  // Channels, in the order of opening.
    GroupStatement statement;
  };

  enum class Light { kRenewed, kFullNeeded, kClosed };

  // A channel that leaves a group.
  struct Departure {
    int channel;
    GroupKind kind;
    int group;
  };

  BrokerModel(Millis channel_expiry, Millis period,
              std::vector<bool> switched_on_groups)
      : channel_expiry_(channel_expiry),
        period_(period),
        switched_on_(std::move(switched_on_groups)) {}

  // The number of the new channel: 0, 1, ... A stand-in has its client at once.
  int Open(bool stand_in, int client, Millis now);

  // A full heartbeat; false if the channel is closed, be it by this call.
  // `ended` gets the channels that it replaces.
  bool Heartbeat(int channel, const Statement& statement, Millis now,
                 std::vector<int>* ended);
  Light RenewLight(int channel, Millis now);
  // -1 is no group.
  void Unregister(int channel, int producer_group, int consumer_group);
  // False if it was closed.
  bool Close(int channel, RemovalReason reason);
  // Whom the tick at `now` expires. What is told of a departure depends on who
  // is left, and the order of those of one tick is the broker's own affair, so
  // the model follows `order`, what the broker has told.
  std::vector<int> Tick(Millis now, const std::vector<Departure>& order);
  // The same for a broker that goes down.
  void CloseAll(RemovalReason reason, const std::vector<Departure>& order);

  // The pushes that the calls since the last one must have made if each group
  // was pushed once, and at the most.
  std::pair<int64_t, int64_t> TakePushes();

  const std::vector<Channel>& channels() const { return channels_; }
  const std::vector<int>& open_channels() const { return open_; }
  // By group; without members: not there.
  const std::map<int, Group>& groups(GroupKind kind) const {
    return groups_[static_cast<int>(kind)];
  }
  // Whether its members are told of changes now.
  bool notified(int consumer_group) const;
  // The open stand-in of a client, or -1.
  int FindStandIn(int client) const;
  const Told& told() const { return told_; }
  // Channels closed so far, by reason.
  int64_t closed(RemovalReason reason) const {
    return closed_[static_cast<int>(reason)];
  }
  // The longest that an expired channel had been silent.
  Millis longest_silence() const { return longest_silence_; }

 private:
  // A consumer group before a change to it.
  struct Before {
    bool existed;
    int64_t streams;
    GroupStatement statement;
    std::set<int> clients;
  };

  // Whether the other stream of the same incarnation is the newer one.
  bool IsNewer(int other, int channel, const Statement& statement) const;
  void StateConsumer(int channel, const StatedGroup& stated,
                     const std::vector<int>& replaced);
  static void Restate(const StatedGroup& stated, int64_t number,
                      Membership& membership);
  Before Observe(int consumer_group);
  void Recompute(int consumer_group);
  std::set<int> ClientsOf(int consumer_group) const;
  // Its CHANGE, if the group may be told of it.
  void NoteChange(int consumer_group, const Before& before);

  Group& consumer_group(int group) {
    return groups_[static_cast<int>(GroupKind::kConsumer)][group];
  }
  Membership* Find(int channel, GroupKind kind, int group);
  void Join(int channel, GroupKind kind, int group);
  void Leave(int channel, GroupKind kind, int group, RemovalReason reason);
  void LeaveInOrder(std::vector<Departure> departures,
                    const std::vector<Departure>& order, RemovalReason reason);
  // Takes the membership out, and nothing else.
  void TakeOut(int channel, GroupKind kind, int group, RemovalReason reason);
  void CloseOpen(int channel, RemovalReason reason);
  int64_t Streams(int consumer_group) const;

  const Millis channel_expiry_;
  const Millis period_;
  const std::vector<bool> switched_on_;  // By consumer group.
  std::vector<Channel> channels_;
  std::vector<int> open_;
  std::map<int, int> stand_ins_;             // Client -> channel.
  std::map<int, std::set<int>> streams_of_;  // Client -> bound open streams.
  std::map<int, Group> groups_[2];
  std::map<int, int64_t> streams_;  // By consumer group.
  std::set<int> dirty_;
  int64_t most_pushes_ = 0;
  int64_t last_joined_ = 0;
  int64_t full_heartbeats_ = 0;  // Applied so far.
  Millis floor_ = 0;
  Millis last_tick_ = 0;
  Millis longest_silence_ = 0;
  int64_t closed_[kRemovalReasons] = {};
  Told told_;
};

}  // namespace rmq

#endif  // TESTS_SIMULATION_BROKER_MODEL_H_
