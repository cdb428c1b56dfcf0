// What the tests of memberships share: pushes and pages in short.
#ifndef CLIENT_SESSION_GROUP_MEMBERSHIP_TESTING_H_
#define CLIENT_SESSION_GROUP_MEMBERSHIP_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// From `base` to `epoch`: "+a" has joined, "-a" has left (EXPIRED).
inline rocketmq::clientmanager::v1::NotifyConsumerIdsChanged ChangesPush(
    uint64_t base, uint64_t epoch, const std::vector<std::string>& changes,
    const std::string& group = "orders") {
  using rocketmq::clientmanager::v1::MemberChange;
  rocketmq::clientmanager::v1::NotifyConsumerIdsChanged push;
  push.set_group(group);
  push.set_base_epoch(base);
  push.set_epoch(epoch);
  for (absl::string_view text : changes) {
    MemberChange& change = *push.add_changes();
    if (absl::ConsumePrefix(&text, "+")) {
      change.set_type(MemberChange::TYPE_JOINED);
    } else if (absl::ConsumePrefix(&text, "-")) {
      change.set_type(MemberChange::TYPE_LEFT);
      change.set_reason(rocketmq::clientmanager::v1::REMOVAL_REASON_EXPIRED);
    }
    change.set_client_id(std::string(text));
  }
  return push;
}

// Complete, with the ids; without any the client has to ask for them.
inline rocketmq::clientmanager::v1::NotifyConsumerIdsChanged CompletePush(
    uint64_t base, uint64_t epoch, const std::vector<std::string>& ids,
    const std::string& group = "orders") {
  rocketmq::clientmanager::v1::NotifyConsumerIdsChanged push;
  push.set_group(group);
  push.set_base_epoch(base);
  push.set_epoch(epoch);
  push.set_complete(true);
  for (const std::string& id : ids) push.add_client_ids(id);
  return push;
}

inline rocketmq::clientmanager::v1::GetConsumerListByGroupResponse PageOf(
    uint64_t epoch, const std::vector<std::string>& ids,
    const std::string& next_page_token = "") {
  rocketmq::clientmanager::v1::GetConsumerListByGroupResponse page;
  page.set_epoch(epoch);
  for (const std::string& id : ids) page.add_client_ids(id);
  page.set_next_page_token(next_page_token);
  return page;
}

}  // namespace rmq

#endif  // CLIENT_SESSION_GROUP_MEMBERSHIP_TESTING_H_
