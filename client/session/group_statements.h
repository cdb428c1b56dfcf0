// The groups and subscriptions of one client, and the statement that they make.
#ifndef CLIENT_SESSION_GROUP_STATEMENTS_H_
#define CLIENT_SESSION_GROUP_STATEMENTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/client_options.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

rocketmq::clientmanager::v1::SubscriptionData ToProto(
    const Subscription& subscription);

// Checks the form of names, not their length or number: each broker has limits
// of its own, and refuses what is over them.
//
// Every change of a subscription gets a sub version that is greater than all
// before: the wall clock's milliseconds, or one more than the last. Brokers
// keep the subscription of a topic that has the greatest.
//
// Pure: it has no thread and reads no clock. Thread-safety: thread-compatible.
// Errors: InvalidArgument for a bad form; AlreadyExists and NotFound as named.
// A method that fails changes nothing.
class GroupStatements {
 public:
  using HeartbeatRequest = rocketmq::clientmanager::v1::HeartbeatRequest;

  // Takes what a statement says about the client itself from `options`: the
  // version, the channel expiry to ask for, and `options.labels`.
  GroupStatements(const ClientOptions& options, absl::string_view client_id,
                  uint64_t incarnation);

  // AlreadyExists if the client has the producer group.
  absl::Status AddProducer(absl::string_view group);
  // NotFound if it does not.
  absl::Status RemoveProducer(absl::string_view group);

  // AlreadyExists if the client has the consumer group. `now`, here and below,
  // is the wall clock's.
  absl::Status AddConsumer(const ConsumerOptions& consumer, absl::Time now);
  // NotFound if it does not.
  absl::Status RemoveConsumer(absl::string_view group);

  // Adds a subscription to a consumer group, or replaces the one of the same
  // topic. NotFound if the client does not have the group.
  absl::Status Subscribe(absl::string_view group,
                         const Subscription& subscription, absl::Time now);
  // NotFound if the client does not have the group, or if the group does not
  // read the topic.
  absl::Status Unsubscribe(absl::string_view group, absl::string_view topic);

  // Whether the client has the consumer group.
  bool HasConsumer(absl::string_view group) const;

  // All groups, as a full heartbeat states them, in the order of their names.
  // Null if there is none.
  std::shared_ptr<const HeartbeatRequest> Statement() const;

  // The subscriptions with expressions that a broker has to compile: all but
  // those of type TAG.
  std::vector<rocketmq::clientmanager::v1::CheckClientConfigRequest>
  ExpressionChecks() const;

 private:
  int64_t NextSubVersion(absl::Time now);

  HeartbeatRequest client_;  // A statement without groups. Constant.
  absl::btree_set<std::string> producers_;
  absl::btree_map<std::string, rocketmq::clientmanager::v1::ConsumerData>
      consumers_;
  int64_t last_sub_version_ = 0;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_GROUP_STATEMENTS_H_
