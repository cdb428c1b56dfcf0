// What a consumer group subscribes to and how, made of what its members state:
// worked out from all of them, each time, with nothing remembered.
#ifndef TESTS_CONFORMANCE_MEMBER_STATEMENT_H_
#define TESTS_CONFORMANCE_MEMBER_STATEMENT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// As RocketMQ names them; absent is unset.
struct Modes {
  std::optional<std::string> consume_type;
  std::optional<std::string> message_model;
  std::optional<std::string> consume_from_where;

  bool IsBroadcasting() const { return message_model == "BROADCASTING"; }
};

// A group's.
struct GroupStatement {
  Modes modes;
  std::map<std::string, Subscription> subscriptions;  // By topic.
};

// What one member of a group stated of it last. Full heartbeats have numbers,
// which rise in the order in which the broker applies them.
struct MemberStatement {
  struct Holding {
    Subscription subscription;
    // Of the full heartbeat that brought this sub version.
    int64_t number = 0;
  };

  // Full heartbeat number `heartbeat` states the group with these modes.
  void State(const Modes& stated, int64_t heartbeat);
  // The same heartbeat states these topics. Others are forgotten; one that the
  // member holds already changes only by a greater sub version.
  void Hold(const std::vector<Subscription>& stated);

  // False after a full heartbeat of the channel that leaves the group out.
  bool is_current = true;
  // Of the latest full heartbeat that stated the group.
  int64_t number = 0;
  Modes modes;
  std::map<std::string, Holding> holdings;  // By topic.
};

// Topics: all that any member holds. Of each the greatest sub version, and of
// equal ones the first stated. Modes: those stated last, by a member that is
// current if there is one. Without members nothing.
GroupStatement Combine(const std::vector<const MemberStatement*>& members);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_MEMBER_STATEMENT_H_
