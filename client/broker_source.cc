#include "client/broker_source.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/broker_entry.h"
#include "client/discovery/resolver_uri.h"
#include "common/security/client_security.h"
#include "common/validation.h"

namespace rmq {
namespace {

absl::Status ValidateAddresses(const std::vector<std::string>& addresses) {
  std::vector<BrokerEntry> entries;
  entries.reserve(addresses.size());
  for (const std::string& address : addresses) {
    entries.push_back({"", 0, address});
  }
  return ValidateBrokers(entries);
}

}  // namespace

bool IsGiven(const BrokerResolverOption& resolver) {
  const auto* const name = absl::get_if<std::string>(&resolver);
  return name != nullptr ? !name->empty() : absl::get<0>(resolver) != nullptr;
}

absl::Status ValidateBrokerSource(const BrokerSourceOptions& options) {
  std::vector<std::string> brokers = options.brokers;
  const bool has_resolver = IsGiven(options.resolver);
  if (has_resolver && !brokers.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("brokers must be empty where a resolver is given, got ",
                     Quoted(brokers[0])));
  }
  if (!has_resolver && brokers.empty()) {
    return absl::InvalidArgumentError(
        "brokers must not be empty where no resolver is given");
  }
  bool brokers_may_come = has_resolver;
  const auto* const name = absl::get_if<std::string>(&options.resolver);
  if (has_resolver && name != nullptr) {
    const absl::StatusOr<ResolverUri> uri = ParseResolverUri(*name);
    if (!uri.ok()) return uri.status();
    if (uri->scheme == ResolverUri::Scheme::kStatic) {
      brokers = absl::StrSplit(uri->path, ',');
      brokers_may_come = false;
    }
  }
  absl::Status status = ValidateAddresses(brokers);
  if (!status.ok()) return status;
  status = options.discovery.Validate();
  if (!status.ok()) return status;
  return ValidateClientSecurity(options.tls, options.credentials,
                                options.allow_insecure_credentials, brokers,
                                brokers_may_come);
}

}  // namespace rmq
