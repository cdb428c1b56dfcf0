#include "tools/loadgen/load_options.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/security/client_security.h"

namespace rmq::loadgen {
namespace {

absl::Status CheckRange(absl::string_view field, int value, int least,
                        int most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must be ", least, " to ", most, ", got ", value));
}

absl::Status CheckNotNegative(absl::string_view field, absl::Duration value) {
  if (value >= absl::ZeroDuration() && value <= absl::Hours(24 * 30)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      field, " must be 0 to 720h, got ", absl::FormatDuration(value)));
}

}  // namespace

absl::StatusOr<Pace> ParsePace(absl::string_view text) {
  Pace pace;
  if (text == "closed") {
    pace.kind = Pace::Kind::kClosedLoop;
    return pace;
  }
  if (text == "silent") {
    pace.kind = Pace::Kind::kSilent;
    return pace;
  }
  if (text == "once") {
    pace.kind = Pace::Kind::kOnce;
    return pace;
  }
  absl::string_view number = text;
  if (absl::ConsumeSuffix(&number, "/s") &&
      absl::SimpleAtod(number, &pace.rate) && pace.rate >= 0.01 &&
      pace.rate <= 1e7) {
    pace.kind = Pace::Kind::kRate;
    return pace;
  }
  if (absl::ParseDuration(text, &pace.interval) &&
      pace.interval >= absl::Milliseconds(1) &&
      pace.interval <= absl::Hours(24)) {
    pace.kind = Pace::Kind::kInterval;
    return pace;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "pace must be closed, silent, once, an interval of each stream like 30s "
      "(1ms to 24h), or a rate of all together like 4000/s, got \"",
      text, "\""));
}

absl::Status LoadOptions::Validate() const {
  const absl::Status checks[] = {
      broker.empty() ? absl::InvalidArgumentError("broker must be host:port")
                     : absl::OkStatus(),
      ValidateClientSecurity(tls, credentials, allow_insecure_credentials,
                             {broker}),
      CheckRange("connections", connections, 1, 60'000),
      CheckRange("streams", streams, 1, 10'000'000),
      CheckRange("groups", groups, 1, 10'000'000),
      CheckRange("producer_groups", producer_groups, 0, 256),
      CheckRange("consumer_groups", consumer_groups, 0, 256),
      CheckRange("subscriptions", subscriptions, 0, 1024),
      CheckRange("opening", opening, 1, 10'000'000),
      CheckRange("threads", threads, 1, 64),
      CheckNotNegative("warmup", warmup),
      CheckNotNegative("duration", duration),
      CheckNotNegative("live", live),
      CheckNotNegative("opening_timeout", opening_timeout),
      CheckNotNegative("answer_timeout", answer_timeout),
  };
  for (const absl::Status& check : checks) {
    if (!check.ok()) return check;
  }
  if (producer_groups + consumer_groups == 0) {
    return absl::InvalidArgumentError(
        "producer_groups and consumer_groups must not both be 0: a heartbeat "
        "states at least one group");
  }
  if (producer_groups > groups || consumer_groups > groups) {
    return absl::InvalidArgumentError(absl::StrCat(
        "groups must be at least producer_groups and consumer_groups, got ",
        groups));
  }
  if (connections > streams) {
    return absl::InvalidArgumentError(
        absl::StrCat("connections must be at most streams (", streams,
                     "), got ", connections));
  }
  if (!(jitter >= 0 && jitter < 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "jitter must be at least 0 and less than 1, got ", jitter));
  }
  if (!(churn >= 0 && churn <= 1e6)) {
    return absl::InvalidArgumentError(
        absl::StrCat("churn must be 0 to 1000000 a second, got ", churn));
  }
  if (!(open_rate >= 0 && open_rate <= 1e6)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "open_rate must be 0 to 1000000 a second, got ", open_rate));
  }
  if (client_prefix.empty() || client_prefix.size() > 200) {
    return absl::InvalidArgumentError(absl::StrCat(
        "client_prefix must be 1 to 200 bytes, got ", client_prefix.size()));
  }
  if (server_pid < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("server_pid must not be negative, got ", server_pid));
  }
  return absl::OkStatus();
}

}  // namespace rmq::loadgen
