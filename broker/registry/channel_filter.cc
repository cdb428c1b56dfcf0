#include "broker/registry/channel_filter.h"

#include <algorithm>
#include <cstddef>

#include "absl/algorithm/container.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/registered_group.h"

namespace rmq {
namespace {

bool HaveAll(const LabelsPtr& labels, const Labels& wanted) {
  if (wanted.empty()) return true;
  if (labels == nullptr) return false;
  return absl::c_all_of(wanted, [&](const Label& label) {
    return absl::c_any_of(*labels, [&](const Label& its) {
      return its.key == label.key && its.value == label.value;
    });
  });
}

bool IsAt(absl::string_view address, const ChannelFilter& filter) {
  if (filter.host.empty() && filter.port.empty()) return true;
  const HostAndPort parts = SplitAddress(address);
  return (filter.host.empty() || parts.host == filter.host) &&
         (filter.port.empty() || parts.port == filter.port);
}

}  // namespace

bool ChannelFilter::is_empty() const {
  return client_id.empty() && labels.empty() && host.empty() && port.empty() &&
         !reads_memberships();
}

bool ChannelFilter::Matches(const ChannelRecord& channel) const {
  if (!client_id.empty() && channel.client->client_id() != client_id) {
    return false;
  }
  if (!HaveAll(channel.labels(), labels) ||
      !IsAt(channel.port->remote_address(), *this)) {
    return false;
  }
  if (!reads_memberships()) return true;
  bool in_group = group.empty();
  bool in_language = language == LanguageCode::kUnspecified;
  bool in_version = !version.has_value();
  for (const Membership& membership : channel.memberships) {
    in_group = in_group || membership.group->name == group;
    in_language = in_language || membership.language == language;
    in_version = in_version || membership.version == version;
  }
  return in_group && in_language && in_version;
}

bool ChannelFilter::Matches(const ChannelSummary& closed) const {
  const ChannelGroups& groups = closed.groups;
  return (client_id.empty() || closed.client_id == client_id) &&
         HaveAll(closed.labels, labels) && IsAt(closed.remote_address, *this) &&
         (group.empty() || absl::c_linear_search(groups.consumers, group) ||
          absl::c_linear_search(groups.producers, group)) &&
         (language == LanguageCode::kUnspecified ||
          groups.language == language) &&
         (!version.has_value() || groups.version == *version);
}

HostAndPort SplitAddress(absl::string_view address) {
  if (!address.empty() && address.front() == '[') {
    const size_t bracket = address.find(']');
    if (bracket == absl::string_view::npos) return {address, ""};
    absl::string_view port = address.substr(bracket + 1);
    if (!port.empty() && port.front() == ':') port.remove_prefix(1);
    return {address.substr(1, bracket - 1), port};
  }
  const size_t colon = address.find(':');
  if (colon == absl::string_view::npos ||
      address.find(':', colon + 1) != absl::string_view::npos) {
    return {address, ""};
  }
  return {address.substr(0, colon), address.substr(colon + 1)};
}

}  // namespace rmq
