// One worker of several that share 32 shards of some work:
//
//   bazel run //client/examples:work_sharing -- --group=orders
//
// Start it several times, kill one, and watch who owns the shards: each worker
// prints its shards whenever they change. Its work is to wait. SIGINT or
// SIGTERM: leaves the group and ends. WORK_SHARING.md says more.
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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/examples/wait_for_signal.h"
#include "client/examples/work_sharer.h"
#include "common/real_clock.h"
#include "glog/logging.h"

ABSL_FLAG(std::string, broker, "127.0.0.1:10911",
          "host:port of the broker by whose list the work is shared");
ABSL_FLAG(std::string, group, "",
          "the consumer group of the workers; required");
ABSL_FLAG(int, shards, 32, "how many there are, the same for all workers");
ABSL_FLAG(absl::Duration, hand_over, absl::Seconds(3),
          "how long a shard that has become ours is left to whoever had it");
ABSL_FLAG(absl::Duration, heartbeat_interval, absl::Seconds(30),
          "the longest time between heartbeats (heartbeatBrokerInterval)");

namespace {

constexpr absl::Duration kRoundOfWork = absl::Milliseconds(10);

int Run() {
  rmq::examples::BlockTerminationSignals();
  rmq::Clock& clock = rmq::RealClock();
  rmq::examples::WorkSharer::Options sharing;
  sharing.broker = absl::GetFlag(FLAGS_broker);
  sharing.group = absl::GetFlag(FLAGS_group);
  sharing.shards = absl::GetFlag(FLAGS_shards);
  sharing.hand_over = absl::GetFlag(FLAGS_hand_over);
  rmq::examples::WorkSharer sharer(sharing, [&] { return clock.TimeNow(); });

  rmq::ClientOptions options;
  options.brokers = {sharing.broker};
  options.heartbeat_interval = absl::GetFlag(FLAGS_heartbeat_interval);
  options.on_consumer_ids_changed = [&](const rmq::ConsumerIdsChanged& change) {
    sharer.OnConsumerIdsChanged(change);
  };
  absl::StatusOr<std::unique_ptr<rmq::Client>> created =
      rmq::Client::Create(std::move(options));
  if (!created.ok()) {
    std::cerr << created.status().message() << std::endl;
    return 1;
  }
  rmq::Client& client = **created;
  rmq::ConsumerOptions consumer;
  consumer.group = sharing.group;
  absl::Status status = client.RegisterConsumer(std::move(consumer));
  if (status.ok()) status = client.Start();
  if (!status.ok()) {
    std::cerr << status.message() << std::endl;
    return 1;
  }

  std::string told;
  while (!rmq::examples::WaitForTerminationSignal(kRoundOfWork)) {
    std::vector<int> works_on;
    for (int shard = 0; shard < sharing.shards; ++shard) {
      if (sharer.MayWork(client, shard)) works_on.push_back(shard);
    }
    const std::string now = absl::StrCat(
        "shards=", works_on.size(), " [", absl::StrJoin(works_on, ","), "]",
        works_on.empty() ? absl::StrCat(": ", sharer.why_nothing()) : "");
    if (now == told) continue;
    told = now;
    std::cout << absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                                  clock.ClockToWall(clock.TimeNow()),
                                  absl::UTCTimeZone())
              << " client_id=" << client.client_id() << " " << now << std::endl;
  }
  status = client.Shutdown(/*timeout=*/absl::Seconds(3));
  if (!status.ok()) std::cerr << status << std::endl;
  return status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "works on some of 32 shards that the members of a consumer group share\n"
      "  work_sharing --broker=127.0.0.1:10911 --group=orders");
  absl::ParseCommandLine(argc, argv);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return Run();
}
