// What a client holds of one consumer group at one broker: the list of client
// ids at an epoch. Decides what to acknowledge, what to list and what to
// report.
#ifndef CLIENT_SESSION_GROUP_MEMBERSHIP_H_
#define CLIENT_SESSION_GROUP_MEMBERSHIP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/membership_change.h"
#include "common/member_change.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// The members of a group, and how they differ from those of the report before.
struct MembershipReport {
  uint64_t epoch = 0;  // 0: the broker has no epochs.
  // In alphabetical order, each once.
  std::shared_ptr<const std::vector<std::string>> members;
  std::vector<std::string> joined;
  std::vector<DepartedMember> left;
};

// Applies pushes and listings by the rules of NotifyConsumerIdsChanged (in the
// proto). Invariants: the list is always that of the broker at the epoch that
// is held, and within one process of the broker that epoch never falls. Only
// what is held is acknowledged, and only to a broker that has epochs.
//
// The client lists
// - at once: if a push says that there is more to know than it tells, or if no
//   push comes for the group (BROADCASTING);
// - after kPushPatience, one heartbeat interval if that is shorter: if the
//   client is behind what the broker said, and no push has made up for it;
// - again no later than one heartbeat interval after a listing that failed.
//
// A broker without epochs says by a push only that something has changed, so
// the client lists at each push. Who joined and who left comes from comparing
// the lists then, and there are no reasons.
//
// While nobody wants the list, it neither holds, acknowledges nor lists
// anything.
//
// Pure: `now` is that of the session's loop. Not thread-safe.
class GroupMembership {
 public:
  using Push = rocketmq::clientmanager::v1::NotifyConsumerIdsChanged;
  using Page = rocketmq::clientmanager::v1::GetConsumerListByGroupResponse;
  using PageRequest =
      rocketmq::clientmanager::v1::GetConsumerListByGroupRequest;

  // How long a push may take before the client lists instead. Brokers push
  // within their --notify_window, 100 ms by default.
  static constexpr absl::Duration kPushPatience = absl::Seconds(1);
  // A listing of more pages than these has failed. A page has up to 1,000 ids.
  static constexpr int kMaxPages = 1024;

  explicit GroupMembership(std::string group) : group_(std::move(group)) {}

  // From now on somebody wants the list. It is listed soon, if the group is
  // accepted.
  void Want(absl::Time now);
  bool is_wanted() const { return wanted_; }
  // Whether brokers push the changes of such a group: not if it is
  // BROADCASTING.
  void set_expects_pushes(bool expects) { expects_pushes_ = expects; }

  // A full heartbeat with this group was accepted over the stream by the broker
  // process `incarnation`. `epoch` is the group's in that answer; 0: the broker
  // has no epochs. `interval` is the heartbeat interval.
  void OnAccepted(uint64_t incarnation, uint64_t epoch, absl::Duration interval,
                  absl::Time now);
  // Returns whether a client that does not keep the list should read it: not if
  // the broker only repeats itself.
  bool OnPush(const Push& push, absl::Time now);
  // The list is kept: it is acknowledged if the same process of the broker
  // accepts the group again.
  void OnStreamLost();
  // The next report comes although nobody joined or left.
  void ReportAgain() { report_due_ = true; }

  // What to acknowledge.
  bool has_acknowledgment() const {
    return acknowledge_due_ && accepted_ && numbered_ && valid_;
  }
  // The epoch that is held; the caller writes it. Requires
  // has_acknowledgment().
  uint64_t TakeAcknowledgment();
  // What was acknowledged on this stream; 0: nothing.
  uint64_t acknowledged() const { return acknowledged_; }

  // When to ask for the next page of a listing; InfiniteFuture: not now.
  absl::Time NextPage() const;
  // The request to write. At most one is unanswered.
  PageRequest TakePageRequest();
  // The answer to it.
  void OnPage(const Page& page, absl::Time now);
  void OnPageRefused(absl::Time now);

  // What has changed since the last report; none if nobody joined or left.
  // After each stream's OnAccepted() there is a report in any case, as soon as
  // the list is known.
  absl::optional<MembershipReport> TakeReport();

 private:
  using Ids = std::vector<std::string>;
  using Reasons =
      absl::flat_hash_map<std::string, absl::optional<RemovalReason>>;

  struct Listing {
    int pages = 0;
    uint64_t epoch = 0;
    Ids ids;
    std::string next_page_token;
  };

  void Apply(const Push& push, absl::Time now);
  void ApplyChanges(const Push& push);
  // Holds the list `ids` of `epoch` from now on.
  void Hold(Ids ids, uint64_t epoch);
  // Whether the list that is held is the latest that the client has heard of.
  bool IsCurrent() const;
  // Lists at `when` at the latest, unless the list is current.
  void ListBy(absl::Time when);
  void OnListed(Listing listing, absl::Time now);
  absl::Duration Patience() const;

  const std::string group_;
  bool wanted_ = false;
  bool expects_pushes_ = true;

  // What is held. Not `valid_`: `ids_` is only what was reported last.
  bool valid_ = false;
  uint64_t incarnation_ = 0;
  uint64_t epoch_ = 0;  // 0 if not valid, or if the broker has no epochs.
  std::shared_ptr<const Ids> ids_ = std::make_shared<Ids>();

  // Of the stream.
  bool accepted_ = false;
  bool numbered_ = false;       // The broker has epochs.
  bool changed_ = false;        // By the push of a broker without epochs.
  uint64_t first_epoch_ = 0;    // Of the first OnAccepted().
  uint64_t known_epoch_ = 0;    // The greatest that was heard of.
  uint64_t pushed_epoch_ = 0;   // The greatest that was pushed.
  absl::optional<Push> early_;  // The latest push before OnAccepted().
  absl::Duration interval_;
  bool acknowledge_due_ = false;
  uint64_t acknowledged_ = 0;

  absl::optional<Listing> listing_;
  bool asking_ = false;  // A page request is unanswered.
  absl::Time list_at_ = absl::InfiniteFuture();
  int failures_ = 0;  // Of listings, in a row.

  bool report_due_ = false;
  std::shared_ptr<const Ids>
      told_;         // The last report's; null before the first.
  Reasons reasons_;  // Of those who left since then.
};

}  // namespace rmq

#endif  // CLIENT_SESSION_GROUP_MEMBERSHIP_H_
