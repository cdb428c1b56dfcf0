// Registers a producer group at one or more brokers, and stays registered:
//
//   bazel run //client/examples:producer -- --broker=127.0.0.1:10911
//   --group=billing
//
// Prints the state of each broker as it changes. SIGINT or SIGTERM: leaves the
// group and ends.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/examples/security_flags.h"
#include "client/examples/wait_for_signal.h"
#include "glog/logging.h"

ABSL_FLAG(std::vector<std::string>, broker, {"127.0.0.1:10911"},
          "the brokers to register with, each host:port, separated by commas");
ABSL_FLAG(std::string, resolver, "",
          "lists the brokers instead of --broker: static:///HOST:PORT,..., "
          "file:///PATH, dns:///NAME:PORT or etcd:///CLUSTER");
ABSL_FLAG(std::string, group, "", "the producer group to join; required");
ABSL_FLAG(std::string, client_id, "",
          "the client id; ip@instance, unique to this process, by default");
ABSL_FLAG(absl::Duration, heartbeat_interval, absl::Seconds(30),
          "the longest time between heartbeats (heartbeatBrokerInterval)");

namespace {

int Run() {
  rmq::examples::BlockTerminationSignals();
  rmq::ClientOptions options;
  options.resolver = absl::GetFlag(FLAGS_resolver);
  if (absl::GetFlag(FLAGS_resolver).empty()) {
    options.brokers = absl::GetFlag(FLAGS_broker);
  }
  options.tls = rmq::examples::TlsOfFlags();
  options.credentials = rmq::examples::CredentialsOfFlags();
  options.client_id = absl::GetFlag(FLAGS_client_id);
  options.heartbeat_interval = absl::GetFlag(FLAGS_heartbeat_interval);
  options.on_broker_health_changed = [](const rmq::BrokerHealth& health) {
    // While a broker is away there are many attempts.
    if (health.state == rmq::BrokerState::kConnecting ||
        health.state == rmq::BrokerState::kStating) {
      return;
    }
    std::cout << "broker=" << health.broker.address
              << " state=" << Name(health.state);
    if (health.state == rmq::BrokerState::kBackoff ||
        health.state == rmq::BrokerState::kRefused ||
        health.state == rmq::BrokerState::kReplaced ||
        health.state == rmq::BrokerState::kKicked) {
      std::cout << " error=" << health.last_error;
    }
    // Why the state is PARTIAL.
    for (const rmq::SkippedGroup& skipped : health.skipped_groups) {
      std::cout << " skipped=" << skipped.group << " (" << skipped.message
                << ")";
    }
    std::cout << std::endl;
  };
  absl::StatusOr<std::unique_ptr<rmq::Client>> client =
      rmq::Client::Create(std::move(options));
  if (!client.ok()) {
    std::cerr << client.status().message() << std::endl;
    return 1;
  }
  absl::Status status = (*client)->RegisterProducer(absl::GetFlag(FLAGS_group));
  if (status.ok()) status = (*client)->Start();
  if (!status.ok()) {
    std::cerr << status.message() << std::endl;
    return 1;
  }
  std::cerr << "client_id=" << (*client)->client_id() << std::endl;
  rmq::examples::WaitForTerminationSignal();
  status = (*client)->Shutdown(/*timeout=*/absl::Seconds(3));
  if (!status.ok()) {
    std::cerr << status << std::endl;
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "registers a producer group and stays registered\n"
      "  producer --broker=127.0.0.1:10911 --group=billing");
  absl::ParseCommandLine(argc, argv);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return Run();
}
