// Feeds any bytes to the check of a connection's first bytes. See
// tools/fuzz/run.
//
// Beyond not crashing, it must stand to its own word: say the same of the same
// bytes, decide once there are kMostFirstBytes, and keep to what it decided
// when more come.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "common/rpc/server/acceptor/first_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  rmq::Protocol decided = rmq::Protocol::kUnknownYet;
  for (size_t come = 0; come <= size; ++come) {
    const rmq::Protocol protocol = rmq::ProtocolOf(bytes.substr(0, come));
    if (decided != rmq::Protocol::kUnknownYet && protocol != decided) {
      std::abort();
    }
    if (come >= rmq::kMostFirstBytes &&
        protocol == rmq::Protocol::kUnknownYet) {
      std::abort();
    }
    decided = protocol;
  }
  return 0;
}
