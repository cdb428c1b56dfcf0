// The interface to one broker: the long stream, and unary calls. client/grpc
// implements it over gRPC; tests step client/testing/fake_broker_stub.h by
// hand.
#ifndef CLIENT_SESSION_BROKER_STUB_H_
#define CLIENT_SESSION_BROKER_STUB_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// How a stream ended.
struct StreamEnd {
  absl::Status status;
  EndReason reason = EndReason::kNone;
  // How long the broker asks the client to stay away; zero: it did not say.
  absl::Duration retry_after = absl::ZeroDuration();
  // The broker itself said `status`: not gRPC, and not a proxy in its place.
  bool is_brokers = false;
};

// One Connect stream. It is used, and calls its reactor, on one event loop
// only, so it has no lock.
//
// The destructor cancels the call; no reaction comes after it. A reaction may
// destroy the stream.
class BrokerStream {
 public:
  // Receives the stream's events. Reactions come one at a time, never inside a
  // call of a BrokerStream's method.
  class Reactor {
   public:
    // The call stands, and frames may be written. At most once. OnFinished() is
    // the only reaction that may come without it.
    virtual void OnStarted() = 0;
    // The next frame of the broker. No further frame is read while this runs.
    virtual void OnRead(
        const rocketmq::clientmanager::v1::BrokerFrame& frame) = 0;
    // The frame given to Write() has left, and the next one may be written.
    virtual void OnWritten() = 0;
    // The stream has ended, or the broker could not be reached. The last
    // reaction, exactly once.
    virtual void OnFinished(const StreamEnd& end) = 0;

   protected:
    ~Reactor() = default;
  };

  virtual ~BrokerStream() = default;

  // Begins the call. Once.
  virtual void Start() = 0;

  // Writes a frame. Requires that OnStarted() has come, that OnWritten() has
  // come for the frame before, and that HalfClose() was not called.
  virtual void Write(const rocketmq::clientmanager::v1::ClientFrame& frame) = 0;

  // Half-closes the stream: no more frames will come, and the broker ends the
  // stream. Once, under the same conditions as Write().
  virtual void HalfClose() = 0;
};

// One broker's address, and the connection to it.
//
// Thread-safety: thread-safe, except its streams.
class BrokerStub {
 public:
  virtual ~BrokerStub() = default;

  // Returns a stream that is not started yet. `reactor` is borrowed and must
  // outlive the stream. Call it on the event loop that the reactions run on.
  virtual std::unique_ptr<BrokerStream> NewStream(
      BrokerStream::Reactor* reactor) = 0;

  // Grows whenever streams begin to say something else of who the client is, as
  // its files have changed. Cheap.
  virtual uint64_t IdentityGeneration() { return 0; }

  // The unary calls. They block the caller for at most `timeout`, then return
  // DeadlineExceeded. After CancelCalls() they return Cancelled. Other errors
  // are the broker's, or Unavailable if it cannot be reached.
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
