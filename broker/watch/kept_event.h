// An event as watchers are told it.
#ifndef BROKER_WATCH_KEPT_EVENT_H_
#define BROKER_WATCH_KEPT_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/labels.h"
#include "broker/registry/membership_push.h"
#include "common/client_types.h"
#include "common/member_change.h"

namespace rmq {

// What is kept of a ClientEvent, whose fields these are. Holds no channel: that
// would keep the memory of its connection. Constant.
class KeptEvent {
 public:
  explicit KeptEvent(const ClientEvent& event);

  // The memory that the event takes, its message included, roughly.
  size_t bytes() const;
  // Whether it is of a group. A duplicate client id is not.
  bool has_group() const { return type != EventType::kDuplicateClientId; }

  EventType type;
  GroupKind kind;
  RemovalReason reason;
  LanguageCode language;
  // The channel is a stream.
  bool stream = false;
  int32_t version;
  uint64_t revision;
  // 0: the event has no channel.
  ChannelId channel_id = 0;
  absl::Time at;
  LabelsPtr labels;

  // The message that the edge makes of the event, once for all watchers.
  MadeOnce message;

  // Views of the event.
  absl::string_view group() const { return Text(0, group_end_); }
  absl::string_view client_id() const { return Text(group_end_, id_end_); }
  // Empty: the event has no channel.
  absl::string_view remote_address() const {
    return Text(id_end_, address_end_);
  }
  absl::string_view detail() const { return Text(address_end_, texts_.size()); }

 private:
  absl::string_view Text(size_t begin, size_t end) const {
    return absl::string_view(texts_).substr(begin, end - begin);
  }

  // One after the other: there is an event for each group of each client, and
  // four strings take 80 bytes more, and an allocation each.
  std::string texts_;
  // Of `texts_`.
  uint32_t group_end_;
  uint32_t id_end_;
  uint32_t address_end_;
};

using KeptEventPtr = std::shared_ptr<const KeptEvent>;

}  // namespace rmq

#endif  // BROKER_WATCH_KEPT_EVENT_H_
