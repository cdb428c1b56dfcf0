// Bare gRPC in the broker's place: what it can do that does nothing but gRPC.

#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/rpc/credentials/server_tls_credentials.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/connection_arguments.h"
#include "common/security/server_tls_options.h"
#include "grpc/grpc.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "tools/bench/echo/callback_echo.h"
#include "tools/bench/echo/echo_answers.h"
#include "tools/bench/echo/loop_echo.h"
#include "tools/bench/echo/unary_echo.h"

ABSL_FLAG(std::string, address, "127.0.0.1:0",
          "host:port to listen on; port 0 lets the system choose");
ABSL_FLAG(std::string, api, "loop",
          "loop: the broker's completion loop; callback: gRPC's callback API");
ABSL_FLAG(absl::Duration, nap, absl::Milliseconds(2),
          "with --api=loop: the loop's nap, as the broker's");
ABSL_FLAG(int, threads, 1,
          "with --api=loop: threads, each with its own completion queues");
ABSL_FLAG(std::string, tls_cert, "", "the broker's flags of TLS");
ABSL_FLAG(std::string, tls_key, "", "see --tls_cert");
ABSL_FLAG(std::string, tls_client_ca, "", "see --tls_cert");
ABSL_FLAG(std::string, tls_client_cert, "off", "see --tls_cert");

namespace {

// Those that the flags ask for; ends the process if they are wrong.
std::shared_ptr<grpc::ServerCredentials> CredentialsFromFlags() {
  rmq::ServerTlsOptions options;
  options.cert_file = absl::GetFlag(FLAGS_tls_cert);
  options.key_file = absl::GetFlag(FLAGS_tls_key);
  options.client_ca_file = absl::GetFlag(FLAGS_tls_client_ca);
  const auto client_certificates =
      rmq::ParseClientCertificates(absl::GetFlag(FLAGS_tls_client_cert));
  if (!client_certificates.has_value()) {
    std::cerr << "echo: tls_client_cert must be off, optional or required\n";
    std::exit(1);
  }
  options.client_certificates = *client_certificates;
  if (!options.is_on()) return rmq::PlaintextServerCredentials().Get();
  auto created = rmq::ServerTlsCredentials::Create(options, &rmq::RealClock());
  if (!created.ok()) {
    std::cerr << "echo: " << created.status().message() << "\n";
    std::exit(1);
  }
  // gRPC reads its copies as long as the process lives.
  return created->release()->Get();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Answers heartbeats on ClientManager.Connect with frames of the broker's "
      "sizes, and\nknows nothing. For comparison with the broker.");
  absl::ParseCommandLine(argc, argv);
  const std::string api = absl::GetFlag(FLAGS_api);
  const std::string address = absl::GetFlag(FLAGS_address);
  if (api != "loop" && api != "callback") {
    std::cerr << "echo: api must be loop or callback, got " << api << "\n";
    return 1;
  }

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const rmq::bench::EchoAnswers answers;
  rmq::bench::LoopEchoService loop_service;
  rmq::bench::CallbackEchoService callback_service(&answers);
  grpc::AsyncGenericService unary_service;
  const grpc::ByteBuffer unary_answer = rmq::bench::SdkHeartbeatAnswer();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, CredentialsFromFlags(), &port);
  rmq::SetConnectionArguments(&builder);
  std::vector<std::unique_ptr<rmq::ServerLoop>> loops;
  if (api == "loop") {
    builder.RegisterService(&loop_service);
    builder.RegisterAsyncGenericService(&unary_service);
    for (int i = 0; i < absl::GetFlag(FLAGS_threads); ++i) {
      loops.push_back(
          std::make_unique<rmq::ServerLoop>(builder.AddCompletionQueue()));
    }
  } else {
    builder.RegisterService(&callback_service);
    // As gRPC has it if nobody asks.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 1);
  }
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::cerr << "echo: cannot listen on " << address << "\n";
    return 1;
  }
  for (const auto& loop : loops) {
    rmq::bench::AcceptEchoStreams(&loop_service, loop.get(), &answers);
    rmq::bench::AcceptEchoCalls(&unary_service, loop.get(), &unary_answer);
    std::thread([loop = loop.get()] {
      rmq::RunCompletionLoop(&loop->queues, absl::GetFlag(FLAGS_nap));
    }).detach();
  }
  std::cerr << "listening address=" << address.substr(0, address.rfind(':'))
            << ":" << port << " api=" << api << std::endl;

  int signal = 0;
  sigwait(&signals, &signal);
  // There is nothing to be lost.
  std::_Exit(0);
}
