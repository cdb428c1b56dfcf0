#include "client/discovery/make_resolver.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/broker_resolver.h"
#include "client/discovery/dns_watch.h"
#include "client/discovery/etcd_broker_resolver.h"
#include "client/discovery/file_watch.h"
#include "client/discovery/known_brokers.h"
#include "client/discovery/system_host_lookup.h"
#include "client/loop/thread_event_loop.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/validation.h"

namespace rmq {
namespace {

class KnownSource : public ResolverSource {
 public:
  KnownSource(const ResolverUri& uri, Clock* clock)
      : known_(uri.ToString(), clock) {}

  void AddListener(std::weak_ptr<Listener> listener) override {
    known_.AddListener(std::move(listener));
  }
  ResolverStatus Status() const override { return known_.Status(); }

 protected:
  KnownBrokers known_;
};

class StaticResolver final : public KnownSource {
 public:
  StaticResolver(const ResolverUri& uri, Clock* clock,
                 const std::vector<BrokerEntry>& brokers)
      : KnownSource(uri, clock) {
    known_.Learn(brokers);
  }
};

class FileResolver final : public KnownSource {
 public:
  FileResolver(const ResolverUri& uri, Clock* clock,
               const DiscoveryOptions& options)
      : KnownSource(uri, clock),
        watch_(uri.path, options.file_interval, &loop_, &known_),
        loop_(clock) {
    watch_.Look();
    loop_.Post([this] { watch_.Follow(); });
  }

 private:
  FileWatch watch_;
  ThreadEventLoop loop_;  // Last: it ends first.
};

class DnsResolver final : public KnownSource {
 public:
  DnsResolver(const ResolverUri& uri, Clock* clock,
              const DiscoveryOptions& options)
      : KnownSource(uri, clock),
        watch_(uri.path, options, &lookup_, &loop_, &known_,
               [this] { return absl::Uniform(random_, 0.0, 1.0); }),
        loop_(clock) {
    loop_.Post([this] { watch_.Ask(); });
  }

  // No answer comes to the loop when it is destroyed.
  ~DnsResolver() override { lookup_.Close(); }

 private:
  absl::BitGen random_;  // Of the loop.
  SystemHostLookup lookup_;
  DnsWatch watch_;
  ThreadEventLoop loop_;  // Last: it ends first.
};

// Waits for a list.
class FirstList final : public BrokerResolver::Listener {
 public:
  void OnBrokers(const std::vector<BrokerEntry>& brokers) override
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (has_come_) return;
    brokers_ = brokers;
    has_come_ = true;
    come_.SignalAll();
  }

  // Whether the list has come by `deadline`.
  bool AwaitUntil(Clock* clock, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return clock->AwaitWithDeadline(
        &lock, &come_,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return has_come_; },
        deadline);
  }

  std::vector<BrokerEntry> brokers() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return brokers_;
  }

 private:
  absl::Mutex mu_;
  CondVar come_;
  bool has_come_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<BrokerEntry> brokers_ ABSL_GUARDED_BY(mu_);
};

bool PassesByItself(const absl::Status& error) {
  return error.ok() || absl::IsUnavailable(error) ||
         absl::IsDeadlineExceeded(error);
}

// How often a source is asked for its error while its list is awaited.
constexpr absl::Duration kErrorPeriod = absl::Milliseconds(20);

}  // namespace

absl::StatusOr<std::shared_ptr<ResolverSource>> MakeResolver(
    const ResolverUri& uri, const DiscoveryOptions& options) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  Clock& clock = RealClock();
  switch (uri.scheme) {
    case ResolverUri::Scheme::kStatic: {
      const auto brokers = ParseBrokerAddresses(uri.path);
      if (!brokers.ok()) return brokers.status();
      return std::make_shared<StaticResolver>(uri, &clock, *brokers);
    }
    case ResolverUri::Scheme::kFile:
      return std::make_shared<FileResolver>(uri, &clock, options);
    case ResolverUri::Scheme::kDns:
      return std::make_shared<DnsResolver>(uri, &clock, options);
    case ResolverUri::Scheme::kEtcd: {
      auto resolver = EtcdBrokerResolver::Create(uri, options, &clock);
      if (!resolver.ok()) return resolver.status();
      return *std::move(resolver);
    }
  }
  return absl::UnimplementedError(
      absl::StrCat("resolver must be of a scheme that this version has, got ",
                   Quoted(uri.ToString())));
}

absl::StatusOr<std::shared_ptr<ResolverSource>> MakeResolver(
    absl::string_view uri, const DiscoveryOptions& options) {
  const absl::StatusOr<ResolverUri> parsed = ParseResolverUri(uri);
  if (!parsed.ok()) return parsed.status();
  return MakeResolver(*parsed, options);
}

absl::StatusOr<std::vector<BrokerEntry>> AwaitBrokers(ResolverSource* resolver,
                                                      absl::Duration timeout) {
  Clock& clock = RealClock();
  const absl::Time deadline = clock.TimeNow() + timeout;
  const auto first = std::make_shared<FirstList>();
  resolver->AddListener(first);
  while (true) {
    const absl::Time now = clock.TimeNow();
    if (first->AwaitUntil(&clock, std::min(deadline, now + kErrorPeriod))) {
      return first->brokers();
    }
    const ResolverStatus status = resolver->Status();
    if (!PassesByItself(status.error)) return status.error;
    if (clock.TimeNow() < deadline) continue;
    if (!status.error.ok()) return status.error;
    return absl::DeadlineExceededError(
        absl::StrCat(status.source, " has told no brokers within ",
                     absl::FormatDuration(timeout)));
  }
}

}  // namespace rmq
