#include "broker/broker_controller.h"

#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/clientmanager/heartbeat.h"
#include "broker/registrar/advertised_addresses.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/transport_kind.h"
#include "common/security/server_tls_options.h"

namespace rmq {
namespace {

// Longer ones say little, and a message on the wire has to hold it.
constexpr absl::Duration kMaxChannelExpiry = absl::Hours(24 * 365);

}  // namespace

absl::Status BrokerController::Options::Validate() const {
  std::vector<std::string> errors;
  const auto note = [&errors](const absl::Status& status) {
    if (status.ok() || absl::c_linear_search(errors, status.message())) return;
    errors.emplace_back(status.message());
  };
  note(limits.Validate());
  // A limit that makes no sense is told before what it makes of names.
  if (errors.empty()) {
    note(ValidateGroup("cluster", identity.cluster, limits));
    note(ValidateGroup("broker_name", identity.broker_name, limits));
  }
  note(table.Validate());
  note(policy.Validate());
  note(notifier.Validate());
  note(housekeeping.Validate());
  note(kicker.Validate());
  note(watch.Validate());
  note(server.Validate());
  note(auth.Validate());
  note(rocketmq5.Validate());
  note(registrar.Validate(allow_insecure_remote));
  if (table.channel_expiry > kMaxChannelExpiry) {
    note(absl::InvalidArgumentError(
        absl::StrCat("channel_expiry must be at most ",
                     absl::FormatDuration(kMaxChannelExpiry), ", got ",
                     absl::FormatDuration(table.channel_expiry))));
  }
  if (settle.has_value() &&
      (*settle < absl::ZeroDuration() || *settle > kMaxChannelExpiry)) {
    note(absl::InvalidArgumentError(absl::StrCat(
        "settle must be 0 to ", absl::FormatDuration(kMaxChannelExpiry),
        ", got ", absl::FormatDuration(*settle))));
  }
  if (drain_timeout < absl::ZeroDuration()) {
    note(absl::InvalidArgumentError(
        absl::StrCat("drain_timeout must not be negative, got ",
                     absl::FormatDuration(drain_timeout))));
  }
  const auto note_reachable = [this, &note](absl::string_view name,
                                            const ListenAddress& address,
                                            absl::string_view lacks) {
    if (allow_insecure_remote || IsLoopback(address) || lacks.empty()) return;
    note(absl::InvalidArgumentError(absl::StrCat(
        name, " must be a loopback address (", lacks,
        ") unless allow_insecure_remote is set, got ", TextOf(address))));
  };
  const bool knows_callers =
      server.tls.client_certificates == ClientCertificates::kRequired ||
      auth.mode == AuthMode::kOn;
  const auto addresses = server.ListenAddresses();
  note(addresses.status());
  if (addresses.ok()) {
    for (const ListenAddress& address : *addresses) {
      note_reachable(
          address.is_for_operators ? "admin_address" : "address", address,
          address.kind != TransportKind::kTls ? "it has no TLS: see tls_cert"
          : knows_callers                     ? ""
                          : "nobody must show who he is: see "
                            "tls_client_cert=required and auth=on");
    }
  }
  if (registrar.is_on() && addresses.ok()) {
    note(AdvertisedAddresses(*addresses, rocketmq5.AdvertisedAddresses())
             .status());
  }
  if (!metrics_address.empty()) {
    const absl::StatusOr<ListenAddress> parsed =
        ParseListenAddress("metrics_address", metrics_address);
    note(parsed.status());
    if (parsed.ok()) {
      note_reachable("metrics_address", *parsed, "metrics have no TLS");
    }
  }
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

absl::Duration BrokerController::Options::effective_settle() const {
  return settle.value_or(table.channel_expiry / kIntervalsPerExpiry);
}

}  // namespace rmq
