// What the edge does when the broker drains.
#ifndef BROKER_DRAIN_EFFECTS_H_
#define BROKER_DRAIN_EFFECTS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/housekeeping/drain.h"
#include "broker/logging/audit_log.h"

namespace rmq {

// Has health report whether clients are let in, wakes those who follow the
// drain, and logs when it begins and how it ends.
class DrainEffects final : public DrainListener {
 public:
  // Ends up to `max` streams that are no channels yet. Returns whether more are
  // left.
  using EndStreams = std::function<bool(size_t max, absl::Time now)>;

  // `set_serving` is called with whether clients are let in; `wake_followers`
  // whenever there is progress. `audit` is borrowed.
  DrainEffects(AuditLog* audit, std::function<void(bool)> set_serving,
               std::function<void()> wake_followers, EndStreams end_streams)
      : audit_(*audit),
        set_serving_(std::move(set_serving)),
        wake_followers_(std::move(wake_followers)),
        end_streams_(std::move(end_streams)) {}

  void OnDrainProgress(const DrainProgress& progress) override;
  bool EndNewcomers(size_t max, absl::Time now) override {
    return end_streams_(max, now);
  }

 private:
  void Log(absl::string_view action, std::string details);

  AuditLog& audit_;
  const std::function<void(bool)> set_serving_;
  const std::function<void()> wake_followers_;
  const EndStreams end_streams_;
  // What was told last. The drain calls by one thread at a time.
  DrainProgress last_;
};

}  // namespace rmq

#endif  // BROKER_DRAIN_EFFECTS_H_
