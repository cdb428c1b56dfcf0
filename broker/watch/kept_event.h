// An event as watchers are told it.
#ifndef BROKER_WATCH_KEPT_EVENT_H_
#define BROKER_WATCH_KEPT_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

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
struct KeptEvent {
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
  std::string group;
  std::string client_id;
  std::string remote_address;
  std::string detail;
  LabelsPtr labels;

  // The message that the edge makes of the event, once for all watchers.
  MadeOnce message;
};

using KeptEventPtr = std::shared_ptr<const KeptEvent>;

}  // namespace rmq

#endif  // BROKER_WATCH_KEPT_EVENT_H_
