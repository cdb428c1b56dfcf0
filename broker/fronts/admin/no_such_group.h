// The refusal of a group that has no members.
#ifndef BROKER_FRONTS_ADMIN_NO_SUCH_GROUP_H_
#define BROKER_FRONTS_ADMIN_NO_SUCH_GROUP_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/registry/client_event.h"
#include "common/response_code.h"
#include "common/validation.h"

namespace rmq {

inline CallStatus NoSuchGroup(GroupKind kind, absl::string_view group) {
  return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
          absl::StrCat("no ", Name(kind), " group ", Quoted(group),
                       " is registered")};
}

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_NO_SUCH_GROUP_H_
