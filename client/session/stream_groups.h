// Tracks which of the client's groups one stream has stated, and which ones it
// has to unregister.
#ifndef CLIENT_SESSION_STREAM_GROUPS_H_
#define CLIENT_SESSION_STREAM_GROUPS_H_

#include <cstddef>
#include <limits>
#include <string>

#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Names of groups, each kind in order.
struct GroupNames {
  absl::btree_set<std::string> producers;
  absl::btree_set<std::string> consumers;

  bool empty() const { return producers.empty() && consumers.empty(); }
};

// A group is stated once a full heartbeat with it has been written. A stated
// group that the client no longer wants is to be unregistered until the request
// for that has been written. The sets are disjoint, and bounded by the groups
// of the client's statements.
//
// Pure. Not thread-safe.
class StreamGroups {
 public:
  using HeartbeatRequest = rocketmq::clientmanager::v1::HeartbeatRequest;

  // The largest number of groups in one request.
  static constexpr size_t kMaxGroupsInOneRequest = 256;

  // Whether the broker takes several groups of a kind in one request. False at
  // first: older brokers take one.
  void set_broker_takes_many(bool takes_many) { takes_many_ = takes_many; }
  // The largest frame that the broker takes. No limit at first.
  void set_max_request_bytes(size_t bytes) { max_request_bytes_ = bytes; }

  // The groups of `statement` are stated from now on.
  void AddStated(const HeartbeatRequest& statement);

  // The client wants the groups of `statement` and no others; null: none.
  // Stated groups that it does not want are to be unregistered. Groups that it
  // wants again before they were unregistered are still stated.
  void KeepOnly(const HeartbeatRequest* statement);

  bool has_unregistrations() const { return !to_unregister_.empty(); }
  // Whether TakeRequest() would take all groups that are to be unregistered.
  bool OneRequestTakesAll() const;
  // Takes as many of the groups to unregister as fit into one request.
  GroupNames TakeRequest() { return TakeRequest(&to_unregister_); }
  // `groups`, which TakeRequest() returned, are to be unregistered after all,
  // but for those that were stated meanwhile.
  void UnregisterAgain(const GroupNames& groups);
  // No group is to be unregistered.
  void DropUnregistrations() { to_unregister_ = {}; }

  bool IsStatedConsumer(absl::string_view group) const {
    return stated_.consumers.contains(group);
  }

  // Adds `group` to the reported consumer groups, if it is stated. Returns
  // whether it was added. A group that is to be unregistered is not reported
  // any more.
  bool AddReported(const std::string& group);
  const absl::btree_set<std::string>& reported() const { return reported_; }

 private:
  GroupNames TakeRequest(GroupNames* groups) const;

  bool takes_many_ = false;
  size_t max_request_bytes_ = std::numeric_limits<size_t>::max();
  GroupNames stated_;
  GroupNames to_unregister_;
  absl::btree_set<std::string> reported_;
};

// The request that unregisters `groups`. The first group of each kind is where
// older brokers look for it.
rocketmq::clientmanager::v1::UnregisterClientRequest UnregisterRequestOf(
    const GroupNames& groups);

}  // namespace rmq

#endif  // CLIENT_SESSION_STREAM_GROUPS_H_
