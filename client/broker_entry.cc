#include "client/broker_entry.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/host_and_port.h"
#include "common/validation.h"

namespace rmq {
namespace {

absl::Status Validate(const BrokerEntry& broker) {
  if (!IsHostAndPort(broker.address)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "brokers must be \"host:port\", got ", Quoted(broker.address)));
  }
  if (broker.name.empty()) {
    if (broker.id == 0) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("brokers must have a name where they have an id, got id ",
                     broker.id, " for ", Quoted(broker.address)));
  }
  // The form of a client id is the form of a broker name.
  return ValidateClientId("the name of a broker", broker.name, Limits());
}

}  // namespace

absl::Status ValidateBrokers(const std::vector<BrokerEntry>& brokers) {
  absl::Status status = ValidateCount("brokers", brokers.size(), kMaxBrokers);
  if (!status.ok()) return status;
  absl::flat_hash_set<absl::string_view> addresses;
  absl::flat_hash_set<std::pair<absl::string_view, uint64_t>> names;
  for (const BrokerEntry& broker : brokers) {
    status = Validate(broker);
    if (!status.ok()) return status;
    if (!addresses.insert(broker.address).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("brokers must not name an address twice, got ",
                       Quoted(broker.address)));
    }
    if (!broker.name.empty() && !names.emplace(broker.name, broker.id).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("brokers must not name an id twice under one name, got ",
                       Quoted(broker.name), " ", broker.id));
    }
  }
  return absl::OkStatus();
}

}  // namespace rmq
