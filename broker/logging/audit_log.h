// The log of what operators do to the broker and its clients.
#ifndef BROKER_LOGGING_AUDIT_LOG_H_
#define BROKER_LOGGING_AUDIT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/due_task.h"
#include "common/rate_limit.h"

namespace rmq {

// What was done. `action` is a literal, and the beginning of the line.
struct AuditLine {
  absl::string_view action;  // "kicked".
  // " key=value ...", as Kv() makes it.
  std::string details;
  // From where it was asked; empty: by the broker itself.
  absl::string_view host;
  // Whether it has changed anything.
  bool changes = true;
  // How many channels it has changed.
  int64_t channels = 0;
  // Whether the line is a warning, or tells how a thing went on.
  bool is_warning = true;
};

// Lines are bounded, so that who asks in a loop does not fill the log; yet no
// change is without a trace:
//
// - Lines of what has changed something, and lines of what has not, have a rate
//   each, so that the one does not take the place of the other.
// - What is beyond a rate is summed up. The sums are written within a second:
//   how many lines, how many of them changed something, how many channels that
//   concerned, what was done how often, and from which addresses (the first
//   kMostHosts by name).
//
//   left out 120 audit lines changing=100 channels=312
//       actions="drain asked (20), kicked (100)" hosts="10.0.0.9 (120)"
//
// Thread-safe; its methods as a DueTask are called by one thread.
class AuditLog final : public DueTask {
 public:
  static constexpr int32_t kChangesPerSecond = 5;
  static constexpr int32_t kChangesBurst = 100;
  static constexpr int32_t kOthersPerSecond = 1;
  static constexpr int32_t kOthersBurst = 20;
  static constexpr absl::Duration kSumPeriod = absl::Seconds(1);
  static constexpr size_t kMostHosts = 8;

  // `clock` is borrowed. `on_due`, which may be null, is called when sums are
  // to be written.
  explicit AuditLog(Clock* clock, DueListener on_due = nullptr);
  // Writes the sums.
  ~AuditLog() override;

  void Write(const AuditLine& line) ABSL_LOCKS_EXCLUDED(mu_);

  // DueTask.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_);
  void Run(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);
  void Finish(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Sums {
    int64_t lines = 0;
    int64_t changing = 0;
    int64_t channels = 0;
    // Actions are literals of the program, so there are few.
    absl::btree_map<absl::string_view, int64_t> actions;
    absl::btree_map<std::string, int64_t> hosts;  // At most kMostHosts.
    int64_t further_hosts = 0;
  };

  static void AddTo(Sums* sums, const AuditLine& line);
  void WriteSums() ABSL_LOCKS_EXCLUDED(mu_);

  Clock& clock_;
  const DueListener on_due_;

  absl::Mutex mu_;
  RateLimit changes_ ABSL_GUARDED_BY(mu_){kChangesPerSecond, kChangesBurst};
  RateLimit others_ ABSL_GUARDED_BY(mu_){kOthersPerSecond, kOthersBurst};
  Sums left_out_ ABSL_GUARDED_BY(mu_);
  absl::Time sums_due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
};

}  // namespace rmq

#endif  // BROKER_LOGGING_AUDIT_LOG_H_
