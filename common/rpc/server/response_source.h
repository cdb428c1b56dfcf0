// What a method that answers one request with many responses is made of.
#ifndef COMMON_RPC_SERVER_RESPONSE_SOURCE_H_
#define COMMON_RPC_SERVER_RESPONSE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// The next response of a call, or its end.
struct NextResponse {
  enum class Outcome {
    kResponse,  // `bytes` are sent, and Next() is called again.
    // None now: Next() is called again after ResponseWaker::Wake(), and when
    // the response before is written.
    kNothing,
    kEnd,  // The call ends with `status`.
  };

  static NextResponse Nothing() { return {}; }
  // `rows`: what the response takes of the address's rate of listed rows.
  static NextResponse Of(const google::protobuf::Message& response,
                         int64_t rows = 0) {
    NextResponse next;
    next.outcome = Outcome::kResponse;
    next.rows = rows;
    bool owns_buffer;
    // Fails for no message of a known size.
    (void)grpc::GenericSerialize<grpc::ProtoBufferWriter,
                                 google::protobuf::Message>(
        response, &next.bytes, &owns_buffer);
    return next;
  }
  static NextResponse End(CallStatus status) {
    NextResponse next;
    next.outcome = Outcome::kEnd;
    next.status = std::move(status);
    return next;
  }

  Outcome outcome = Outcome::kNothing;
  // Of kResponse: the next response belongs to this one. Whoever ends the call
  // meanwhile lets these out first.
  bool goes_on = false;
  grpc::ByteBuffer bytes;
  int64_t rows = 0;
  CallStatus status;
};

// Makes the responses of one call. The transport pulls: it asks for the next
// response when the one before is written, and for one more, so at most two are
// made ahead of what is written.
//
// Ownership: shared with the transport, which drops it when the call is over,
// whoever ended it: after the last Next(), on any thread, with no lock held.
class ResponseSource {
 public:
  virtual ~ResponseSource() = default;

  // Called by one thread at a time, with no lock held; not after kEnd. Must not
  // block. `now` is the server's clock.
  virtual NextResponse Next(absl::Time now) = 0;
};

// Tells the transport of a call that its source has something to say. A value.
// Thread-safe; to be called with no lock held that Next() takes.
class ResponseWaker {
 public:
  // What is woken.
  class Sleeper {
   public:
    virtual ~Sleeper() = default;
    virtual void Wake() = 0;
  };

  explicit ResponseWaker(std::weak_ptr<Sleeper> sleeper)
      : sleeper_(std::move(sleeper)) {}

  // May call Next(), on this thread, before it returns. Does nothing if the
  // call is over.
  void Wake() const {
    if (const std::shared_ptr<Sleeper> sleeper = sleeper_.lock()) {
      sleeper->Wake();
    }
  }

 private:
  std::weak_ptr<Sleeper> sleeper_;
};

// Handles the request of one call, past the gate: makes the source of its
// responses, or returns an error with which the call ends.
template <typename Request>
using ResponsesHandler =
    std::function<CallStatus(const CallContext&, const Request&, ResponseWaker,
                             std::shared_ptr<ResponseSource>*)>;

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_RESPONSE_SOURCE_H_
