// Counts and logs what the rules deny.
#ifndef BROKER_FRONTS_DENIAL_LOG_H_
#define BROKER_FRONTS_DENIAL_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/counters_by.h"

namespace rmq {

// Why somebody was denied something. Few, whatever clients do: metrics have one
// series each.
enum class DenialReason {
  kUnauthenticated,  // Who calls could not be found out.
  kInsecure,         // The caller signed over a connection that is not secured.
  kAnonymous,
  kNoSuchUser,
  kDisabled,
  kNoRule,   // No rule allows it.
  kRule,     // A rule denies it.
  kPattern,  // The client id or the group does not fit its pattern.
};
inline constexpr size_t kDenialReasons = 8;

// "NO_RULE".
absl::string_view Name(DenialReason reason);

using DenialCounters =
    CountersBy<DenialReason, DenialReason::kUnauthenticated, kDenialReasons>;

struct Denial {
  DenialReason reason;
  // Empty: anonymous.
  absl::string_view user;
  // "Group:orders", or empty.
  std::string resource;
  // "SUB", or empty.
  std::string action;
  absl::string_view address;
  absl::string_view method;
};

// Writes "denied principal=... resource=... action=... address=...", at most a
// line a second; each says how many there were since the last one. Thread-safe.
class DenialLog {
 public:
  static constexpr absl::Duration kPeriod = absl::Seconds(1);

  // `is_trial`: nothing is refused, and the lines say so. Borrows `counters`.
  DenialLog(bool is_trial, DenialCounters* counters)
      : is_trial_(is_trial), counters_(*counters) {}

  // Returns whether a line was written.
  bool Note(const Denial& denial, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const bool is_trial_;
  DenialCounters& counters_;
  absl::Mutex mu_;
  absl::Time next_line_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  int64_t since_last_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_DENIAL_LOG_H_
