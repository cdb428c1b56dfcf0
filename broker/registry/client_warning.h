// What the operator of a client should know.
#ifndef BROKER_REGISTRY_CLIENT_WARNING_H_
#define BROKER_REGISTRY_CLIENT_WARNING_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rmq {

// A value, told in the answers to a client's heartbeats.
struct ClientWarning {
  // Numbers are those of Warning.Kind in the proto.
  enum class Kind : uint8_t {
    // Another process uses the client id.
    kDuplicateClientId = 1,
    // Most other members of `group` state something else.
    kInconsistentSubscription = 2,
  };
  Kind kind = Kind::kDuplicateClientId;
  // Of kInconsistentSubscription.
  std::string group;
  // In words.
  std::string message;
  // Clients that it is about: some that state what most members do, or the
  // client id that several processes use.
  std::vector<std::string> client_ids;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_WARNING_H_
