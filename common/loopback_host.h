// Whether an address stays on this machine.
#ifndef COMMON_LOOPBACK_HOST_H_
#define COMMON_LOOPBACK_HOST_H_

#include "absl/strings/string_view.h"

namespace rmq {

// `host` is the host of a "host:port": a name, an IPv4 address, or an IPv6
// address in brackets. Names are not looked up: only "localhost" is loopback.
bool IsLoopbackHost(absl::string_view host);

// The same for a "host:port". A "unix:PATH" is loopback too.
bool IsLoopbackAddress(absl::string_view address);

}  // namespace rmq

#endif  // COMMON_LOOPBACK_HOST_H_
