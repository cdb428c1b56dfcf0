#include "broker/fronts/clientmanager/skipped_group_log.h"

#include <atomic>
#include <cstdint>

#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {

void NoteSkippedGroup(absl::string_view client_id,
                      const PassedOverGroup& skipped, EdgeCounters* counters) {
  counters->skipped_groups.Count(skipped.reason);
  if (!skipped.is_news) return;
  static std::atomic<int64_t> since_last{0};
  since_last.fetch_add(1, std::memory_order_relaxed);
  LOG_EVERY_T(WARNING, 1) << "skipped" << Kv("kind", Name(skipped.kind))
                          << Kv("group", skipped.group)
                          << Kv("client_id", client_id)
                          << Kv("reason", Name(skipped.reason))
                          << Kv("message", Explain(skipped))
                          << Kv("skipped_groups", since_last.exchange(0));
}

}  // namespace rmq
