#include "broker/watch/kept_event.h"

#include "absl/strings/str_cat.h"

namespace rmq {

KeptEvent::KeptEvent(const ClientEvent& event)
    : type(event.type),
      kind(event.kind),
      reason(event.reason),
      language(event.language),
      version(event.version),
      revision(event.revision),
      at(event.at),
      labels(event.labels) {
  absl::string_view address;
  if (event.channel != nullptr) {
    stream = event.channel->kind() == ClientChannel::Kind::kStream;
    channel_id = event.channel->id();
    address = event.channel->remote_address();
  }
  texts_ = absl::StrCat(event.group, event.client_id, address, event.detail);
  group_end_ = static_cast<uint32_t>(event.group.size());
  id_end_ = group_end_ + static_cast<uint32_t>(event.client_id.size());
  address_end_ = id_end_ + static_cast<uint32_t>(address.size());
}

size_t KeptEvent::bytes() const {
  size_t texts = texts_.size();
  if (labels != nullptr) {
    for (const Label& label : *labels) {
      texts += label.key.size() + label.value.size();
    }
  }
  // The message has the texts once more, and some numbers.
  constexpr size_t kNumbers = 64;
  return sizeof(KeptEvent) + kNumbers + 2 * texts;
}

}  // namespace rmq
