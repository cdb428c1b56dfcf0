// The interface to one broker's Watch. client/grpc implements it over gRPC;
// tests step a fake by hand.
#ifndef CLIENT_WATCH_WATCH_STUB_H_
#define CLIENT_WATCH_WATCH_STUB_H_

#include <memory>

#include "client/session/broker_stub.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

// One Watch call. It is used, and calls its reactor, on one event loop only.
//
// The destructor cancels the call; no reaction comes after it. A reaction may
// destroy the stream.
class WatchStream {
 public:
  // Reactions come one at a time, never inside a call of a method.
  class Reactor {
   public:
    // The response that was asked for.
    virtual void OnResponse(
        const rocketmq::clientmanager::v1::WatchResponse& response) = 0;
    // The call has ended. The last reaction, exactly once. It comes when a
    // response is asked for, at the latest.
    virtual void OnFinished(const StreamEnd& end) = 0;

   protected:
    ~Reactor() = default;
  };

  virtual ~WatchStream() = default;

  // Begins the call. Once.
  virtual void Start(
      const rocketmq::clientmanager::v1::WatchRequest& request) = 0;

  // Asks for the next response. Requires that OnResponse() has come for the one
  // before. A broker whose watcher does not ask ends the call in time.
  virtual void Read() = 0;
};

// One broker's address, and the connection to it.
class WatchStub {
 public:
  virtual ~WatchStub() = default;

  // Returns a stream that is not started yet. `reactor` is borrowed and must
  // outlive the stream.
  virtual std::unique_ptr<WatchStream> NewStream(
      WatchStream::Reactor* reactor) = 0;
};

}  // namespace rmq

#endif  // CLIENT_WATCH_WATCH_STUB_H_
