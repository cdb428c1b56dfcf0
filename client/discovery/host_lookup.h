// Looks up the addresses of a host.
#ifndef CLIENT_DISCOVERY_HOST_LOOKUP_H_
#define CLIENT_DISCOVERY_HOST_LOOKUP_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace rmq {

class HostLookup {
 public:
  // Numeric addresses, IPv6 ones without brackets: one at least. NotFound: the
  // host has none.
  using Answer = absl::StatusOr<std::vector<std::string>>;

  virtual ~HostLookup() = default;

  // Begins to look `host` up, and calls `on_answer` once: inside this call or
  // later, on any thread.
  virtual void LookUp(const std::string& host,
                      std::function<void(Answer)> on_answer) = 0;
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_HOST_LOOKUP_H_
