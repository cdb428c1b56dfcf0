// How RocketMQ 5's protocol is served.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_ROCKETMQ5_OPTIONS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_ROCKETMQ5_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/assignment/queue_assignment.h"

namespace rmq {

// What QueryAssignment answers.
enum class QueueAssignment {
  kEmpty,   // No queue: push consumers ask for no messages, and stop at once.
  kQueues,  // The client's share of the topic's queues, among its group.
};

// "empty", "queues".
absl::string_view Name(QueueAssignment assignment);
absl::optional<QueueAssignment> ParseQueueAssignment(absl::string_view name);

struct Rocketmq5Options {
  // Whether the protocol is served.
  bool enabled = true;
  // "host:port" that clients are told to come to, or several, with commas
  // between: this protocol's are told the first one. Empty: the one that they
  // have asked at.
  std::string advertised_address;
  // Queues of a topic that is not configured; 1 to 1,024.
  int32_t topic_queues = 8;
  // See SdkClients::Options; 1 s to 10 min.
  absl::Duration lost_expiry = absl::Seconds(35);
  QueueAssignment assignment = QueueAssignment::kEmpty;
  // How queues are shared.
  AssignmentStrategy assignment_strategy = AssignmentStrategy::kAveragely;

  // The parts of `advertised_address`.
  std::vector<std::string> AdvertisedAddresses() const;

  // InvalidArgument naming the option that makes no sense.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_ROCKETMQ5_OPTIONS_H_
