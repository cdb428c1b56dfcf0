// The criteria by which operators name clients.
#ifndef BROKER_FRONTS_ADMIN_CLIENT_CRITERIA_H_
#define BROKER_FRONTS_ADMIN_CLIENT_CRITERIA_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/registry/channel_filter.h"
#include "common/validation.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// The criteria of a request. InvalidArgument naming the field of bad form;
// ResourceExhausted if there are too many labels.
absl::StatusOr<ChannelFilter> ParseCriteria(const pb::ClientFilter& filter,
                                            const Limits& limits);
absl::StatusOr<ChannelFilter> ParseCriteria(
    const pb::KickClientsRequest& request, const Limits& limits);

// " client_id=c1 group=orders ..." of what is set, for a line of the log.
std::string Describe(const ChannelFilter& filter);

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_CLIENT_CRITERIA_H_
