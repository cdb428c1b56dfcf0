// A whole broker on a port of its own, and streams to it, for tests: real gRPC
// over loopback.
#ifndef BROKER_SERVER_TEST_BROKER_H_
#define BROKER_SERVER_TEST_BROKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/rpc/server/recording_authorizer.h"
#include "common/simulated_clock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// No call of a test lasts longer: one that hangs fails instead.
inline constexpr int kCallSeconds = 60;
void SetTestDeadline(grpc::ClientContext& context);

// What the trailing metadata says; -1 if nothing.
int ResponseCodeOf(const grpc::ClientContext& context);
// The same for `rocketmq-end-reason`; empty if it is not there.
std::string EndReasonOf(const grpc::ClientContext& context);

// A full heartbeat of one consumer group with one topic.
pb::HeartbeatRequest ConsumerHeartbeat(absl::string_view client_id,
                                       absl::string_view group);
pb::HeartbeatRequest ProducerHeartbeat(absl::string_view client_id,
                                       absl::string_view group);
// A heartbeat whose answer is larger than what gRPC sends to a client that does
// not read: it names very many groups that were passed over. For a broker with
// LargeAnswerOptions().
pb::HeartbeatRequest LargeAnswerHeartbeat(absl::string_view client_id,
                                          absl::string_view group);
BrokerController::Options LargeAnswerOptions();
pb::ClientFrame FrameOf(const pb::HeartbeatRequest& request);
// GET_CONSUMER_LIST_BY_GROUP.
pb::ClientFrame ListFrame(absl::string_view group, int32_t page_size = 0);

// One Connect call as a client makes it. Blocking; of one thread, but for
// Cancel().
class TestStream {
 public:
  // `prepare` may add metadata.
  explicit TestStream(
      const std::shared_ptr<grpc::Channel>& connection,
      const std::function<void(grpc::ClientContext*)>& prepare = nullptr);
  // Cancels what is still open.
  ~TestStream();
  TestStream(const TestStream&) = delete;
  TestStream& operator=(const TestStream&) = delete;

  // False if the stream is over. Draws a request id if the frame has none, and
  // `request_id` tells which.
  bool Write(pb::ClientFrame frame);
  // As it is, request id and all.
  bool WriteAsIs(const pb::ClientFrame& frame);
  uint64_t last_request_id() const { return last_request_id_; }

  // The next frame; nothing if the stream is over.
  absl::optional<pb::BrokerFrame> Read();
  // The next frame, which must be a reply, or a push: its group.
  pb::Reply ReadReply();
  std::string ReadPush();
  // Writes and reads up to the reply; pushes before it are kept.
  pb::Reply Call(pb::ClientFrame frame);
  pb::Reply Call(const pb::HeartbeatRequest& heartbeat) {
    return Call(FrameOf(heartbeat));
  }
  // Groups of the pushes that Call() passed over.
  std::vector<std::string> TakePushes();

  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  // Reads to the end and returns how the stream ended. Frames go to `rest`.
  grpc::Status Finish(std::vector<pb::BrokerFrame>* rest = nullptr);

  grpc::ClientContext& context() { return context_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<pb::ClientManager::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<pb::ClientFrame, pb::BrokerFrame>>
      stream_;
  uint64_t last_request_id_ = 0;
  std::vector<std::string> pushes_;
  bool finished_ = false;
};

// Starts with the object and stops at once with it.
class TestBroker {
 public:
  // Defaults, on a port that the system chooses.
  static BrokerController::Options DefaultOptions();

  // On a simulated clock of its own. The options must validate. Its Authorizer
  // answers `gate`.
  explicit TestBroker(
      const BrokerController::Options& options = DefaultOptions(),
      const CallStatus& gate = {});
  // On `clock`.
  TestBroker(const BrokerController::Options& options, Clock* clock,
             const CallStatus& gate = {});

  SimulatedClock& clock() { return clock_; }
  // Moves that clock in small steps, and waits after each one until the timer
  // has done what was due: no tick comes late.
  void PassTime(absl::Duration duration);
  RecordingAuthorizer& authorizer() { return *authorizer_; }
  BrokerController& controller() { return *controller_; }
  const std::string& address() const { return controller_->address(); }
  // Stops at once.
  void Stop() { controller_.reset(); }

  // A TCP connection of its own.
  std::shared_ptr<grpc::Channel> NewConnection() const;
  // One that tests share where it does not matter.
  const std::shared_ptr<grpc::Channel>& connection() const {
    return connection_;
  }

  // One whose messages are compressed where that makes them smaller.
  std::shared_ptr<grpc::Channel> NewCompressingConnection(
      grpc_compression_algorithm algorithm) const;

  // One that takes no more than 64 KiB that the client has not read.
  std::shared_ptr<grpc::Channel> NewNarrowConnection() const;

  // A new stream on a connection of its own.
  std::unique_ptr<TestStream> Connect() const;
  // The same after a first full heartbeat that was answered with OK.
  std::unique_ptr<TestStream> Join(const pb::HeartbeatRequest& heartbeat) const;
  // A member of `group` that has not read all of an answer: the broker's write
  // to it stays in flight until it reads. For LargeAnswerOptions().
  std::unique_ptr<TestStream> JoinAndStall(absl::string_view client_id,
                                           absl::string_view group);

  // Unary calls; `response_code` may be null.
  grpc::Status Heartbeat(const pb::HeartbeatRequest& request,
                         pb::HeartbeatResponse* response,
                         int* response_code = nullptr) const;
  // The client ids of a group, empty if it is unknown. Also a way to be sure
  // that the broker lives.
  std::vector<std::string> ConsumerIds(absl::string_view group) const;
  // Asks until the group has as many members: what a test waits for if nothing
  // is sent to it. False if that does not come.
  bool AwaitConsumers(absl::string_view group, size_t count) const;

 private:
  SimulatedClock clock_;
  RecordingAuthorizer* authorizer_ = nullptr;  // The controller's.
  std::unique_ptr<BrokerController> controller_;
  std::shared_ptr<grpc::Channel> connection_;
};

}  // namespace rmq

#endif  // BROKER_SERVER_TEST_BROKER_H_
