#include "broker/drain_effects.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/kv.h"

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
    Log("draining",
        absl::StrCat(Kv("clients", progress.clients_left),
                     Kv("duration", absl::FormatDuration(progress.duration))));
  }
  if (progress.state == last.state || progress.state == DrainState::kDraining) {
    return;
  }
  Log(progress.state == DrainState::kDrained ? "drained" : "drain cancelled",
      absl::StrCat(Kv("took", absl::FormatDuration(
                                  absl::Trunc(progress.ended - progress.started,
                                              absl::Milliseconds(1)))),
                   Kv("clients_at_start", progress.clients_at_start),
                   Kv("told_to_go", progress.closed),
                   Kv("clients", progress.clients_left)));
}

void DrainEffects::Log(absl::string_view action, std::string details) {
  audit_.Write({action, std::move(details), /*host=*/"", /*changes=*/true,
                /*channels=*/0, /*is_warning=*/false});
}

}  // namespace rmq
