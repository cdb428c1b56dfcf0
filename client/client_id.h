// How a client process names itself.
#ifndef CLIENT_CLIENT_ID_H_
#define CLIENT_CLIENT_ID_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rmq {

// "ip@instance", or "ip@instance@unit" if the unit is not empty. Reference:
// ClientConfig#buildMQClientId.
std::string BuildClientId(absl::string_view ip, absl::string_view instance,
                          absl::string_view unit);

// The first address of this machine that is up and not loopback, IPv4 before
// IPv6; "127.0.0.1" if there is none.
std::string LocalIp();

// "pid#time#random": unlike RocketMQ's "pid#nanoTime", unique also among
// containers of one image that start at once. `now` is wall-clock time.
std::string BuildInstanceName(int64_t pid, absl::Time now, uint32_t random);

// The id of a client on this machine: BuildClientId() of the local address. An
// empty `instance` stands for a new BuildInstanceName() of this process.
std::string MakeClientId(absl::string_view instance, absl::string_view unit,
                         absl::Time now);

// A random number that is not 0.
uint64_t DrawIncarnation();

}  // namespace rmq

#endif  // CLIENT_CLIENT_ID_H_
