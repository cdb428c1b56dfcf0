// The queues of a topic, and where they are.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_ROUTE_H_
#define BROKER_FRONTS_ROCKETMQ_V2_ROUTE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/policy/topic_configs.h"
#include "common/response_code.h"

namespace rmq {

// The scheme that a host is: an IPv4 address, an IPv6 address (in brackets or
// not), or a name.
::apache::rocketmq::v2::AddressScheme SchemeOf(absl::string_view host);

// The endpoints of one "host:port". None if it is no such address.
::apache::rocketmq::v2::Endpoints EndpointsOf(absl::string_view address);

// How many queues of a topic can be read.
int32_t ReadableQueues(const TopicConfig& config);

// Fills the queues of `topic` by its config: those that can only be read first,
// then those that can only be written, then those for both; numbers from 0.
// TOPIC_NOT_FOUND if there is no queue: SDKs take an empty list for an error.
// Reference: RouteActivity#genMessageQueueFromQueueData of the proxy.
CallStatus FillQueues(const TopicConfig& config,
                      const ::apache::rocketmq::v2::Resource& topic,
                      const ::apache::rocketmq::v2::Broker& broker,
                      ::apache::rocketmq::v2::QueryRouteResponse* response);

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_ROUTE_H_
