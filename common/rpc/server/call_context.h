// What a handler knows of a call besides its request.
#ifndef COMMON_RPC_SERVER_CALL_CONTEXT_H_
#define COMMON_RPC_SERVER_CALL_CONTEXT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/client_network.h"
#include "common/payer.h"
#include "google/protobuf/descriptor.h"
#include "grpc/grpc.h"
#include "grpc/slice.h"
#include "grpc/support/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/string_ref.h"

namespace rmq {

// The client of a call. Views valid for the call.
struct Peer {
  // "host:port" of the client, and its network.
  absl::string_view address;
  ClientNetwork network;
  // The user that the Authorizer identified; empty: anonymous.
  absl::string_view principal;
  // The rules by which it did: CallerIdentity::generation.
  uint64_t generation = 0;
  // Rules are only tried out: nothing is refused for them.
  bool is_trial = false;

  // The principal that pays for the call; empty: the address does. Nobody pays
  // as a user while rules are only tried out.
  absl::string_view pays_as() const {
    return is_trial ? absl::string_view() : principal;
  }
  Payer payer() const { return PayerOf(pays_as(), network); }
};

// The metadata that a client sent at the beginning of its call, and the call's
// deadline. A view of what gRPC has of the call, which it borrows. A stream's
// context makes its map of the metadata at the first Find(), so a stream whose
// metadata nobody asks for pays nothing; calls of Find() for one stream must
// not overlap.
class MetadataView {
 public:
  // Of no metadata.
  MetadataView() = default;
  explicit MetadataView(const grpc::ServerContextBase& context)
      : context_(&context), deadline_(context.raw_deadline()) {}
  MetadataView(const grpc_metadata_array& metadata, gpr_timespec deadline)
      : metadata_(&metadata), deadline_(deadline) {}

  // How long the client goes on waiting for the call's end, by the clock of
  // the deadline, which gRPC keeps monotonic. Infinite if it has no deadline,
  // or there is no call.
  absl::Duration TimeLeft() const {
    const gpr_timespec left =
        gpr_time_sub(deadline_, gpr_now(deadline_.clock_type));
    if (gpr_time_cmp(left, gpr_inf_future(GPR_TIMESPAN)) == 0) {
      return absl::InfiniteDuration();
    }
    return absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
  }

  // The value of `key`, which is in lower case; the first one if the client
  // sent several. Nothing if it sent none.
  absl::optional<absl::string_view> Find(absl::string_view key) const {
    return context_ != nullptr ? FindInMap(key) : FindInArray(key);
  }

 private:
  absl::optional<absl::string_view> FindInMap(absl::string_view key) const {
    const auto& metadata = context_->client_metadata();
    const auto found =
        metadata.lower_bound(grpc::string_ref(key.data(), key.size()));
    if (found == metadata.end() ||
        found->first != grpc::string_ref(key.data(), key.size())) {
      return absl::nullopt;
    }
    return absl::string_view(found->second.data(), found->second.size());
  }
  absl::optional<absl::string_view> FindInArray(absl::string_view key) const {
    for (size_t i = 0; metadata_ != nullptr && i < metadata_->count; ++i) {
      const grpc_metadata& entry = metadata_->metadata[i];
      if (TextOf(entry.key) == key) return TextOf(entry.value);
    }
    return absl::nullopt;
  }
  static absl::string_view TextOf(const grpc_slice& slice) {
    return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)),
            GRPC_SLICE_LENGTH(slice)};
  }

  // At most one of these is not null.
  const grpc::ServerContextBase* context_ = nullptr;
  const grpc_metadata_array* metadata_ = nullptr;
  gpr_timespec deadline_ = gpr_inf_future(GPR_CLOCK_MONOTONIC);
};

// One call of a method, or one frame of a stream: a frame has the method of the
// unary call that does the same, and the peer and the metadata of its stream.
// A value; its views are valid while the call is handled.
struct CallContext {
  const google::protobuf::MethodDescriptor& method;
  Peer peer;
  MetadataView metadata;
  // When the call's message came, by the server's clock.
  absl::Time now;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_CALL_CONTEXT_H_
