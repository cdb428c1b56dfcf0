#include "tests/end_to_end/raw_client.h"

#include <chrono>

#include "common/rpc/credentials/credentials_source.h"
#include "grpc/grpc.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace rmq {
namespace {

std::unique_ptr<pb::ClientManager::Stub> Stub(absl::string_view broker) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return pb::ClientManager::NewStub(grpc::CreateCustomChannel(
      std::string(broker), PlaintextChannelCredentials().Get(), arguments));
}

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::minutes(1));
}

Trailers TrailersOf(const grpc::ClientContext& context) {
  Trailers trailers;
  for (const auto& [name, value] : context.GetServerTrailingMetadata()) {
    trailers.emplace(std::string(name.begin(), name.end()),
                     std::string(value.begin(), value.end()));
  }
  return trailers;
}

}  // namespace

pb::HeartbeatRequest ConsumerHeartbeat(absl::string_view client_id,
                                       absl::string_view group) {
  pb::HeartbeatRequest request;
  request.set_client_id(std::string(client_id));
  request.set_language(pb::LANGUAGE_CODE_CPP);
  pb::ConsumerData* const consumer = request.add_consumers();
  consumer->set_group(std::string(group));
  consumer->set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
  return request;
}

void SetExpiry(absl::Duration expiry, pb::HeartbeatRequest* heartbeat) {
  auto& message = *heartbeat->mutable_requested_channel_expiry();
  const int64_t seconds = absl::IDivDuration(expiry, absl::Seconds(1), &expiry);
  message.set_seconds(seconds);
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(expiry)));
}

grpc::Status SendHeartbeat(absl::string_view broker,
                           const pb::HeartbeatRequest& request,
                           Trailers* trailers) {
  grpc::ClientContext context;
  SetDeadline(&context);
  pb::HeartbeatResponse response;
  const grpc::Status status =
      Stub(broker)->Heartbeat(&context, request, &response);
  if (trailers != nullptr) *trailers = TrailersOf(context);
  return status;
}

RawStream::RawStream(absl::string_view broker) : stub_(Stub(broker)) {
  SetDeadline(&context_);
  stream_ = stub_->Connect(&context_);
}

bool RawStream::Send(const pb::HeartbeatRequest& heartbeat) {
  pb::ClientFrame frame;
  frame.set_request_id(++last_request_id_);
  *frame.mutable_heartbeat() = heartbeat;
  return stream_->Write(frame);
}

grpc::Status RawStream::WaitForEnd() {
  pb::BrokerFrame frame;
  while (Receive(&frame)) {
  }
  return stream_->Finish();
}

Trailers RawStream::trailers() const { return TrailersOf(context_); }

}  // namespace rmq
