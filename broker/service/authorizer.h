// The one gate that every call passes at the edge.
#ifndef BROKER_SERVICE_AUTHORIZER_H_
#define BROKER_SERVICE_AUTHORIZER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/response_code.h"

namespace rmq {

// What is about to be done, and for whom: as the client says, before form and
// limits are checked. Views valid for the call.
struct CallInfo {
  // "host:port" of the client.
  absl::string_view peer;
  // The method's name ("Heartbeat", "ListGroups", ...); a frame has the name of
  // the unary method that does the same.
  absl::string_view call;
  // Empty if the call has none.
  absl::string_view client_id;
  // Every producer and consumer group that the call names.
  absl::Span<const absl::string_view> groups;
};

// Thread-safe; must not block. Asked for each unary call and each frame, but
// for light heartbeats of a stream whose statement has passed.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // OK, or why not: PERMISSION_DENIED or UNAUTHENTICATED with SYSTEM_ERROR.
  virtual CallStatus Check(const CallInfo& call) = 0;
};

// Lets everything pass: there is no authorisation yet.
class AllowAllAuthorizer final : public Authorizer {
 public:
  CallStatus Check(const CallInfo&) override { return {}; }
};

}  // namespace rmq

#endif  // BROKER_SERVICE_AUTHORIZER_H_
