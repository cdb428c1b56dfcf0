// The queues of a topic, and where they are.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_ROUTE_H_
#define BROKER_FRONTS_ROCKETMQ_V2_ROUTE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/policy/topic_configs.h"
#include "common/discovery/discovery_entry.h"
#include "common/response_code.h"

namespace rmq {

// The scheme that a host is: an IPv4 address, an IPv6 address (in brackets or
// not), or a name.
::apache::rocketmq::v2::AddressScheme SchemeOf(absl::string_view host);

// The endpoints of one "host:port". None if it is no such address.
::apache::rocketmq::v2::Endpoints EndpointsOf(absl::string_view address);

// Most queues of one answer, as clients take 4 MiB: brokers beyond are left
// out.
inline constexpr int32_t kMostRouteQueues = 8192;

// The brokers that a client is told of, of the brokers of `cluster`, which are
// ordered by name and id: those that serve this protocol, at their first
// address with TLS, or without, whichever the client uses. It uses what this
// broker has at the address, or at least at the port, that the client has asked
// at; else what this broker has at its first one. Brokers without such an
// address are left out, but this one, of this name and id, is always there. If
// none is a master, this one is told as one: SDKs start with none else.
std::vector<::apache::rocketmq::v2::Broker> RouteBrokers(
    const std::vector<DiscoveryEntry>& cluster, absl::string_view own_name,
    uint64_t own_id, const ::apache::rocketmq::v2::Endpoints& asked_at);

// How many queues of a topic can be read.
int32_t ReadableQueues(const TopicConfig& config);

// Fills the queues of `topic` by its config, for each of `brokers`, of which
// there is one at least: those that can only be read first, then those that can
// only be written, then those for both; numbers from 0. Of more than
// kMostRouteQueues the last ones are left out, by brokers; not those of the
// broker named `own_name`. TOPIC_NOT_FOUND if there is no queue: SDKs take an
// empty list for an error.
// Reference: RouteActivity#genMessageQueueFromQueueData of the proxy.
CallStatus FillQueues(const TopicConfig& config,
                      const ::apache::rocketmq::v2::Resource& topic,
                      std::vector<::apache::rocketmq::v2::Broker> brokers,
                      absl::string_view own_name,
                      ::apache::rocketmq::v2::QueryRouteResponse* response);

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_ROUTE_H_
