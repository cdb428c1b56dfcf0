#include "broker/watch/kept_event.h"

namespace rmq {

KeptEvent::KeptEvent(const ClientEvent& event)
    : type(event.type),
      kind(event.kind),
      reason(event.reason),
      language(event.language),
      version(event.version),
      revision(event.revision),
      at(event.at),
      group(event.group),
      client_id(event.client_id),
      detail(event.detail),
      labels(event.labels) {
  if (event.channel == nullptr) return;
  stream = event.channel->kind() == ClientChannel::Kind::kStream;
  channel_id = event.channel->id();
  remote_address = std::string(event.channel->remote_address());
}

size_t KeptEvent::bytes() const {
  size_t texts =
      group.size() + client_id.size() + remote_address.size() + detail.size();
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
