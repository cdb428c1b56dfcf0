#include "broker/fronts/rocketmq_v2/route.h"

#include <algorithm>
#include <cstdint>
#include <string>

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

int32_t ReadableQueues(const TopicConfig& config) {
  return (config.perm & kReadable) != 0 ? config.read_queue_nums : 0;
}

CallStatus FillQueues(const TopicConfig& config, const v2::Resource& topic,
                      const v2::Broker& broker,
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
  return {};
}

}  // namespace rmq
