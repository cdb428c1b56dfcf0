// Joins a consumer group at one or more brokers, and prints the group's members
// whenever they change:
//
//   bazel run //client/examples:consumer -- --broker=127.0.0.1:10911
//   --group=orders
//
// Start a second consumer, kill it, and watch the members. Or kill the broker:
// the library logs when the broker is out of reach, and when the client is
// online again. SIGINT or SIGTERM: leaves the group and ends.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/examples/security_flags.h"
#include "client/examples/wait_for_signal.h"
#include "common/real_clock.h"
#include "glog/logging.h"

ABSL_FLAG(std::vector<std::string>, broker, {"127.0.0.1:10911"},
          "the brokers to register with, each host:port, separated by commas");
ABSL_FLAG(std::string, resolver, "",
          "lists the brokers instead of --broker: static:///HOST:PORT,..., "
          "file:///PATH, dns:///NAME:PORT or etcd:///CLUSTER");
ABSL_FLAG(std::string, group, "", "the consumer group to join; required");
ABSL_FLAG(std::string, topic, "", "a topic to subscribe to; none by default");
ABSL_FLAG(std::string, client_id, "",
          "the client id; ip@instance, unique to this process, by default");
ABSL_FLAG(absl::Duration, heartbeat_interval, absl::Seconds(30),
          "the longest time between heartbeats (heartbeatBrokerInterval)");

namespace {

// Prints a group's members at a broker, unless it is called only because the
// client has connected again.
void Print(const rmq::MembershipChange& change, bool is_first) {
  if (!is_first && change.joined.empty() && change.left.empty()) return;
  for (const rmq::DepartedMember& member : change.left) {
    std::cout << "  " << member.client_id << " left"
              << (member.reason.has_value()
                      ? absl::StrCat(": ", Name(*member.reason))
                      : "")
              << std::endl;
  }
  rmq::Clock& clock = rmq::RealClock();
  std::cout << absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                                clock.ClockToWall(clock.TimeNow()),
                                absl::UTCTimeZone())
            << " broker=" << change.broker.address << " group=" << change.group
            << " members=" << change.members.size() << " ["
            << absl::StrJoin(change.members, ", ") << "]" << std::endl;
}

int Run() {
  rmq::examples::BlockTerminationSignals();
  absl::flat_hash_set<std::string> seen;  // Brokers, in the callback only.

  rmq::ClientOptions options;
  options.resolver = absl::GetFlag(FLAGS_resolver);
  if (absl::GetFlag(FLAGS_resolver).empty()) {
    options.brokers = absl::GetFlag(FLAGS_broker);
  }
  options.tls = rmq::examples::TlsOfFlags();
  options.credentials = rmq::examples::CredentialsOfFlags();
  options.client_id = absl::GetFlag(FLAGS_client_id);
  options.heartbeat_interval = absl::GetFlag(FLAGS_heartbeat_interval);
  options.on_membership_changed = [&](const rmq::MembershipChange& change) {
    Print(change, /*is_first=*/seen.insert(change.broker.address).second);
  };
  options.on_warning = [](const rmq::BrokerWarning& warning) {
    std::cerr << "warning of " << warning.broker.address << ": "
              << warning.message << std::endl;
  };
  absl::StatusOr<std::unique_ptr<rmq::Client>> created =
      rmq::Client::Create(std::move(options));
  if (!created.ok()) {
    std::cerr << created.status().message() << std::endl;
    return 1;
  }
  const std::unique_ptr<rmq::Client> client = *std::move(created);

  rmq::ConsumerOptions consumer;
  consumer.group = absl::GetFlag(FLAGS_group);
  if (!absl::GetFlag(FLAGS_topic).empty()) {
    consumer.subscriptions = {{absl::GetFlag(FLAGS_topic)}};
  }
  absl::Status status = client->RegisterConsumer(std::move(consumer));
  if (status.ok()) status = client->Start();
  if (!status.ok()) {
    std::cerr << status.message() << std::endl;
    return 1;
  }
  std::cerr << "client_id=" << client->client_id() << std::endl;
  rmq::examples::WaitForTerminationSignal();
  status = client->Shutdown(absl::Seconds(3));
  if (!status.ok()) {
    std::cerr << status << std::endl;
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "joins a consumer group and prints its members as they change\n"
      "  consumer --broker=127.0.0.1:10911 --group=orders\n"
      "and over TLS, with --tls_ca, --tls_cert, --tls_key, --tls_server_name "
      "and --credentials_file");
  absl::ParseCommandLine(argc, argv);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return Run();
}
