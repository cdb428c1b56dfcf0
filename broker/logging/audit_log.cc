#include "broker/logging/audit_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// "drain asked (20), kicked (100)".
template <typename Counts>
std::string Counted(const Counts& counts) {
  return absl::StrJoin(counts, ", ", [](std::string* out, const auto& count) {
    absl::StrAppend(out, count.first, " (", count.second, ")");
  });
}

}  // namespace

AuditLog::AuditLog(Clock* clock, DueListener on_due)
    : clock_(*clock), on_due_(std::move(on_due)) {}

AuditLog::~AuditLog() { WriteSums(); }

void AuditLog::Write(const AuditLine& line) {
  const absl::Time now = clock_.TimeNow();
  absl::Time wake = absl::InfiniteFuture();
  {
    MutexLock lock(&mu_);
    if (!(line.changes ? changes_ : others_).Take(now)) {
      AddTo(&left_out_, line);
      if (sums_due_ != absl::InfiniteFuture()) return;
      wake = sums_due_ = now + kSumPeriod;
    }
  }
  if (wake != absl::InfiniteFuture()) {
    if (on_due_) on_due_(wake);
  } else if (line.is_warning) {
    LOG(WARNING) << line.action << line.details;
  } else {
    LOG(INFO) << line.action << line.details;
  }
}

absl::Time AuditLog::NextDue() {
  MutexLock lock(&mu_);
  return sums_due_;
}

void AuditLog::Run(absl::Time now) {
  if (now >= NextDue()) WriteSums();
}

void AuditLog::Finish(absl::Time /*now*/) { WriteSums(); }

void AuditLog::AddTo(Sums* sums, const AuditLine& line) {
  ++sums->lines;
  sums->channels += line.channels;
  sums->changing += line.changes ? 1 : 0;
  ++sums->actions[line.action];
  if (line.host.empty()) return;
  const std::string host(line.host);
  if (sums->hosts.size() < kMostHosts || sums->hosts.contains(host)) {
    ++sums->hosts[host];
  } else {
    ++sums->further_hosts;
  }
}

void AuditLog::WriteSums() {
  Sums sums;
  {
    MutexLock lock(&mu_);
    sums = std::exchange(left_out_, {});
    sums_due_ = absl::InfiniteFuture();
  }
  if (sums.lines == 0) return;
  std::string hosts = Counted(sums.hosts);
  if (sums.further_hosts > 0) {
    absl::StrAppend(&hosts, ", others (", sums.further_hosts, ")");
  }
  LOG(WARNING) << "left out " << sums.lines << " audit lines"
               << Kv("changing", sums.changing) << Kv("channels", sums.channels)
               << Kv("actions", Counted(sums.actions)) << Kv("hosts", hosts);
}

}  // namespace rmq
