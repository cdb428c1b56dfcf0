#include "tests/conformance/java_switches.h"

#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rmq::conformance {

const char* Name(Switch which) {
  static constexpr const char* kNames[] = {
      "expiry notifies survivors",
      "expiry unregisters an emptied group",
      "topic index is live",
      "close honours notification off",
      "stranger's unregister is silent",
      "producer look-up is kept",
      "each group has its clock",
      "each group has its clock in V2",
      "light heartbeat",
      "only silence closes a channel",
      "one channel expiry",
      "producers are told too",
      "producer switch is honoured",
      "every close is complete",
      "closed channel registers nothing",
      "pushes coalesce",
      "edge refuses bad form",
      "tag sets are derived",
      "no built-in groups",
      "reconnect replaces",
      "unary calls have a stand-in",
      "a pause expires nobody",
      "a group is what its members state",
      "an older stream never wins",
      "a restated program counts",
  };
  static_assert(std::size(kNames) == static_cast<size_t>(Switch::kCount), "");
  return kNames[static_cast<size_t>(which)];
}

absl::StatusOr<Switches> SwitchesOf(absl::string_view release) {
  Switches switches;
  if (release == "5.4.0" || release == "5.5.0") return switches;
  if (release == "5.5.1") {
    return switches.set(static_cast<size_t>(Switch::kEachGroupHasItsClock));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "rocketmq must be 5.4.0, 5.5.0 or 5.5.1, got \"", release, "\""));
}

}  // namespace rmq::conformance
