#include "client/discovery/known_brokers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {

KnownBrokers::KnownBrokers(std::string source, Clock* clock) : clock_(*clock) {
  status_.source = std::move(source);
}

void KnownBrokers::Learn(const std::vector<BrokerEntry>& brokers,
                         size_t passed_over) {
  if (brokers.empty()) return FailAsEmpty(passed_over);
  absl::Status status = ValidateBrokers(brokers);
  if (!status.ok()) return Fail(std::move(status));
  ResolverStatus before;
  {
    MutexLock lock(&mu_);
    before = status_;
    status_.learned_at = WallNow();
    status_.brokers = brokers.size();
    status_.error = absl::OkStatus();
    status_.error_since = absl::InfiniteFuture();
    status_.passed_over = passed_over;
    failures_.Clear();
  }
  const bool is_other =
      before.learned_at == absl::InfinitePast() || brokers != brokers_;
  if (!before.error.ok()) {
    LOG(INFO) << "the source tells its brokers again"
              << Kv("source", before.source)
              << Kv("failed_for", absl::FormatDuration(absl::Trunc(
                                      WallNow() - before.error_since,
                                      absl::Milliseconds(100))));
  }
  if (before.passed_over != passed_over) {
    LOG(WARNING) << "entries of the source cannot be read, and are passed over"
                 << Kv("source", before.source) << Kv("entries", passed_over);
  }
  if (!is_other) return;
  LOG(INFO) << "the source has told other brokers"
            << Kv("source", before.source) << Kv("brokers", brokers.size())
            << Kv("before", before.brokers);
  brokers_ = brokers;
  lists_.SetBrokers(brokers).IgnoreError();  // It validates.
}

void KnownBrokers::FailAsEmpty(size_t passed_over) {
  {
    MutexLock lock(&mu_);
    status_.passed_over = passed_over;
  }
  Fail(absl::NotFoundError(
      passed_over == 0
          ? "the source lists no broker"
          : absl::StrCat("the source lists no broker that this version can "
                         "read: entries that it cannot read: ",
                         passed_over)));
}

void KnownBrokers::Fail(absl::Status error) {
  ResolverStatus before;
  bool is_new_way;
  {
    MutexLock lock(&mu_);
    before = status_;
    status_.error = error;
    if (before.error.ok()) status_.error_since = WallNow();
    is_new_way = failures_.Add(error);
  }
  if (!is_new_way) return;
  LOG(WARNING) << (before.learned_at == absl::InfinitePast()
                       ? "the source does not tell its brokers: there are none"
                       : "the source does not tell its brokers: the last ones "
                         "that it told are kept")
               << Kv("source", before.source) << Kv("brokers", before.brokers)
               << Kv("error", error.ToString());
}

ResolverStatus KnownBrokers::Status() const {
  MutexLock lock(&mu_);
  return status_;
}

}  // namespace rmq
