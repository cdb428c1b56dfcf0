#include "tools/loadgen/held_lists.h"

#include <algorithm>
#include <utility>

namespace rmq::loadgen {

namespace pb = ::rocketmq::clientmanager::v1;

absl::optional<pb::ClientFrame> HeldLists::OnPush(
    const pb::NotifyConsumerIdsChanged& push) {
  Held& held = held_[push.group()];
  if (push.epoch() <= held.epoch) return absl::nullopt;
  const bool has_list =
      push.complete() ? push.client_ids_size() > 0
                      : held.epoch != 0 && push.base_epoch() <= held.epoch;
  if (has_list) {
    held.epoch = push.epoch();
    return AcknowledgeOf(push.group(), held.epoch);
  }
  if (push.complete() && push.base_epoch() < held.epoch) {
    return absl::nullopt;  // The broker has an acknowledgment still to read.
  }
  if (std::exchange(held.is_listing, true)) return absl::nullopt;
  listing_.push_back(push.group());
  return RequestOf(push.group(), "");
}

absl::optional<pb::ClientFrame> HeldLists::OnList(
    const pb::GetConsumerListByGroupResponse* list) {
  if (listing_.empty()) return absl::nullopt;
  const std::string group = std::move(listing_.front());
  listing_.erase(listing_.begin());
  Held& held = held_[group];
  if (list != nullptr && !list->next_page_token().empty()) {
    listing_.push_back(group);
    return RequestOf(group, list->next_page_token());
  }
  held.is_listing = false;
  if (list == nullptr || list->epoch() <= held.epoch) return absl::nullopt;
  held.epoch = list->epoch();
  return AcknowledgeOf(group, held.epoch);
}

pb::ClientFrame HeldLists::AcknowledgeOf(const std::string& group,
                                         uint64_t epoch) const {
  pb::ClientFrame frame;
  frame.mutable_acknowledge()->set_group(group);
  frame.mutable_acknowledge()->set_epoch(epoch);
  return frame;
}

pb::ClientFrame HeldLists::RequestOf(const std::string& group,
                                     const std::string& page_token) const {
  pb::ClientFrame frame;
  frame.mutable_get_consumer_list_by_group()->set_group(group);
  frame.mutable_get_consumer_list_by_group()->set_page_token(page_token);
  return frame;
}

}  // namespace rmq::loadgen
