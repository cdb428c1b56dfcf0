// The options of the table of clients.
#ifndef BROKER_REGISTRY_TABLE_OPTIONS_H_
#define BROKER_REGISTRY_TABLE_OPTIONS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/duplicate_clients.h"
#include "broker/registry/statement_tokens.h"

namespace rmq {

// See ClientTable::Options, which this is.
struct TableOptions {
  // A channel silent for strictly longer than this is expired, if its client
  // asks for nothing else. Must be positive.
  // Reference: BrokerConfig#channelExpiredTimeout.
  absl::Duration channel_expiry = absl::Seconds(120);
  // What a client that asks for an expiry of its own gets at least and at most.
  // `channel_expiry` may lie outside. The first must be at least a second, and
  // at most the second; the second at most a year.
  absl::Duration min_channel_expiry = absl::Seconds(10);
  absl::Duration max_channel_expiry = absl::Minutes(30);
  // Open channels, stand-ins included. Must be at least 1.
  size_t max_channels = 200'000;
  // How many of them may be those of one principal, or of one address while it
  // is anonymous: see Payer. None: half of `max_channels`. 0: no limit.
  absl::optional<size_t> max_channels_per_address = 0;
  // How many channels that were closed last are kept to be looked at; 0 to
  // 1,000,000.
  size_t recently_closed = 10'000;
  // How often a second a channel may state another subscription or mode of a
  // consumer group that it is in, and three times as often at once; 0: no
  // limit. All changes of one heartbeat count as one. Joining and leaving
  // groups does not count.
  int32_t max_statement_changes = 0;
  // The same, of all channels of one principal or address together.
  int32_t max_statement_changes_per_address = 0;
  // What is done when several processes use one client id.
  DuplicateClientIdPolicy duplicate_client_id_policy =
      DuplicateClientIdPolicy::kReport;
  // Drawn by the broker at its start, so that nobody can guess another client's
  // tokens, and tokens of an earlier process are not valid by chance.
  StatementTokens::Key statement_token_key = {};

  // The expiry of a channel whose client asks for `requested`; zero: for none.
  absl::Duration ExpiryFor(absl::Duration requested) const;

  // `max_channels_per_address` as it applies.
  size_t channels_per_address() const {
    return max_channels_per_address.value_or((max_channels + 1) / 2);
  }

  // InvalidArgument naming the field that makes no sense.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_TABLE_OPTIONS_H_
