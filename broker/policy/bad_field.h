// A value of a config that makes no sense.
#ifndef BROKER_POLICY_BAD_FIELD_H_
#define BROKER_POLICY_BAD_FIELD_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rmq {

// `message` names the config and says why the value of `field` makes no sense.
struct BadField {
  absl::string_view field;
  std::string message;
};

}  // namespace rmq

#endif  // BROKER_POLICY_BAD_FIELD_H_
