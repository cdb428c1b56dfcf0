// Which channels an operator asks for.
#ifndef BROKER_REGISTRY_CHANNEL_FILTER_H_
#define BROKER_REGISTRY_CHANNEL_FILTER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/channel_summary.h"
#include "broker/registry/labels.h"
#include "common/client_types.h"

namespace rmq {

// A channel must meet all that is set. A value.
struct ChannelFilter {
  // Whether nothing is set: all channels meet it.
  bool is_empty() const;
  // Whether a look at a channel looks at its memberships.
  bool reads_memberships() const {
    return !group.empty() || language != LanguageCode::kUnspecified ||
           version.has_value();
  }

  // `channel` is bound to a client.
  bool Matches(const ChannelRecord& channel) const;
  // The same for a channel that was closed. Of its groups only those are known
  // that the summary names.
  bool Matches(const ChannelSummary& closed) const;

  // Empty: any.
  std::string client_id;
  // Of either kind; empty: any.
  std::string group;
  // Labels that the channel has, each with this value. In any order, no key
  // twice.
  Labels labels;
  // Of the channel's latest full heartbeat. A channel that is in no group has
  // neither.
  LanguageCode language = LanguageCode::kUnspecified;
  absl::optional<int32_t> version;
  // The host of its address, without brackets; empty: any.
  std::string host;
  // The port of its address; empty: any.
  std::string port;
};

// The parts of an address: "host", "host:port", an IPv6 host with or without
// brackets, "[host]:port". A port that is not there is empty. Views into
// `address`.
struct HostAndPort {
  absl::string_view host;
  absl::string_view port;
};
HostAndPort SplitAddress(absl::string_view address);

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_FILTER_H_
