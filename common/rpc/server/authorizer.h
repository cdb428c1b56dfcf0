// Finds out who calls, and decides who may call what.
#ifndef COMMON_RPC_SERVER_AUTHORIZER_H_
#define COMMON_RPC_SERVER_AUTHORIZER_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "grpc/grpc.h"

namespace rmq {

// What a request names, as the client states it: form and limits are checked
// later. Views into the request, and into what is known of its caller.
struct CallResources {
  using Names = absl::InlinedVector<absl::string_view, 8>;

  // Empty if the request names none.
  absl::string_view client_id;
  // Every consumer group; every group of a request that does not say of which
  // kind it is.
  Names groups;
  // Every producer group.
  Names producer_groups;
  // Every topic, those of subscriptions included.
  Names topics;
  // Each of `groups` is asked about by CheckConsumer() too, with its topics, so
  // that Check() must not refuse the request for one of them.
  bool consumers_are_asked_apart = false;
};

// Who makes a call. Kept by the call, and by a stream for its frames.
struct CallerIdentity {
  // Empty: anonymous.
  std::string user;
  // Of the rules by which the caller was identified; see
  // Authorizer::generation(). 0: the caller has not been identified.
  uint64_t generation = 0;
  // As Peer::is_trial.
  bool is_trial = false;
};

// What a client shows when it opens a call or a stream. Views.
struct CallOpening {
  // "host:port" of the client.
  absl::string_view address;
  MetadataView metadata;
  // gRPC's call: it tells how the connection is secured.
  grpc_call* call;
  // By the server's clock.
  absl::Time now;
};

// Thread-safe; must not block. The Gate asks it; nothing else does.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  // The number of the rules that hold: another one whenever users or rules have
  // changed. 0: there are none, and everybody is anonymous. An atomic load.
  uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // Finds out who has opened a call or a stream, and fills `identity`. Called
  // when it opens, and for a stream again when generation() has changed: then
  // `identity` is that of the earlier rules, and what was judged by the time of
  // the opening is not judged again. UNAUTHENTICATED with SYSTEM_ERROR: the
  // call or the stream has to end. Not called while generation() is 0.
  virtual CallStatus Identify(const CallOpening& opening,
                              CallerIdentity* identity) = 0;

  // Whether the call may be made: OK, or why not: PERMISSION_DENIED or
  // UNAUTHENTICATED with SYSTEM_ERROR.
  virtual CallStatus Check(const CallContext& call,
                           const CallResources& resources) = 0;

  // The same for one consumer group that a heartbeat states, with the topics of
  // its subscriptions: a group that is refused is passed over, with the message
  // as the reason. Not called while generation() is 0.
  virtual CallStatus CheckConsumer(
      const CallContext& call, absl::string_view group,
      absl::Span<const absl::string_view> topics) = 0;

 protected:
  void set_generation(uint64_t generation) {
    generation_.store(generation, std::memory_order_release);
  }

 private:
  std::atomic<uint64_t> generation_{0};
};

// Allows everything to everybody, and identifies nobody.
class AllowAllAuthorizer final : public Authorizer {
 public:
  CallStatus Identify(const CallOpening& /*opening*/,
                      CallerIdentity* /*identity*/) override {
    return {};
  }
  CallStatus Check(const CallContext& /*call*/,
                   const CallResources& /*resources*/) override {
    return {};
  }
  CallStatus CheckConsumer(
      const CallContext& /*call*/, absl::string_view /*group*/,
      absl::Span<const absl::string_view> /*topics*/) override {
    return {};
  }
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_AUTHORIZER_H_
