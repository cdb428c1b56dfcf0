// Every request of the ClientManagerAdmin service.
#ifndef BROKER_SERVICE_ADMIN_HANDLER_H_
#define BROKER_SERVICE_ADMIN_HANDLER_H_

#include "absl/strings/string_view.h"
#include "broker/registry/client_table.h"
#include "broker/service/authorizer.h"
#include "broker/service/wire.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

// Thread-safe. What it is given is borrowed and outlives it.
class AdminHandler {
 public:
  AdminHandler(const Limits& limits, const ClientTable* table, Clock* clock,
               Authorizer* authorizer)
      : limits_(limits),
        table_(*table),
        clock_(*clock),
        authorizer_(*authorizer) {}

  CallStatus ListGroups(absl::string_view peer,
                        const pb::ListGroupsRequest& request,
                        pb::ListGroupsResponse* response);
  CallStatus GetConsumerConnectionList(
      absl::string_view peer,
      const pb::GetConsumerConnectionListRequest& request,
      pb::GetConsumerConnectionListResponse* response);
  CallStatus GetProducerConnectionList(
      absl::string_view peer,
      const pb::GetProducerConnectionListRequest& request,
      pb::GetProducerConnectionListResponse* response);

 private:
  // The gate and the form of a request for one group's members; reads a page of
  // them into `response`'s connections and next_page_token.
  template <typename Request, typename Response>
  CallStatus ListConnections(absl::string_view peer, absl::string_view call,
                             GroupKind kind, const Request& request,
                             Response* response);

  const Limits limits_;
  const ClientTable& table_;
  Clock& clock_;
  Authorizer& authorizer_;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_ADMIN_HANDLER_H_
