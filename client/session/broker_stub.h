// How the client reaches one broker: the long stream, and calls. The only parts
// below these interfaces that know gRPC are in client/grpc; tests step
// client/testing/fake_broker_stub.h by hand.
#ifndef CLIENT_SESSION_BROKER_STUB_H_
#define CLIENT_SESSION_BROKER_STUB_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Why a broker ended a stream, where that is final. Only the broker itself says
// so, in the trailing metadata `rocketmq-end-reason`: a status alone may be
// anybody's on the way.
enum class EndReason {
  // Nothing final: another reason (EXPIRED, DRAINED, one that this client does
  // not know), or no word of the broker.
  kNone,
  // Another stream of the same client id and incarnation took over.
  kReplaced,
  // An operator took the client out.
  kKicked,
};

// How a stream ended.
struct StreamEnd {
  absl::Status status;
  EndReason reason = EndReason::kNone;
};

// One Connect stream, as its owner holds it. It is used, and reacts, on one
// event loop only; there is no lock.
//
// Destroying it cancels the call and ends its reactions: none comes afterwards.
// It may be destroyed inside a reaction.
class BrokerStream {
 public:
  // What happens to the stream. Reactions come one at a time, never inside a
  // call of a BrokerStream's method.
  class Reactor {
   public:
    // The call stands: write from here on. At most once, before the others but
    // OnFinished().
    virtual void OnStarted() = 0;
    // The next frame of the broker. Frames are read one at a time: while this
    // runs nothing is read ahead.
    virtual void OnRead(
        const rocketmq::clientmanager::v1::BrokerFrame& frame) = 0;
    // The frame given to Write() has left: the next one may be written.
    virtual void OnWritten() = 0;
    // The stream has ended, whoever ended it. Once and last; also if the broker
    // could not be reached.
    virtual void OnFinished(const StreamEnd& end) = 0;

   protected:
    ~Reactor() = default;
  };

  virtual ~BrokerStream() = default;

  // Begins the call. Once.
  virtual void Start() = 0;

  // Writes a frame. One at a time: not before OnStarted(), nor before
  // OnWritten() for the frame before, nor after HalfClose().
  virtual void Write(const rocketmq::clientmanager::v1::ClientFrame& frame) = 0;

  // Says that no more frames will come. Once, under the same conditions as
  // Write(). The broker then ends the stream.
  virtual void HalfClose() = 0;
};

// One broker's address, with the connection to it.
//
// Thread-safe, but for the streams that it gives out.
class BrokerStub {
 public:
  virtual ~BrokerStub() = default;

  // A stream that is not started yet. `reactor` is borrowed and must live until
  // the stream is destroyed. Only on the event loop that the reactions run on.
  virtual std::unique_ptr<BrokerStream> NewStream(
      BrokerStream::Reactor* reactor) = 0;

  // The unary calls. They block the caller for at most `timeout`
  // (DeadlineExceeded), and end with Cancelled after CancelCalls(). Errors are
  // the broker's, or Unavailable if it cannot be reached.
  virtual absl::StatusOr<
      rocketmq::clientmanager::v1::GetConsumerListByGroupResponse>
  GetConsumerListByGroup(
      const rocketmq::clientmanager::v1::GetConsumerListByGroupRequest& request,
      absl::Duration timeout) = 0;
  virtual absl::Status CheckClientConfig(
      const rocketmq::clientmanager::v1::CheckClientConfigRequest& request,
      absl::Duration timeout) = 0;

  // Ends the unary calls under way, and those to come, with Cancelled.
  virtual void CancelCalls() = 0;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_STUB_H_
