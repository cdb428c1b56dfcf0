// A channel in a group, and what the members of a consumer group state
// together.
#ifndef TESTS_MODEL_MEMBERSHIP_H_
#define TESTS_MODEL_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/registry/client_event.h"
#include "common/client_types.h"

namespace rmq::model {

using Millis = int64_t;

struct Subscription {
  int64_t version = 0;
  std::string expression;
  std::string expression_type = "TAG";

  friend bool operator==(const Subscription& a, const Subscription& b) {
    return a.version == b.version && a.expression == b.expression &&
           a.expression_type == b.expression_type;
  }
};
using Subscriptions = std::map<std::string, Subscription>;  // By topic.

// A consumer group as a full heartbeat states it.
struct StatedConsumer {
  std::string group;
  ConsumerModes modes;
  bool unit_mode = false;
  Subscriptions subscriptions;
};

// Full heartbeats have numbers, which rise in the order in which the broker
// applies them.
struct Membership {
  // A subscription that a member holds.
  struct Holding {
    Subscription subscription;
    int64_t number = 0;  // Of the full heartbeat that brought this version.
  };

  // The full heartbeat `heartbeat` states the consumer group. Topics that it
  // does not state are forgotten. A topic that the member holds already changes
  // only by a greater version.
  void State(const StatedConsumer& stated, int64_t heartbeat);

  GroupKind kind;
  std::string group;
  // Who joined. If a consumer restates its group under another client id, who
  // did so last.
  std::string client_id;
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;

  // The channel's latest full heartbeat states the group.
  bool current = true;
  // If not: when the channel was heard last before it left the group out.
  Millis left_out_at = 0;

  // Of consumers: what State() noted last.
  int64_t number = 0;
  ConsumerModes modes;
  std::map<std::string, Holding> holdings;  // By topic.
};

// What a consumer group subscribes to, and how.
struct GroupStatement {
  ConsumerModes modes;
  Subscriptions subscriptions;

  bool IsBroadcasting() const {
    return modes.message_model == MessageModel::kBroadcasting;
  }
  std::set<std::string> Topics() const;

  friend bool operator==(const GroupStatement& a, const GroupStatement& b) {
    return a.modes == b.modes && a.subscriptions == b.subscriptions;
  }
};

// The statement of a consumer group with these members:
// - Its topics are all that a member holds. Of each topic the greatest version
//   counts, and of equal versions the one that was stated first.
// - Its modes are those of the member that stated the group last. Members that
//   have left the group out come after all others.
GroupStatement Combine(const std::vector<const Membership*>& members);

}  // namespace rmq::model

#endif  // TESTS_MODEL_MEMBERSHIP_H_
