// The memberships of all consumer groups of one session, and the frames that
// keep them up to date.
#ifndef CLIENT_SESSION_SESSION_MEMBERSHIPS_H_
#define CLIENT_SESSION_SESSION_MEMBERSHIPS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/group_membership.h"
#include "common/rate_limit.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Has a GroupMembership for each consumer group of the session's statement.
// Acknowledges many groups in one frame, and lists few at a time. Groups take
// turns, so that none waits for others for ever.
//
// Pure: `now` is that of the session's loop. Not thread-safe.
class SessionMemberships {
 public:
  using HeartbeatRequest = rocketmq::clientmanager::v1::HeartbeatRequest;
  using HeartbeatResponse = rocketmq::clientmanager::v1::HeartbeatResponse;
  using Push = GroupMembership::Push;

  // The largest number of groups in one frame.
  static constexpr size_t kMaxAcknowledgmentsInOneFrame = 256;
  // How many groups are acknowledged a second, and at once after a pause: below
  // what brokers take of a stream.
  static constexpr int kAcknowledgmentsPerSecond = 80;
  static constexpr int kAcknowledgmentsAtOnce = 500;
  // The largest number of requests for pages without an answer.
  static constexpr size_t kMaxListings = 2;

  // A request for a page of a group's list.
  struct PageRequest {
    // Of the membership that asks; 0 is none. Not used twice.
    uint64_t membership = 0;
    GroupMembership::PageRequest request;
  };

  // `all_are_wanted`: whether somebody wants the list of every group.
  explicit SessionMemberships(bool all_are_wanted)
      : all_are_wanted_(all_are_wanted) {}

  // Somebody wants the list of `group`, as long as the client has the group.
  // Does nothing if it has not.
  void Want(absl::string_view group, absl::Time now);

  // The client has the consumer groups of `statement`, and no others; null:
  // none. Returns the groups that it had before and has no more.
  std::vector<std::string> KeepOnly(const HeartbeatRequest* statement);

  // The broker accepted `groups` in `response`, the answer to a full heartbeat.
  // Those that the client has left meanwhile are passed over.
  void OnAccepted(const std::vector<std::string>& groups,
                  const HeartbeatResponse& response, absl::Duration interval,
                  absl::Time now);
  // As GroupMembership::OnPush(); false for a group that the client left.
  bool OnPush(const Push& push, absl::Time now);
  void OnStreamLost();

  // When acknowledgments may be written; InfiniteFuture: none is due.
  absl::Time NextAcknowledgment() const;
  // The frame to write. Requires that NextAcknowledgment() has come.
  rocketmq::clientmanager::v1::Acknowledge TakeAcknowledgments(absl::Time now);

  // When a page may be asked for; InfiniteFuture: none is wanted, or too many
  // are asked for.
  absl::Time NextPage() const;
  // The request to write. Requires that NextPage() has come.
  PageRequest TakePageRequest(absl::Time now);
  // The answer to the request of `membership`. Pages of groups that the client
  // left meanwhile are dropped.
  void OnPage(uint64_t membership, const GroupMembership::Page& page,
              absl::Time now);
  void OnPageRefused(uint64_t membership, absl::Time now);

  // What is to be reported, by group.
  std::vector<std::pair<std::string, MembershipReport>> TakeReports();
  // Each list that is held is reported once more.
  void ReportAllAgain();

  // What the broker was told of the lists that are held, over this stream.
  std::vector<AcknowledgedEpoch> Acknowledged() const;

 private:
  struct Entry {
    uint64_t id;
    GroupMembership membership;
  };
  using Entries = absl::btree_map<std::string, Entry>;

  // The first entry after `group`, in a circle. Requires that there is one.
  Entries::iterator After(const std::string& group);
  GroupMembership* Find(uint64_t membership);

  const bool all_are_wanted_;
  Entries entries_;
  uint64_t last_id_ = 0;
  uint64_t incarnation_ = 0;

  const Rate rate_{kAcknowledgmentsPerSecond, kAcknowledgmentsAtOnce};
  absl::Time rate_full_at_ = absl::InfinitePast();
  // The groups that had their turn last.
  std::string acknowledged_last_;
  std::string listed_last_;
  size_t pages_asked_for_ = 0;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_SESSION_MEMBERSHIPS_H_
