#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/server/listen_address.h"

namespace rmq {

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
  if (advertised_address.empty()) return absl::OkStatus();
  return ParseListenAddress("advertised_address", advertised_address).status();
}

}  // namespace rmq
