#include "broker/registry/channel_summary.h"

#include "broker/registry/client_channel.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/registered_group.h"

namespace rmq {

ChannelSummary SummaryOf(const ChannelRecord& channel) {
  ChannelSummary summary;
  summary.id = channel.id;
  summary.kind = channel.kind;
  summary.client_id = std::string(channel.client->client_id());
  summary.remote_address = std::string(channel.port->remote_address());
  summary.labels = channel.labels();
  summary.opened_at = absl::FromUnixNanos(channel.opened_at_ns);
  ChannelGroups& groups = summary.groups;
  if (channel.memberships.empty()) return summary;
  groups.language = channel.memberships.front().language;
  groups.version = channel.memberships.front().version;
  for (const Membership& membership : channel.memberships) {
    groups.Add(membership.group->name,
               membership.group->kind == GroupKind::kConsumer
                   ? &groups.consumers
                   : &groups.producers);
  }
  return summary;
}

}  // namespace rmq
