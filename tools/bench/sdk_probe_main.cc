// Clients of RocketMQ 5's SDKs, each on a connection of its own.
//
//   sdk_probe --clients=100 --settings --duration=1s --server_pid=PID ADDRESS
//   sdk_probe --clients=3000 --streams --server_pid=PID ADDRESS
//
// The first sends heartbeats, one a client at a time, and polls without ever
// sleeping, so that no server pays for waking it. With --settings each client
// has stated its settings over a Telemetry stream before, as real ones have; an
// echo has no such method. The second opens such a stream for each client,
// sends one heartbeat, and then is silent. Writes {"calls": ...,
// "calls_per_second": ..., "cpu_us_per_call":
// ..., "rss_bytes": ..., "errors": ...} of the server.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "common/rpc/credentials/credentials_source.h"
#include "grpc/grpc.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "tools/loadgen/process_usage.h"

ABSL_FLAG(int, clients, 100, "clients");
ABSL_FLAG(bool, settings, false, "clients state their settings first");
ABSL_FLAG(bool, streams, false, "clients with streams that are silent");
ABSL_FLAG(absl::Duration, warmup, absl::Milliseconds(300), "not measured");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(1), "how long");
ABSL_FLAG(int, server_pid, 0, "the server's process");

namespace rmq::bench {
namespace {

namespace v2 = ::apache::rocketmq::v2;

class Client {
 public:
  Client(const std::string& address, int number)
      : id_(absl::StrCat("host@", number, "@0@sdk")),
        group_(absl::StrCat("group-", number / 10)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v2::MessagingService::NewStub(grpc::CreateCustomChannel(
        address, rmq::PlaintextChannelCredentials().Get(), arguments));
    request_.set_client_type(v2::PUSH_CONSUMER);
    request_.mutable_group()->set_name(group_);
  }
  ~Client() {
    if (stream_ != nullptr) stream_context_.TryCancel();
  }

  // Opens the stream and states the client. False if it is not taken.
  bool State() {
    Prepare(&stream_context_);
    stream_ = stub_->Telemetry(&stream_context_);
    v2::TelemetryCommand command;
    v2::Settings& settings = *command.mutable_settings();
    settings.set_client_type(v2::PUSH_CONSUMER);
    settings.mutable_subscription()->mutable_group()->set_name(group_);
    settings.mutable_subscription()
        ->add_subscriptions()
        ->mutable_topic()
        ->set_name("orders");
    v2::TelemetryCommand answer;
    return stream_->Write(command) && stream_->Read(&answer) &&
           answer.status().code() == v2::OK;
  }
  bool Heartbeat() {
    grpc::ClientContext context;
    Prepare(&context);
    return stub_->Heartbeat(&context, request_, &response_).ok() && IsOk();
  }

  // A heartbeat whose end comes to the queue, with this client as its tag.
  void Begin(grpc::CompletionQueue* queue) {
    context_ = std::make_unique<grpc::ClientContext>();
    Prepare(context_.get());
    call_ = stub_->AsyncHeartbeat(context_.get(), request_, queue);
    call_->Finish(&response_, &status_, this);
  }
  // Of the heartbeat that has ended.
  bool IsOk() const {
    return status_.ok() && response_.status().code() == v2::OK;
  }

 private:
  void Prepare(grpc::ClientContext* context) const {
    context->AddMetadata("x-mq-client-id", id_);
    context->AddMetadata("x-mq-language", "JAVA");
    context->AddMetadata("x-mq-client-version", "5.2.0");
    context->AddMetadata("x-mq-protocol", "v2");
    context->AddMetadata("x-mq-namespace", "");
    context->AddMetadata("x-mq-date-time", "20261130T120000Z");
    context->AddMetadata("x-mq-request-id",
                         "0f6bb3a4-7f0f-4c9c-9a5e-0a7b7f9f5a11");
  }

  const std::string id_;
  const std::string group_;
  std::unique_ptr<v2::MessagingService::Stub> stub_;
  grpc::ClientContext stream_context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v2::TelemetryCommand, v2::TelemetryCommand>>
      stream_;
  v2::HeartbeatRequest request_;
  v2::HeartbeatResponse response_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v2::HeartbeatResponse>> call_;
  grpc::Status status_;
};

struct Count {
  int64_t calls = 0;
  int64_t errors = 0;
};

// Heartbeats of all clients until `end`. Those that are under way go on.
Count BeatUntil(absl::Time end, grpc::CompletionQueue* queue) {
  Count count;
  while (absl::Now() < end) {
    void* tag;
    bool ok;
    const auto next =
        queue->AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC));
    if (next != grpc::CompletionQueue::GOT_EVENT) continue;
    auto* const client = static_cast<Client*>(tag);
    ++count.calls;
    if (!client->IsOk()) ++count.errors;
    client->Begin(queue);
  }
  return count;
}

loadgen::ProcessUsage Usage() {
  const auto usage = loadgen::ReadProcessUsage(absl::GetFlag(FLAGS_server_pid));
  if (usage.ok()) return *usage;
  std::cerr << "sdk_probe: " << usage.status() << "\n";
  std::_Exit(1);
}

void Print(const Count& count, double seconds, double cpu_seconds,
           double rss_bytes) {
  const double calls = count.calls == 0 ? 1 : static_cast<double>(count.calls);
  std::cout << "{\"calls\": " << count.calls
            << ", \"calls_per_second\": " << calls / seconds
            << ", \"cpu_us_per_call\": " << cpu_seconds * 1e6 / calls
            << ", \"rss_bytes\": " << static_cast<int64_t>(rss_bytes)
            << ", \"errors\": " << count.errors << "}" << std::endl;
}

int Main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "sdk_probe --server_pid=PID ADDRESS: clients of RocketMQ 5's SDKs");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) {
    std::cerr << "sdk_probe: one address is needed\n";
    return 1;
  }
  std::vector<std::unique_ptr<Client>> clients;
  const int wanted = absl::GetFlag(FLAGS_clients);
  const absl::Status files =
      loadgen::AllowOpenFiles(static_cast<size_t>(wanted) + 64);
  if (!files.ok()) {
    std::cerr << "sdk_probe: " << files << "\n";
    return 1;
  }
  Count count;
  const bool has_streams = absl::GetFlag(FLAGS_streams);
  const bool has_settings = has_streams || absl::GetFlag(FLAGS_settings);
  for (int i = 0; i < wanted; ++i) {
    clients.push_back(std::make_unique<Client>(arguments[1], i));
    if (has_settings && !clients.back()->State()) ++count.errors;
    if (!clients.back()->Heartbeat()) ++count.errors;
  }
  const absl::Duration duration = absl::GetFlag(FLAGS_duration);
  if (has_streams) {
    absl::SleepFor(duration);
    Print(count, 1, 0, Usage().rss_bytes);
    std::cout.flush();
    std::_Exit(0);
  }
  grpc::CompletionQueue queue;
  for (const auto& client : clients) client->Begin(&queue);
  (void)BeatUntil(absl::Now() + absl::GetFlag(FLAGS_warmup), &queue);
  const loadgen::ProcessUsage before = Usage();
  const absl::Time begin = absl::Now();
  const Count measured = BeatUntil(begin + duration, &queue);
  const loadgen::ProcessUsage after = Usage();
  count.calls = measured.calls;
  count.errors += measured.errors;
  Print(count, absl::ToDoubleSeconds(absl::Now() - begin),
        after.cpu_seconds - before.cpu_seconds, after.rss_bytes);
  std::cout.flush();
  // Calls are under way, and nobody waits for them.
  std::_Exit(0);
}

}  // namespace
}  // namespace rmq::bench

int main(int argc, char** argv) { return rmq::bench::Main(argc, argv); }
