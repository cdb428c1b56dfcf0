#include "broker/drain_effects.h"

#include <utility>

#include "absl/time/time.h"
#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {

void DrainEffects::OnDrainProgress(const DrainProgress& progress) {
  const DrainProgress last = std::exchange(last_, progress);
  if (progress.state != last.state) {
    set_serving_(progress.state == DrainState::kServing);
  }
  wake_followers_();
  // A broker without clients stops without a word.
  if (progress.clients_at_start == 0) return;
  if (progress.begun != last.begun) {
    LOG(INFO) << "draining" << Kv("clients", progress.clients_left)
              << Kv("duration", absl::FormatDuration(progress.duration));
  }
  if (progress.state == last.state || progress.state == DrainState::kDraining) {
    return;
  }
  LOG(INFO) << (progress.state == DrainState::kDrained ? "drained"
                                                       : "drain cancelled")
            << Kv("took", absl::FormatDuration(
                              absl::Trunc(progress.ended - progress.started,
                                          absl::Milliseconds(1))))
            << Kv("clients_at_start", progress.clients_at_start)
            << Kv("told_to_go", progress.closed)
            << Kv("clients", progress.clients_left);
}

}  // namespace rmq
