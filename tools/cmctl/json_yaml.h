// JSON as YAML.
#ifndef TOOLS_CMCTL_JSON_YAML_H_
#define TOOLS_CMCTL_JSON_YAML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rmq::cmctl {

// The same value as YAML 1.2, in block style, members in their order. `json`
// must be an object or array that JsonObject() made. A string stands there
// plain if no reader of YAML, also of 1.1, can take it for something else, and
// as in JSON otherwise: so the numbers that protobuf's JSON quotes stay
// strings.
std::string YamlOfJson(absl::string_view json);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_JSON_YAML_H_
