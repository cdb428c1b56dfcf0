// Decides who may call what.
#ifndef COMMON_RPC_SERVER_AUTHORIZER_H_
#define COMMON_RPC_SERVER_AUTHORIZER_H_

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"

namespace rmq {

// What a request names, as the client states it: form and limits are checked
// later. Views into the request, and into what is known of its caller.
struct CallResources {
  // Empty if the request names none.
  absl::string_view client_id;
  // Every producer and consumer group.
  absl::InlinedVector<absl::string_view, 8> groups;
  // Every topic, those of subscriptions included.
  absl::InlinedVector<absl::string_view, 8> topics;
};

// Decides whether a call may be made. The Gate asks it; nothing else does.
// Thread-safe; must not block.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // OK, or why not: PERMISSION_DENIED or UNAUTHENTICATED with SYSTEM_ERROR.
  virtual CallStatus Check(const CallContext& call,
                           const CallResources& resources) = 0;
};

// Allows everything: there is no authorisation yet.
class AllowAllAuthorizer final : public Authorizer {
 public:
  CallStatus Check(const CallContext& /*call*/,
                   const CallResources& /*resources*/) override {
    return {};
  }
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_AUTHORIZER_H_
