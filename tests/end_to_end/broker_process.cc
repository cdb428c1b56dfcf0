#include "tests/end_to_end/broker_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/admin/admin_client.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

namespace {

// The value of ` key=value` in a log line; empty if it is not there.
absl::string_view LogValue(absl::string_view line, absl::string_view key) {
  const std::string begin = absl::StrCat(" ", key, "=");
  const size_t found = line.find(begin);
  if (found == absl::string_view::npos) return "";
  line.remove_prefix(found + begin.size());
  return line.substr(0, line.find(' '));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrokerProcess>> BrokerProcess::Start(
    absl::string_view address, std::vector<std::string> flags,
    std::vector<std::string> environment) {
  ChildProcess::Options options;
  options.environment = std::move(environment);
  options.command = {
      RunfilePath("broker/broker"),
      absl::StrCat("--address=", address),
      "--metrics_address=127.0.0.1:0",
      absl::StrCat("--channel_expiry=", absl::FormatDuration(kChannelExpiry)),
      absl::StrCat("--housekeeping_period=",
                   absl::FormatDuration(kHousekeepingPeriod)),
  };
  options.command.insert(options.command.end(), flags.begin(), flags.end());
  absl::StatusOr<std::unique_ptr<ChildProcess>> process =
      ChildProcess::Start(std::move(options));
  if (!process.ok()) return process.status();

  const absl::Time deadline = absl::Now() + kPatience;
  while (absl::Now() < deadline) {
    const std::string log = (*process)->err();
    const size_t found = log.find("] listening address=");
    const size_t end = log.find('\n', found);
    if (found != std::string::npos && end != std::string::npos) {
      return std::unique_ptr<BrokerProcess>(new BrokerProcess(
          *std::move(process),
          std::string(LogValue(log.substr(found, end - found), "address"))));
    }
    if ((*process)->WaitForExit(kAskAgainAfter).has_value()) break;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the broker does not listen: ", (*process)->err()));
}

std::vector<std::string> BrokerProcess::ConsumerIds(
    absl::string_view group) const {
  pb::GetConsumerListByGroupRequest request;
  request.set_group(std::string(group));
  const auto ids = AdminClient(address_, kPatience)
                       .Ask<pb::GetConsumerListByGroupResponse>(request);
  if (absl::IsNotFound(ids.status())) return {};
  if (!ids.ok()) return {"(no answer)"};
  return {ids->client_ids().begin(), ids->client_ids().end()};
}

absl::StatusOr<pb::GetConsumerConnectionListResponse>
BrokerProcess::ConsumerConnections(absl::string_view group) const {
  pb::GetConsumerConnectionListRequest request;
  request.set_group(std::string(group));
  return AdminClient(address_, kPatience)
      .Ask<pb::GetConsumerConnectionListResponse>(request);
}

std::vector<std::string> BrokerProcess::ReasonsOfLeaving(
    absl::string_view client_id) const {
  std::vector<std::string> reasons;
  const std::string log = process_->err();
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    // Other lines have a reason too.
    const bool tells_of_leaving = absl::StrContains(line, "] left kind=") ||
                                  absl::StrContains(line, "] replaced kind=");
    if (tells_of_leaving && LogValue(line, "client_id") == client_id) {
      reasons.emplace_back(LogValue(line, "reason"));
    }
  }
  return reasons;
}

std::string UnusedAddress() {
  std::random_device random;
  while (true) {
    const int port = 20'000 + static_cast<int>(random() % 10'000);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_unused = bind(listener, reinterpret_cast<sockaddr*>(&address),
                                sizeof(address)) == 0;
    close(listener);
    if (is_unused) return absl::StrCat("127.0.0.1:", port);
  }
}

}  // namespace rmq
