// What a request names, found by the names of its fields.
#ifndef BROKER_FRONTS_ADMIN_NAMED_RESOURCES_H_
#define BROKER_FRONTS_ADMIN_NAMED_RESOURCES_H_

#include "common/rpc/server/authorizer.h"
#include "google/protobuf/message.h"

namespace rmq {

// Returns the string fields `client_id`, `group` and `topic` of `request`, and
// the repeated one `groups`; or those of its field `filter`, if that is set. So
// no admin method can forget to name them to the gate. A field that the message
// type lacks adds nothing; an empty field is returned as an empty name.
CallResources NamedResources(const google::protobuf::Message& request);

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_NAMED_RESOURCES_H_
