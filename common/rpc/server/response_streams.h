// The calls of a method that answers one request with many responses.
#ifndef COMMON_RPC_SERVER_RESPONSE_STREAMS_H_
#define COMMON_RPC_SERVER_RESPONSE_STREAMS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "common/payer.h"
#include "common/response_code.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/response_source.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/server_stream.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// Parses the request, leads it through the gate, and has it handled.
struct ResponsesMethod {
  using Answer = std::function<CallStatus(
      Gate& gate, const CallContext&, grpc::ByteBuffer* request, ResponseWaker,
      std::shared_ptr<ResponseSource>*)>;
  // Parses the request, and asks the Authorizer again.
  using Check = std::function<CallStatus(Gate& gate, const CallContext&,
                                         grpc::ByteBuffer* request)>;

  // How many calls may be open: in all, and of one payer.
  struct Limits {
    size_t calls;
    size_t calls_of_a_payer;
  };

  template <typename Request>
  static ResponsesMethod Of(const google::protobuf::MethodDescriptor& method,
                            const Limits& limits,
                            MethodTable::ResourcesOf<Request> resources_of,
                            ResponsesHandler<Request> handler) {
    return {
        method, limits,
        [resources_of, handler = std::move(handler)](
            Gate& gate, const CallContext& call, grpc::ByteBuffer* bytes,
            ResponseWaker waker, std::shared_ptr<ResponseSource>* source) {
          Request request;
          if (!grpc::SerializationTraits<Request>::Deserialize(bytes, &request)
                   .ok()) {
            return MethodTable::NotA(*Request::descriptor());
          }
          const CallStatus passed = gate.Enter(call, resources_of(request));
          if (!passed.ok()) return passed;
          return handler(call, request, std::move(waker), source);
        },
        [resources_of](Gate& gate, const CallContext& call,
                       grpc::ByteBuffer* bytes) {
          Request request;
          // It was parsed before.
          (void)grpc::SerializationTraits<Request>::Deserialize(bytes,
                                                                &request);
          return gate.EnterFrame(call, resources_of(request));
        }};
  }

  const google::protobuf::MethodDescriptor& descriptor;
  Limits limits;
  Answer answer;
  // Once the rules have changed.
  Check check;
};

// Waits for the calls of one method and serves them. A call goes through these
// steps, each of which may refuse it:
//
//   its connection has room
//   the message comes within ServerCalls::kFirstMessageLimit
//   its caller is identified
//   its size; the caller's rates of bytes and of listed rows
//   the method has room, in all and for the caller (a Payer)
//   the message is parsed; the gate; the handler
//
// Then the responses are written, one after the other. Before the first one
// after a change of the rules, the caller is identified anew, and the
// Authorizer asked again. A call ends when its
// source says so, when its client may not have its responses any more, is gone
// or leaves a response unread for slow_reader_limit, or by EndAll().
//
// Thread-safe.
class ResponseStreams {
 public:
  // `method` must be in the table of `calls`, by AddStreaming(). Borrows
  // `calls`. `request` makes gRPC announce a call of the method, which is
  // registered as a stream of bytes.
  ResponseStreams(ResponsesMethod method,
                  decltype(ServerStream::Environment::request) request,
                  ServerCalls* calls);
  ResponseStreams(const ResponseStreams&) = delete;
  ResponseStreams& operator=(const ResponseStreams&) = delete;

  // Makes one call wait for a client on `loop`.
  void Accept(ServerLoop* loop);

  // Ends each open call with `status`: after the response that is being
  // written, and those that belong to it.
  void EndAll(const CallStatus& status) ABSL_LOCKS_EXCLUDED(mu_);
  // The same, and refuses with it each call that comes from now on.
  void Close(const CallStatus& status) ABSL_LOCKS_EXCLUDED(mu_);

  // Open calls, those that await their message included.
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Stream;

  // A call has come. Returns why it must end, if it must.
  CallStatus Add(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_);
  // Counts the call, which was added, as one of `payer`'s. Returns why it must
  // end, if it must.
  CallStatus TakePlace(Stream* stream, const Payer& payer)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_);

  const ResponsesMethod method_;
  ServerStream::Environment environment_;  // Constant once constructed.

  mutable absl::Mutex mu_;
  // OK, or what Close() was given.
  CallStatus closed_ ABSL_GUARDED_BY(mu_);
  // With their payers, once they have a place.
  absl::flat_hash_map<Stream*, absl::optional<Payer>> streams_
      ABSL_GUARDED_BY(mu_);
  // The places that are taken: in all, and of each payer.
  size_t places_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<Payer, size_t> payers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_RESPONSE_STREAMS_H_
