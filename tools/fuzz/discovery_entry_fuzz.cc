// Feeds any bytes to what reads brokers' entries in etcd. See tools/fuzz/run.
//
// An entry that is taken must be that of its key, be one that clients can dial,
// and stay the same when it is written again; and whatever the bytes are, a
// good entry beside them is told to clients, in a list that validates.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/discovery/etcd_brokers.h"
#include "common/discovery/discovery_entry.h"
#include "common/host_and_port.h"

namespace rmq {
namespace {

constexpr char kKey[] = "/p/c/brokers/b/1";

void Require(bool holds, absl::string_view what, absl::string_view got = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", std::string(what).c_str(),
               absl::CHexEscape(got).c_str());
  std::abort();
}

void TryValue(absl::string_view value) {
  const absl::StatusOr<DiscoveryEntry> entry =
      ParseDiscoveryEntry("/p", kKey, value);
  if (!entry.ok()) {
    const absl::string_view message = entry.status().message();
    Require(!message.empty() && message.size() < 1000, "few words", message);
    return;
  }
  Require(DiscoveryKey("/p", *entry) == kKey, "the entry of its key",
          DiscoveryKey("/p", *entry));
  for (const DiscoveryAddress& address : entry->addresses) {
    Require(IsHostAndPort(address.address), "an address", address.address);
  }
  const std::string written = FormatDiscoveryEntry(*entry);
  const absl::StatusOr<DiscoveryEntry> again =
      ParseDiscoveryEntry("/p", kKey, written);
  Require(again.ok() && FormatDiscoveryEntry(*again) == written,
          "what is written is what is read", written);
}

void TryBeside(absl::string_view value) {
  DiscoveryEntry good;
  good.cluster = "c";
  good.broker_name = "good";
  good.addresses = {{"good:1", false}};
  const std::map<std::string, std::string> values = {
      {kKey, std::string(value)},
      {"/p/c/brokers/", std::string(value)},
      {DiscoveryKey("/p", good), FormatDiscoveryEntry(good)}};
  const EtcdBrokers read = ReadEtcdBrokers("/p", values, absl::nullopt);
  Require(ValidateBrokers(read.brokers).ok(), "brokers that validate", value);
  bool has_good = false;
  for (const BrokerEntry& broker : read.brokers) {
    has_good |= broker.address == "good:1";
  }
  Require(has_good, "the other broker", value);
  Require(read.brokers.size() + read.passed_over == values.size(),
          "all are counted", value);
}

}  // namespace
}  // namespace rmq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  rmq::TryValue(bytes);
  rmq::TryBeside(bytes);
  return 0;
}
