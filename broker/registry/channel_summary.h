// What operators read of a channel in a list of clients.
#ifndef BROKER_REGISTRY_CHANNEL_SUMMARY_H_
#define BROKER_REGISTRY_CHANNEL_SUMMARY_H_

#include <string>

#include "absl/time/time.h"
#include "broker/registry/channel_groups.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/labels.h"

namespace rmq {

// A value.
struct ChannelSummary {
  ChannelId id = 0;
  ChannelKind kind = ChannelKind::kStream;
  // Of the first full heartbeat.
  std::string client_id;
  // TableState::PrincipalOf() the channel, set by who asks for the summary.
  std::string principal;
  std::string remote_address;
  // Of the latest full heartbeat; null if there are none.
  LabelsPtr labels;
  ChannelGroups groups;
  absl::Time opened_at;
};

// The summary of a channel that is bound to a client. Looks at all memberships;
// copies at most ChannelGroups::kMost names of each kind.
ChannelSummary SummaryOf(const ChannelRecord& channel);

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_SUMMARY_H_
