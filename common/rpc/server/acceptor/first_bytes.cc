#include "common/rpc/server/acceptor/first_bytes.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace rmq {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static_assert(kPreface.size() == kMostFirstBytes, "the longest");
// A handshake record, of any version.
constexpr absl::string_view kTlsBegin = "\x16\x03";
// "OPTIONS" and "CONNECT".
constexpr size_t kLongestMethod = 7;

bool BeginsAlike(absl::string_view a, absl::string_view b) {
  const size_t both = std::min(a.size(), b.size());
  return a.substr(0, both) == b.substr(0, both);
}

}  // namespace

Protocol ProtocolOf(absl::string_view bytes) {
  if (BeginsAlike(bytes, kPreface)) {
    return bytes.size() < kPreface.size() ? Protocol::kUnknownYet
                                          : Protocol::kHttp2;
  }
  if (BeginsAlike(bytes, kTlsBegin)) {
    return bytes.size() < kTlsBegin.size() ? Protocol::kUnknownYet
                                           : Protocol::kTls;
  }
  const size_t letters =
      std::find_if_not(bytes.begin(), bytes.end(), absl::ascii_isupper) -
      bytes.begin();
  if (letters == 0 || letters > kLongestMethod) return Protocol::kOther;
  if (letters == bytes.size()) return Protocol::kUnknownYet;
  return bytes[letters] == ' ' ? Protocol::kHttp1 : Protocol::kOther;
}

}  // namespace rmq
