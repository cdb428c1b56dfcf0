#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/rpc/server/listen_address.h"

namespace rmq {

std::vector<std::string> Rocketmq5Options::AdvertisedAddresses() const {
  if (advertised_address.empty()) return {};
  return absl::StrSplit(advertised_address, ',');
}

absl::string_view Name(QueueAssignment assignment) {
  switch (assignment) {
    case QueueAssignment::kEmpty: return "empty";
    case QueueAssignment::kQueues: return "queues";
  }
  return "?";
}

absl::optional<QueueAssignment> ParseQueueAssignment(absl::string_view name) {
  for (const auto assignment :
       {QueueAssignment::kEmpty, QueueAssignment::kQueues}) {
    if (name == Name(assignment)) return assignment;
  }
  return absl::nullopt;
}

absl::Status Rocketmq5Options::Validate() const {
  constexpr int32_t kMostQueues = 1024;
  if (topic_queues < 1 || topic_queues > kMostQueues) {
    return absl::InvalidArgumentError(
        absl::StrCat("rocketmq5_topic_queues must be 1 to ", kMostQueues,
                     ", got ", topic_queues));
  }
  if (lost_expiry < absl::Seconds(1) || lost_expiry > absl::Minutes(10)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rocketmq5_lost_expiry must be 1s to 10m, got ",
                     absl::FormatDuration(lost_expiry)));
  }
  for (const std::string& address : AdvertisedAddresses()) {
    const absl::Status status =
        ParseListenAddress("advertised_address", address).status();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace rmq
