// Counts and logs what the rules deny.
#ifndef BROKER_FRONTS_DENIAL_LOG_H_
#define BROKER_FRONTS_DENIAL_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
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
  kNoRule,     // No rule allows it.
  kRule,       // A rule denies it.
  kPattern,    // The client id or the group does not fit its pattern.
  kOfAnother,  // Another user holds the client id.
};
inline constexpr size_t kDenialReasons = 9;

// "NO_RULE".
absl::string_view Name(DenialReason reason);

using DenialCounters =
    CountersBy<DenialReason, DenialReason::kUnauthenticated, kDenialReasons>;

// Views, valid for the call.
struct Denial {
  DenialReason reason;
  // Empty: anonymous, or not known.
  absl::string_view user;
  // "Group:orders", or empty.
  absl::string_view resource;
  // "SUB", or empty.
  absl::string_view action;
  absl::string_view address;
  absl::string_view method;
  // Of kUnauthenticated: the access key or the identity that the client
  // claimed, which may be anybody's, and what is wrong.
  absl::string_view claimed = {};
  absl::string_view why = {};
  // Rules are only tried out: nothing is refused, and the line says so.
  bool is_trial = false;
};

// Writes "denied principal=... resource=... action=... address=...", at most a
// line a second for each principal; each says how many denials of the principal
// there were since the last one. All who are anonymous, or not known, are one
// principal. Thread-safe.
class DenialLog {
 public:
  static constexpr absl::Duration kPeriod = absl::Seconds(1);
  // Principals that have lines of their own at once. Those beyond share lines.
  static constexpr size_t kMostPrincipals = 32;
  // What is logged of DenialLog::claimed.
  static constexpr size_t kMostClaimedBytes = 64;

  // Returns whether a line was written.
  bool Note(const Denial& denial, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  const DenialCounters& counters() const { return counters_; }

 private:
  // The lines of one principal.
  struct Lines {
    absl::Time next = absl::InfinitePast();
    // Denials since the last line.
    int64_t denials = 0;
  };

  Lines& LinesOfLocked(absl::string_view user, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  DenialCounters counters_;
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Lines> lines_ ABSL_GUARDED_BY(mu_);
  // Of those beyond kMostPrincipals.
  Lines others_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_DENIAL_LOG_H_
