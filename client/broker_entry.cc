#include "client/broker_entry.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/validation.h"

namespace rmq {
namespace {

bool IsHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view host = address.substr(0, colon);
  const absl::string_view port = address.substr(colon + 1);
  int number;
  if (port.empty() || port.find_first_not_of("0123456789") != port.npos ||
      !absl::SimpleAtoi(port, &number) || number < 1 || number > 65535) {
    return false;
  }
  if (host.front() == '[') {
    return host.size() > 2 && host.back() == ']' &&
           host.find_first_not_of("0123456789abcdefABCDEF:.%", 1) ==
               host.size() - 1;
  }
  for (char c : host) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' &&
        c != '-' && c != '_') {
      return false;
    }
  }
  return true;
}

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
