#include "client/consumer_ids_query.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/session/group_membership.h"
#include "client/session/proto_duration.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

absl::StatusOr<ConsumerIds> ReadOnce(BrokerStub* stub, absl::string_view group,
                                     Clock* clock, absl::Time deadline) {
  ConsumerIds ids;
  v1::GetConsumerListByGroupRequest request;
  request.set_group(std::string(group));
  for (int page = 0; page < GroupMembership::kMaxPages; ++page) {
    absl::StatusOr<v1::GetConsumerListByGroupResponse> response =
        stub->GetConsumerListByGroup(request, deadline - clock->TimeNow());
    if (!response.ok()) return response.status();
    ids.broker.name = response->broker_name();
    ids.broker.id = response->broker_id();
    ids.epoch = response->epoch();
    ids.settling =
        std::max(FromProto(response->settling_until()), absl::ZeroDuration());
    for (std::string& id : *response->mutable_client_ids()) {
      ids.client_ids.push_back(std::move(id));
    }
    request.set_page_token(response->next_page_token());
    if (request.page_token().empty()) return ids;
  }
  return absl::InternalError(absl::StrCat("the broker's list has more than ",
                                          GroupMembership::kMaxPages,
                                          " pages"));
}

}  // namespace

absl::StatusOr<ConsumerIds> QueryConsumerIds(BrokerStub* stub,
                                             absl::string_view group,
                                             Clock* clock,
                                             absl::Time deadline) {
  absl::StatusOr<ConsumerIds> ids;
  for (int i = 0; i < kMaxReadings; ++i) {
    ids = ReadOnce(stub, group, clock, deadline);
    if (!absl::IsAborted(ids.status())) break;
  }
  return ids;
}

}  // namespace rmq
