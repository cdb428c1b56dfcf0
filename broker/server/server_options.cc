#include "broker/server/server_options.h"

#include <set>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {
namespace {

// A longer nap makes answers late and saves nothing more.
constexpr absl::Duration kLongestNap = absl::Milliseconds(100);

}  // namespace

absl::StatusOr<std::vector<ListenAddress>> ServerOptions::ListenAddresses()
    const {
  std::vector<ListenAddress> addresses;
  std::set<std::string> places;
  const TransportKind bare =
      tls.is_on() ? TransportKind::kTls : TransportKind::kPlaintext;
  const auto add = [&](absl::string_view field, const std::string& list,
                       bool is_for_operators) -> absl::Status {
    for (const absl::string_view text : absl::StrSplit(list, ',')) {
      absl::StatusOr<ListenAddress> parsed =
          ParseServerAddress(field, text, bare);
      if (!parsed.ok()) return parsed.status();
      if (parsed->kind == TransportKind::kTls && !tls.is_on()) {
        return absl::InvalidArgumentError(absl::StrCat(
            field, " must have no tls:// unless tls_cert is given, got ",
            text));
      }
      const bool is_chosen =
          parsed->port == 0 && parsed->kind != TransportKind::kLocal;
      if (!is_chosen && !places.insert(TextOf(*parsed)).second) {
        return absl::InvalidArgumentError(absl::StrCat(
            field, " must name each address once, got ", text, " twice"));
      }
      parsed->is_for_operators = is_for_operators;
      addresses.push_back(*std::move(parsed));
    }
    return absl::OkStatus();
  };
  absl::Status status = add("address", address, /*is_for_operators=*/false);
  if (status.ok() && !admin_address.empty()) {
    status = add("admin_address", admin_address, /*is_for_operators=*/true);
  }
  if (!status.ok()) return status;
  if (addresses.size() > kMostAddresses) {
    return absl::InvalidArgumentError(
        absl::StrCat("address must be at most ", kMostAddresses,
                     " addresses, got ", addresses.size()));
  }
  return addresses;
}

bool ServerOptions::TellsServices() const {
  if (reflection != "auto") return reflection == "on";
  const auto addresses = ListenAddresses();
  return absl::c_all_of(*addresses, IsLoopback);
}

std::string ServerOptions::SecurityText() const {
  std::vector<std::string> texts;
  const auto addresses = ListenAddresses();
  for (const ListenAddress& each : *addresses) {
    switch (each.kind) {
      case TransportKind::kPlaintext: texts.emplace_back("no TLS"); break;
      case TransportKind::kTls:
        texts.push_back(absl::StrCat("TLS, client certificates ",
                                     Name(tls.client_certificates)));
        break;
      case TransportKind::kLocal:
        texts.emplace_back("Unix socket of this user");
        break;
    }
  }
  return absl::StrJoin(texts, "; ");
}

absl::Status ServerOptions::Validate() const {
  const absl::Status tls_status = tls.Validate();
  if (!tls_status.ok()) return tls_status;
  const absl::Status listen = ListenAddresses().status();
  if (!listen.ok()) return listen;
  if (reflection != "auto" && reflection != "on" && reflection != "off") {
    return absl::InvalidArgumentError(
        absl::StrCat("reflection must be auto, on or off, got \"",
                     absl::CHexEscape(reflection), "\""));
  }
  if (max_frame_bytes < 1024 || max_frame_bytes > kLargestFrame) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_frame_bytes must be 1 KiB to 64 MiB, got ", max_frame_bytes));
  }
  if (max_frame_rate < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_frame_rate must not be negative, got ", max_frame_rate));
  }
  if (slow_reader_limit <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("slow_reader_limit must be positive, got ",
                     absl::FormatDuration(slow_reader_limit)));
  }
  const absl::Status rates_status = rates.Validate();
  if (!rates_status.ok()) return rates_status;
  const absl::Status connections_status = connections.Validate();
  if (!connections_status.ok()) return connections_status;
  constexpr int kMostStreams = 1'000'000;
  if (max_streams_per_connection < 1 ||
      max_streams_per_connection > kMostStreams) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_streams_per_connection must be 1 to ", kMostStreams,
                     ", got ", max_streams_per_connection));
  }
  for (const auto& [name, duration] :
       {std::make_pair("keepalive_time", keepalive_time),
        std::make_pair("keepalive_timeout", keepalive_timeout)}) {
    if (duration < absl::Milliseconds(1) || duration > absl::Hours(24)) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " must be 1ms to 24h, got ", absl::FormatDuration(duration)));
    }
  }
  if (threads < 1 || threads > 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads must be 1 to 64, got ", threads));
  }
  if (nap < absl::ZeroDuration() || nap > kLongestNap) {
    return absl::InvalidArgumentError(absl::StrCat(
        "nap must be 0 to 100ms, got ", absl::FormatDuration(nap)));
  }
  return absl::OkStatus();
}

}  // namespace rmq
