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
  }
  return "?";
}

bool DenialLog::Note(const Denial& denial, absl::Time now) {
  counters_.Count(denial.reason);
  int64_t denials;
  {
    MutexLock lock(&mu_);
    ++since_last_;
    if (now < next_line_) return false;
    next_line_ = now + kPeriod;
    denials = std::exchange(since_last_, 0);
  }
  LOG(WARNING) << (is_trial_ ? "would be denied" : "denied")
               << Kv("principal",
                     denial.user.empty() ? "anonymous" : denial.user)
               << Kv("resource", denial.resource) << Kv("action", denial.action)
               << Kv("address", denial.address) << Kv("method", denial.method)
               << Kv("reason", Name(denial.reason)) << Kv("denials", denials);
  return true;
}

}  // namespace rmq
