#include "broker/config/flag_updates.h"

#include "absl/container/flat_hash_map.h"
#include "broker/config/broker_options.h"

namespace rmq {
namespace {

absl::flat_hash_map<absl::string_view, int>& Updates() {
  static auto& updates = *new absl::flat_hash_map<absl::string_view, int>;
  return updates;
}

}  // namespace

void NoteFlagUpdate(absl::string_view name) { ++Updates()[name]; }

int FlagUpdates(absl::string_view name) {
  const auto found = Updates().find(name);
  return found == Updates().end() ? 0 : found->second;
}

const BrokerController::Options& FlagDefaults() {
  static const auto& options =
      *new BrokerController::Options(DefaultBrokerOptions());
  return options;
}

}  // namespace rmq
