// What a request names, found by the names of its fields.
#ifndef BROKER_FRONTS_ADMIN_NAMED_RESOURCES_H_
#define BROKER_FRONTS_ADMIN_NAMED_RESOURCES_H_

#include "common/rpc/server/authorizer.h"
#include "google/protobuf/message.h"

namespace rmq {

// Returns the string fields `client_id`, `group` and `topic` of `request`, so
// that no method can forget to tell the gate of them. A field that the request
// does not have names nothing; one that it has is told even if it is empty.
CallResources NamedResources(const google::protobuf::Message& request);

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_NAMED_RESOURCES_H_
