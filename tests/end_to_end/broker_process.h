// The real broker, as a process of its own.
#ifndef TESTS_END_TO_END_BROKER_PROCESS_H_
#define TESTS_END_TO_END_BROKER_PROCESS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tests/end_to_end/child_process.h"

namespace rmq {

class BrokerProcess {
 public:
  // What these tests run it with.
  static constexpr absl::Duration kChannelExpiry = absl::Seconds(5);
  static constexpr absl::Duration kHousekeepingPeriod = absl::Seconds(1);

  // Returns when it listens on `address`; by default on a port that the system
  // chooses. `flags` come after those of this class, and win. `environment` as
  // in ChildProcess::Options.
  // FailedPrecondition with the broker's words if it ends before.
  static absl::StatusOr<std::unique_ptr<BrokerProcess>> Start(
      absl::string_view address = "127.0.0.1:0",
      std::vector<std::string> flags = {},
      std::vector<std::string> environment = {});

  // Where it listens, host:port.
  const std::string& address() const { return address_; }
  ChildProcess& process() { return *process_; }

  // The client ids of a consumer group, all pages; none if there is no such
  // group. A broker that does not answer has the one client id "(no answer)".
  std::vector<std::string> ConsumerIds(absl::string_view group) const;
  // The connections of a consumer group, all pages. Errors: AdminClient::Ask().
  absl::StatusOr<rocketmq::clientmanager::v1::GetConsumerConnectionListResponse>
  ConsumerConnections(absl::string_view group) const;

  // The reasons that the broker logged for each time that a client left a
  // group, in their order.
  std::vector<std::string> ReasonsOfLeaving(absl::string_view client_id) const;

 private:
  BrokerProcess(std::unique_ptr<ChildProcess> process, std::string address)
      : process_(std::move(process)), address_(std::move(address)) {}

  const std::unique_ptr<ChildProcess> process_;
  const std::string address_;
};

// A loopback address that nobody listens on, for a broker that is to come back
// to it. Not of the ports that the system gives to outgoing connections: a
// client that tries to connect to such a port can meet itself there.
std::string UnusedAddress();

}  // namespace rmq

#endif  // TESTS_END_TO_END_BROKER_PROCESS_H_
