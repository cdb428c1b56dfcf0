#include "client/client_id.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

// The text of an address of one of the two families.
std::string AddressText(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  } else {
    bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  }
  inet_ntop(address.sa_family, bytes, text, sizeof(text));
  return text;
}

}  // namespace

std::string BuildClientId(absl::string_view ip, absl::string_view instance,
                          absl::string_view unit) {
  return absl::StrCat(ip, "@", instance, unit.empty() ? "" : "@", unit);
}

std::string LocalIp() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return "127.0.0.1";
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, freeifaddrs);
  for (int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* entry = first; entry != nullptr;
         entry = entry->ifa_next) {
      if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == family &&
          (entry->ifa_flags & IFF_UP) != 0 &&
          (entry->ifa_flags & IFF_LOOPBACK) == 0) {
        return AddressText(*entry->ifa_addr);
      }
    }
  }
  return "127.0.0.1";
}

std::string BuildInstanceName(int64_t pid, absl::Time now, uint32_t random) {
  return absl::StrCat(pid, "#", absl::ToUnixMillis(now), "#",
                      absl::Hex(random, absl::kZeroPad8));
}

std::string MakeClientId(absl::string_view instance, absl::string_view unit,
                         absl::Time now) {
  if (!instance.empty()) return BuildClientId(LocalIp(), instance, unit);
  absl::BitGen random;
  return BuildClientId(
      LocalIp(),
      BuildInstanceName(getpid(), now, absl::Uniform<uint32_t>(random)), unit);
}

uint64_t DrawIncarnation() {
  absl::BitGen random;
  return absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, UINT64_MAX);
}

}  // namespace rmq
