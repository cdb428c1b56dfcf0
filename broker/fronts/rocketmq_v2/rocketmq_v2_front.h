// RocketMQ 5's protocol on a server: the MessagingService of the official SDKs.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_ROCKETMQ_V2_FRONT_H_
#define BROKER_FRONTS_ROCKETMQ_V2_ROCKETMQ_V2_FRONT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/assignment/group_assignments.h"
#include "broker/fronts/client_threads.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/duplicate_streams.h"
#include "broker/fronts/identified_streams.h"
#include "broker/fronts/rocketmq_v2/due_calls.h"
#include "broker/fronts/rocketmq_v2/held_calls.h"
#include "broker/fronts/rocketmq_v2/sdk_broker.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/stack_requests.h"
#include "broker/fronts/rocketmq_v2/telemetry_session.h"
#include "broker/policy/group_policy.h"
#include "common/discovery/discovery_entry.h"
#include "common/due_task.h"
#include "common/response_code.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/response_streams.h"
#include "common/rpc/server/server_calls.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"

namespace rmq {

// Keeps clients, and no messages. Its clients are members of the same groups as
// those of the other front.
class RocketmqV2Front final : public Front,
                              public ClientThreads,
                              public DuplicateStreams {
 public:
  // Borrows all parts. `address` returns what the server listens on; `cluster`
  // is SdkBroker's; `identified` gets the Telemetry streams.
  RocketmqV2Front(
      const Rocketmq5Options& options, const ClientBroker& broker,
      const GroupPolicy* policy, ServerCalls* calls,
      std::function<std::string()> address,
      std::function<std::shared_ptr<const std::vector<DiscoveryEntry>>()>
          cluster,
      IdentifiedStreams* identified, const DueListener& on_due);

  // A task of the broker's timer.
  DueTask& due_calls() { return due_calls_; }

  // Front.
  std::string service_name() const override {
    return v2::MessagingService::service_full_name();
  }
  void AddMethods(MethodTable* methods) override;
  void RegisterServices(grpc::ServerBuilder* builder) override {
    builder->RegisterService(&service_);
  }
  void AcceptStreams(ServerLoop* loop) override;
  // Ends Telemetry streams with OK, and held calls.
  void StopServing() override;

  // ClientThreads. Of several clients with the id, the one that opened its
  // stream last is asked.
  CallStatus PrintStackTrace(absl::string_view client_id, absl::Time now,
                             OnAnswer on_answer) override;

  // DuplicateStreams. Two processes with one id share a channel if they are at
  // one network, and both stay: a client that opens its stream anew may for a
  // moment have two as well. One whose address changes is at two networks until
  // it expires at the first.
  std::vector<Duplicate> ListDuplicates(absl::string_view after,
                                        size_t max) const override {
    return open_.ListDuplicates(after, max);
  }

 private:
  // Registers the streaming methods with gRPC, as streams of bytes.
  class Service final : public v2::MessagingService::Service {
   public:
    Service();
    // `method` is the index of a streaming one.
    void RequestStreaming(int method, grpc::ServerContext* context,
                          grpc::GenericServerAsyncReaderWriter* call,
                          grpc::CompletionQueue* queue,
                          grpc::ServerCompletionQueue* announced_on, void* tag);
  };

  const Rocketmq5Options options_;
  const ClientBroker broker_;
  ServerCalls& calls_;
  // As many as clients may be. Before the clients, which tell it who has none.
  OpenSessions open_{broker_.table.options().max_channels,
                     broker_.table.options().channels_per_address()};
  SdkClients clients_;
  GroupAssignments assignments_;
  const SdkBroker sdk_broker_;
  DueCalls due_calls_;
  HeldCalls held_;
  StackRequests stacks_{&due_calls_};
  Service service_;
  // Constant once the methods are added.
  TelemetrySession::Environment sessions_;
  std::vector<std::unique_ptr<ResponseStreams>> receives_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_ROCKETMQ_V2_FRONT_H_
