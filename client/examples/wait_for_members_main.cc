// Joins a consumer group, and waits until it has a given number of members:
//
//   bazel run //client/examples:wait_for_members -- --group=orders --members=2
//
// Start it twice: both processes then say that the group is complete, and work
// until SIGINT or SIGTERM. If the group is not complete after --timeout, the
// process leaves the group and ends with 1.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/examples/wait_for_signal.h"
#include "glog/logging.h"

ABSL_FLAG(std::string, broker, "127.0.0.1:10911",
          "host:port of the broker at which the group comes together");
ABSL_FLAG(std::string, group, "", "the consumer group to join; required");
ABSL_FLAG(uint32_t, members, 2, "how many members to wait for");
ABSL_FLAG(absl::Duration, timeout, absl::Minutes(1), "how long to wait");

namespace {

int Run() {
  rmq::examples::BlockTerminationSignals();
  rmq::ClientOptions options;
  options.brokers = {absl::GetFlag(FLAGS_broker)};
  absl::StatusOr<std::unique_ptr<rmq::Client>> created =
      rmq::Client::Create(std::move(options));
  if (!created.ok()) {
    std::cerr << created.status().message() << std::endl;
    return 1;
  }
  const std::unique_ptr<rmq::Client> client = *std::move(created);

  rmq::ConsumerOptions consumer;
  consumer.group = absl::GetFlag(FLAGS_group);
  absl::Status status = client->RegisterConsumer(std::move(consumer));
  if (status.ok()) status = client->Start();
  if (!status.ok()) {
    std::cerr << status.message() << std::endl;
    return 1;
  }
  const absl::Status waited = client
                                  ->WaitForMembers(absl::GetFlag(FLAGS_broker),
                                                   absl::GetFlag(FLAGS_group),
                                                   absl::GetFlag(FLAGS_members),
                                                   absl::GetFlag(FLAGS_timeout))
                                  .status();
  const bool complete = waited.ok();
  std::cout << (complete ? std::string("the group is complete")
                         : std::string(waited.message()))
            << std::endl;
  if (complete) rmq::examples::WaitForTerminationSignal();
  status = client->Shutdown(absl::Seconds(3));
  if (!status.ok()) std::cerr << status << std::endl;
  return complete && status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "joins a consumer group and waits until it has so many members\n"
      "  wait_for_members --group=orders --members=2");
  absl::ParseCommandLine(argc, argv);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return Run();
}
