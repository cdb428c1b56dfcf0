// Prints who joins and who leaves the groups of brokers, until it gets SIGINT
// or SIGTERM.
//
//   bazel run //client/examples:watch -- --brokers=127.0.0.1:10911 orders
//   bazel run //client/examples:watch -- --resolver=etcd://127.0.0.1:2379/shop

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
#include "client/broker_entry.h"
#include "client/examples/security_flags.h"
#include "client/examples/wait_for_signal.h"
#include "client/watch/membership_watcher.h"
#include "client/watch/watched_event.h"
#include "glog/logging.h"

ABSL_FLAG(std::vector<std::string>, brokers, {"127.0.0.1:10911"},
          "the brokers to watch, host:port,host:port,...");
ABSL_FLAG(std::string, resolver, "",
          "what lists the brokers instead, as they come and go: "
          "etcd://HOST:PORT/CLUSTER, dns:///NAME:PORT or file:///PATH");

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  absl::SetProgramUsageMessage(
      "watches the groups of brokers: watch [GROUP...]");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);

  rmq::MembershipWatcherOptions options;
  options.resolver = absl::GetFlag(FLAGS_resolver);
  if (absl::GetFlag(FLAGS_resolver).empty()) {
    options.brokers = absl::GetFlag(FLAGS_brokers);
  }
  options.tls = rmq::examples::TlsOfFlags();
  options.credentials = rmq::examples::CredentialsOfFlags();
  options.groups.assign(arguments.begin() + 1, arguments.end());
  options.on_brokers = [](const std::vector<rmq::BrokerEntry>& brokers) {
    std::cout << "brokers:";
    for (const rmq::BrokerEntry& broker : brokers) {
      std::cout << " " << broker.address;
    }
    std::cout << std::endl;
  };
  options.on_event = [](const std::string& broker,
                        const rmq::WatchedEvent& event) {
    std::cout << "broker=" << broker << " " << Name(event.type)
              << " group=" << event.member.group
              << " client_id=" << event.member.client_id;
    if (event.reason.has_value())
      std::cout << " reason=" << Name(*event.reason);
    std::cout << std::endl;
  };
  options.on_synced = [](const std::string& broker,
                         const rmq::WatchPosition& position) {
    std::cout << "broker=" << broker << " synced revision=" << position.revision
              << std::endl;
  };
  options.on_gap = [](const std::string& broker, const rmq::WatchGap& gap) {
    std::cout << "broker=" << broker << " gap: " << gap.reason << std::endl;
  };
  options.on_state = [](const std::string& broker,
                        const rmq::WatchState& state) {
    std::cout << "broker=" << broker
              << (state.connected ? " connected" : " away: ")
              << state.status.message() << std::endl;
  };
  // Before the watcher's threads begin, so that they leave the signals alone.
  rmq::examples::BlockTerminationSignals();
  absl::StatusOr<std::unique_ptr<rmq::MembershipWatcher>> watcher =
      rmq::MembershipWatcher::Start(std::move(options));
  if (!watcher.ok()) {
    std::cerr << watcher.status() << std::endl;
    return 1;
  }
  rmq::examples::WaitForTerminationSignal();
  return (*watcher)->Shutdown(absl::Seconds(3)).ok() ? 0 : 1;
}
