#include "common/discovery/discovery_entry.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/host_and_port.h"
#include "common/validation.h"
#include "google/protobuf/util/json_util.h"
#include "rocketmq/clientmanager/discovery/v1/broker_entry.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::discovery::v1;

constexpr uint32_t kMajorVersion = 1;
constexpr size_t kMostPrefixBytes = 255;

absl::Status Bad(absl::string_view key, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the value of ", Quoted(key), " is no broker's entry: ", why));
}

}  // namespace

absl::Status ValidateDiscoveryPrefix(absl::string_view prefix) {
  const bool is_good =
      prefix.size() > 1 && prefix.size() <= kMostPrefixBytes &&
      prefix.front() == '/' && prefix.back() != '/' &&
      absl::c_all_of(prefix, [](char c) {
        return absl::StrContains(
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
            "/._-",
            absl::string_view(&c, 1));
      });
  if (is_good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "etcd_prefix must be \"/\" and up to 254 letters, digits and characters "
      "of \"/._-\", without a \"/\" at the end, got ",
      Quoted(prefix)));
}

std::string DiscoveryClusterPrefix(absl::string_view prefix,
                                   absl::string_view cluster) {
  return absl::StrCat(prefix, "/", cluster, "/brokers/");
}

std::string DiscoveryKey(absl::string_view prefix,
                         const DiscoveryEntry& entry) {
  return absl::StrCat(DiscoveryClusterPrefix(prefix, entry.cluster),
                      entry.broker_name, "/", entry.broker_id);
}

std::string FormatDiscoveryEntry(const DiscoveryEntry& entry) {
  pb::BrokerEntry message;
  message.set_major_version(kMajorVersion);
  message.set_cluster(entry.cluster);
  message.set_broker_name(entry.broker_name);
  message.set_broker_id(entry.broker_id);
  for (const DiscoveryAddress& address : entry.addresses) {
    pb::BrokerEntry::Address& added = *message.add_addresses();
    added.set_address(address.address);
    added.set_tls(address.tls);
  }
  for (const std::string& front : entry.fronts) message.add_fronts(front);
  message.set_product_version(entry.product_version);
  message.mutable_since()->set_seconds(absl::ToUnixSeconds(entry.since));
  message.set_incarnation(entry.incarnation);
  std::string json;
  // Cannot fail: the message has nothing but plain fields.
  (void)google::protobuf::util::MessageToJsonString(message, &json);
  return json;
}

absl::StatusOr<DiscoveryEntry> ParseDiscoveryEntry(absl::string_view prefix,
                                                   absl::string_view key,
                                                   absl::string_view value) {
  if (value.size() > kMostDiscoveryEntryBytes) {
    return Bad(key,
               absl::StrCat("it must have at most ", kMostDiscoveryEntryBytes,
                            " bytes, got ", value.size()));
  }
  pb::BrokerEntry message;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(value.data(), value.size()), &message,
      options);
  if (!parsed.ok()) {
    return Bad(key, Quoted(std::string(parsed.message())));
  }
  if (message.major_version() > kMajorVersion) {
    return absl::UnimplementedError(
        absl::StrCat("the value of ", Quoted(key), " has version ",
                     message.major_version(), ", newer than ", kMajorVersion));
  }
  if (message.major_version() == 0) return Bad(key, "it has no version");
  DiscoveryEntry entry;
  entry.cluster = message.cluster();
  entry.broker_name = message.broker_name();
  entry.broker_id = message.broker_id();
  if (absl::StrContains(entry.cluster, '/')) {
    // Its key would be one of another cluster, too.
    return Bad(key, absl::StrCat("cluster must have no '/', got ",
                                 Quoted(entry.cluster)));
  }
  absl::Status name = ValidateNameForm("broker_name", entry.broker_name);
  if (name.ok()) {
    // The form of a client id is the form of a broker's name.
    name = ValidateClientId("broker_name", entry.broker_name, Limits());
  }
  if (!name.ok()) return Bad(key, name.message());
  if (DiscoveryKey(prefix, entry) != key) {
    return Bad(key, absl::StrCat("it is that of ",
                                 Quoted(DiscoveryKey(prefix, entry))));
  }
  if (message.addresses_size() == 0 ||
      static_cast<size_t>(message.addresses_size()) > kMostDiscoveryAddresses) {
    return Bad(key, absl::StrCat("it must have 1 to ", kMostDiscoveryAddresses,
                                 " addresses, got ", message.addresses_size()));
  }
  for (const pb::BrokerEntry::Address& address : message.addresses()) {
    if (!IsHostAndPort(address.address())) {
      return Bad(key, absl::StrCat("an address must be \"host:port\", got ",
                                   Quoted(address.address())));
    }
    entry.addresses.push_back({address.address(), address.tls()});
  }
  entry.fronts.assign(message.fronts().begin(), message.fronts().end());
  entry.product_version = message.product_version();
  entry.since = absl::FromUnixSeconds(message.since().seconds());
  entry.incarnation = message.incarnation();
  return entry;
}

}  // namespace rmq
