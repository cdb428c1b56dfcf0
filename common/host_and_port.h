// The form of an address that clients dial.
#ifndef COMMON_HOST_AND_PORT_H_
#define COMMON_HOST_AND_PORT_H_

#include "absl/strings/string_view.h"

namespace rmq {

// Whether `address` is "host:port", or "[address]:port" for an IPv6 address:
// the host of letters, digits, '.', '-' and '_', the port 1 to 65535. Looks
// nothing up.
bool IsHostAndPort(absl::string_view address);

}  // namespace rmq

#endif  // COMMON_HOST_AND_PORT_H_
