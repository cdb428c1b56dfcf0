#include "common/rpc/server/refusal_log.h"

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {

void NoteRefusal(MethodCounters& method, absl::string_view peer,
                 absl::string_view client_id, const CallStatus& status) {
  method.refusals().Count(status.code);
  static std::atomic<int64_t> since_last{0};
  since_last.fetch_add(1, std::memory_order_relaxed);
  LOG_EVERY_T(INFO, 1) << "refused" << Kv("peer", peer)
                       << Kv("client_id", client_id)
                       << Kv("code", absl::StatusCodeToString(status.code))
                       << Kv("message", status.message)
                       << Kv("refusals", since_last.exchange(0))
                       << Kv("method", method.name())
                       << Kv("request_code", method.request_code());
}

CallStatus NotRead() {
  return {absl::StatusCode::kCancelled, ResponseCode::kSystemError,
          "cut off, does not read its answer"};
}

}  // namespace rmq
