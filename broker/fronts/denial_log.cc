#include "broker/fronts/denial_log.h"

#include <utility>

#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {

absl::string_view Name(DenialReason reason) {
  switch (reason) {
    case DenialReason::kUnauthenticated: return "UNAUTHENTICATED";
    case DenialReason::kInsecure: return "INSECURE";
    case DenialReason::kAnonymous: return "ANONYMOUS";
    case DenialReason::kNoSuchUser: return "NO_SUCH_USER";
    case DenialReason::kDisabled: return "DISABLED";
    case DenialReason::kNoRule: return "NO_RULE";
    case DenialReason::kRule: return "RULE";
    case DenialReason::kPattern: return "PATTERN";
    case DenialReason::kOfAnother: return "OF_ANOTHER";
  }
  return "?";
}

DenialLog::Lines& DenialLog::LinesOfLocked(absl::string_view user,
                                           absl::Time now) {
  const auto found = lines_.find(user);
  if (found != lines_.end()) return found->second;
  if (lines_.size() == kMostPrincipals) {
    absl::erase_if(lines_, [this, now](const auto& entry) {
      mu_.AssertHeld();
      if (entry.second.next > now) return false;
      others_.denials += entry.second.denials;
      return true;
    });
  }
  if (lines_.size() == kMostPrincipals) return others_;
  return lines_[user];
}

bool DenialLog::Note(const Denial& denial, absl::Time now) {
  counters_.Count(denial.reason);
  int64_t denials;
  {
    MutexLock lock(&mu_);
    Lines& lines = LinesOfLocked(denial.user, now);
    ++lines.denials;
    if (now < lines.next) return false;
    lines.next = now + kPeriod;
    denials = std::exchange(lines.denials, 0);
  }
  LOG(WARNING) << (denial.is_trial ? "would be denied" : "denied")
               << Kv("principal",
                     denial.user.empty() ? "anonymous" : denial.user)
               << Kv("resource", denial.resource) << Kv("action", denial.action)
               << Kv("address", denial.address) << Kv("method", denial.method)
               << Kv("reason", Name(denial.reason))
               << (denial.why.empty()
                       ? ""
                       : Kv("claimed",
                            denial.claimed.substr(0, kMostClaimedBytes)) +
                             Kv("why", denial.why))
               << Kv("denials", denials);
  return true;
}

}  // namespace rmq
