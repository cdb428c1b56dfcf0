// A member of a consumer group that is to be killed or stopped: joins over a
// Connect stream, asks for a channel expiry, and heartbeats until then.
//
//   victim ADDRESS GROUP CLIENT_ID EXPIRY
//
// Prints a line for each answered heartbeat: the time, in nanoseconds since
// 1970, at which the heartbeat was sent.
#include <iostream>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tests/end_to_end/raw_client.h"

namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(200);

}  // namespace

int main(int argc, char** argv) {
  absl::Duration expiry;
  if (argc != 5 || !absl::ParseDuration(argv[4], &expiry)) {
    std::cerr << "usage: victim ADDRESS GROUP CLIENT_ID EXPIRY" << std::endl;
    return 2;
  }
  rmq::pb::HeartbeatRequest heartbeat =
      rmq::ConsumerHeartbeat(argv[3], argv[2]);
  rmq::SetExpiry(expiry, &heartbeat);
  rmq::RawStream stream(argv[1]);
  rmq::pb::BrokerFrame frame;
  while (true) {
    const absl::Time sent = absl::Now();
    if (!stream.Send(heartbeat)) return 1;
    do {
      if (!stream.Receive(&frame)) return 1;
    } while (!frame.has_reply());
    std::cout << absl::ToUnixNanos(sent) << std::endl;
    absl::SleepFor(kInterval);
  }
}
