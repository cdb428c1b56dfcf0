#include "broker/fronts/rocketmq_v2/route.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "common/validation.h"

namespace rmq {
namespace {

// Reference: PermName.java.
constexpr int32_t kReadable = 4;
constexpr int32_t kWritable = 2;

// "host:port" as DiscoveryAddress has it.
std::string TextOf(const v2::Address& address) {
  return absl::StrContains(address.host(), ':')
             ? absl::StrCat("[", address.host(), "]:", address.port())
             : absl::StrCat(address.host(), ":", address.port());
}

// Whether a client that has asked at `asked_at` uses TLS.
bool UsesTls(const std::vector<DiscoveryAddress>& own,
             const v2::Endpoints& asked_at) {
  for (const v2::Address& asked : asked_at.addresses()) {
    for (const DiscoveryAddress& address : own) {
      if (address.address == TextOf(asked)) return address.tls;
    }
  }
  for (const v2::Address& asked : asked_at.addresses()) {
    const std::string port = absl::StrCat(":", asked.port());
    for (const DiscoveryAddress& address : own) {
      if (absl::EndsWith(address.address, port)) return address.tls;
    }
  }
  return own.front().tls;
}

const DiscoveryAddress* FindAddress(const DiscoveryEntry& entry, bool tls) {
  const auto found = absl::c_find_if(
      entry.addresses,
      [tls](const DiscoveryAddress& address) { return address.tls == tls; });
  return found == entry.addresses.end() ? nullptr : &*found;
}

// Leaves so many brokers, one at least, and the one named `own_name`.
void Shorten(size_t most, absl::string_view own_name,
             std::vector<v2::Broker>* brokers) {
  if (brokers->size() <= most) return;
  const auto end = brokers->begin() + static_cast<ptrdiff_t>(most);
  const auto is_own = [own_name](const v2::Broker& broker) {
    return broker.name() == own_name;
  };
  if (std::none_of(brokers->begin(), end, is_own)) {
    const auto own = std::find_if(end, brokers->end(), is_own);
    if (own != brokers->end()) std::iter_swap(std::prev(end), own);
  }
  brokers->erase(end, brokers->end());
}

}  // namespace

v2::AddressScheme SchemeOf(absl::string_view host) {
  if (absl::StrContains(host, ':')) return v2::IPv6;
  const bool is_number =
      host.find_first_not_of("0123456789.") == absl::string_view::npos;
  return is_number && !host.empty() ? v2::IPv4 : v2::DOMAIN_NAME;
}

v2::Endpoints EndpointsOf(absl::string_view address) {
  v2::Endpoints endpoints;
  const size_t colon = address.rfind(':');
  int32_t port;
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    return endpoints;
  }
  absl::string_view host = address.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  endpoints.set_scheme(SchemeOf(host));
  v2::Address& added = *endpoints.add_addresses();
  added.set_host(std::string(host));
  added.set_port(port);
  return endpoints;
}

std::vector<v2::Broker> RouteBrokers(const std::vector<DiscoveryEntry>& cluster,
                                     absl::string_view own_name,
                                     uint64_t own_id,
                                     const v2::Endpoints& asked_at) {
  const auto is_own = [&](const DiscoveryEntry& entry) {
    return entry.broker_name == own_name && entry.broker_id == own_id;
  };
  const auto own = absl::c_find_if(cluster, is_own);
  const bool tls = own != cluster.end() && UsesTls(own->addresses, asked_at);
  const std::string& service = v2::QueryRouteRequest::descriptor()
                                   ->file()
                                   ->FindServiceByName("MessagingService")
                                   ->full_name();
  std::vector<v2::Broker> brokers;
  size_t own_place = 0;
  bool has_master = false;
  for (const DiscoveryEntry& entry : cluster) {
    const bool serves = absl::c_linear_search(entry.fronts, service);
    const DiscoveryAddress* const address = FindAddress(entry, tls);
    if (!serves || address == nullptr) continue;
    if (is_own(entry)) own_place = brokers.size();
    has_master |= entry.broker_id == 0;
    v2::Broker& broker = brokers.emplace_back();
    broker.set_name(entry.broker_name);
    broker.set_id(static_cast<int32_t>(std::min<uint64_t>(
        entry.broker_id, std::numeric_limits<int32_t>::max())));
    *broker.mutable_endpoints() = EndpointsOf(address->address);
  }
  if (!has_master && !brokers.empty()) brokers[own_place].set_id(0);
  return brokers;
}

int32_t ReadableQueues(const TopicConfig& config) {
  return (config.perm & kReadable) != 0 ? config.read_queue_nums : 0;
}

CallStatus FillQueues(const TopicConfig& config, const v2::Resource& topic,
                      std::vector<v2::Broker> brokers,
                      absl::string_view own_name,
                      v2::QueryRouteResponse* response) {
  const int32_t readable = ReadableQueues(config);
  const int32_t writable =
      (config.perm & kWritable) != 0 ? config.write_queue_nums : 0;
  const int32_t both = std::min(readable, writable);
  if (std::max(readable, writable) <= 0) {
    return SdkError(v2::TOPIC_NOT_FOUND,
                    absl::StrCat("topic ", Quoted(config.topic),
                                 " has no queue that can be read or written"));
  }
  const int32_t most = kMostRouteQueues / std::max(readable, writable);
  Shorten(static_cast<size_t>(std::max(1, most)), own_name, &brokers);
  for (const v2::Broker& broker : brokers) {
    int32_t id = 0;
    const auto add = [&](int32_t count, v2::Permission permission) {
      for (int32_t i = 0; i < count; ++i) {
        v2::MessageQueue& queue = *response->add_message_queues();
        *queue.mutable_topic() = topic;
        queue.set_id(id++);
        queue.set_permission(permission);
        *queue.mutable_broker() = broker;
        for (const v2::MessageType type :
             {v2::NORMAL, v2::FIFO, v2::DELAY, v2::TRANSACTION}) {
          queue.add_accept_message_types(type);
        }
      }
    };
    add(readable - both, v2::READ);
    add(writable - both, v2::WRITE);
    add(both, v2::READ_WRITE);
  }
  return {};
}

}  // namespace rmq
