// How the membership of a consumer group changes: client ids join and leave.
#ifndef COMMON_MEMBER_CHANGE_H_
#define COMMON_MEMBER_CHANGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rmq {

// Why a channel, or a client id, left a group. On the wire each number is one
// greater: client_manager.proto's RemovalReason.
enum class RemovalReason : uint8_t {
  kUnregistered,  // The client asked for it.
  kDisconnected,  // The channel closed.
  kExpired,       // Silent for longer than the channel expiry.
  kReplaced,      // A newer stream of the same client and incarnation.
  kKicked,        // An operator asked for it.
  kDrained,       // The broker goes down.
};

inline constexpr size_t kRemovalReasons = 6;

// "UNREGISTERED", ...
absl::string_view Name(RemovalReason reason);

// A client id that joined a group or left it. A value.
struct MemberChange {
  enum class Type : uint8_t { kJoined, kLeft };

  std::string client_id;
  Type type = Type::kJoined;
  // Of kLeft.
  RemovalReason reason = RemovalReason::kUnregistered;

  friend bool operator==(const MemberChange& a, const MemberChange& b) {
    return a.client_id == b.client_id && a.type == b.type &&
           (a.type == Type::kJoined || a.reason == b.reason);
  }
  friend bool operator!=(const MemberChange& a, const MemberChange& b) {
    return !(a == b);
  }
};

}  // namespace rmq

#endif  // COMMON_MEMBER_CHANGE_H_
