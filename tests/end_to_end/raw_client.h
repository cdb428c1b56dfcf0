// The wire by hand: generated stubs, no client library.
#ifndef TESTS_END_TO_END_RAW_CLIENT_H_
#define TESTS_END_TO_END_RAW_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// A full heartbeat of one CLUSTERING consumer group.
pb::HeartbeatRequest ConsumerHeartbeat(absl::string_view client_id,
                                       absl::string_view group);

// Makes the heartbeat ask for a channel expiry.
void SetExpiry(absl::Duration expiry, pb::HeartbeatRequest* heartbeat);

// The trailing metadata of a call, by name.
using Trailers = std::map<std::string, std::string>;

// A unary heartbeat.
grpc::Status SendHeartbeat(absl::string_view broker,
                           const pb::HeartbeatRequest& request,
                           Trailers* trailers = nullptr);

// One Connect stream, on a connection of its own. Every wait is bounded: the
// call has a deadline of a minute.
class RawStream {
 public:
  explicit RawStream(absl::string_view broker);
  ~RawStream() { context_.TryCancel(); }

  bool Send(const pb::HeartbeatRequest& heartbeat);
  // The next frame; false if the stream has ended.
  bool Receive(pb::BrokerFrame* frame) { return stream_->Read(frame); }
  void HalfClose() { stream_->WritesDone(); }
  // From any thread.
  void Cancel() { context_.TryCancel(); }
  // The status that the stream ends with; what the broker still writes is
  // passed over.
  grpc::Status WaitForEnd();
  // Once it has ended.
  Trailers trailers() const;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<pb::ClientManager::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<pb::ClientFrame, pb::BrokerFrame>>
      stream_;
  uint64_t last_request_id_ = 0;
};

}  // namespace rmq

#endif  // TESTS_END_TO_END_RAW_CLIENT_H_
