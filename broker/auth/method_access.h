// What the rules are asked before a method is carried out.
#ifndef BROKER_AUTH_METHOD_ACCESS_H_
#define BROKER_AUTH_METHOD_ACCESS_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "broker/auth/access.h"

namespace rmq {

// A value.
struct MethodAccess {
  enum class Of : uint8_t {
    // Everybody may call the method.
    kNothing,
    // Each group and each topic that the request names. Of groups that a
    // heartbeat names, the consumer groups: producers are asked for when they
    // send.
    kNamed,
    // The same; the cluster if the request names none of either.
    kNamedOrCluster,
    kCluster,
  };

  Of of = Of::kNothing;
  // Any one of them will do.
  AuthActions actions;
};

// By the method's full name, as "rocketmq.clientmanager.v1.ClientManagerAdmin.
// Drain". Nothing if it is not known: such a method must be refused.
// Reference: DefaultAuthorizationContextBuilder.java.
absl::optional<MethodAccess> AccessOf(absl::string_view method);

// One question of a request.
struct RequiredAccess {
  AuthResource resource;
  AuthActions actions;
};

// What the rules are asked about a topic: a retry topic is a part of its group.
// A view of `topic`.
AuthResource ResourceOfTopic(absl::string_view topic);

// The questions of a request that names these groups and topics; all of them
// must be allowed. Views of what was passed.
absl::InlinedVector<RequiredAccess, 8> RequiredBy(
    const MethodAccess& access, absl::string_view cluster,
    absl::Span<const absl::string_view> groups,
    absl::Span<const absl::string_view> topics);

}  // namespace rmq

#endif  // BROKER_AUTH_METHOD_ACCESS_H_
