#include "broker/registrar/registrar.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "common/etcd/etcd_client.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// A live holder has renewed its lease by then.
constexpr absl::Duration kHolderMargin = absl::Seconds(2);

void Log(Registration::Severity severity, const std::string& line) {
  switch (severity) {
    case Registration::Severity::kInfo: LOG(INFO) << line; break;
    case Registration::Severity::kWarning: LOG(WARNING) << line; break;
    case Registration::Severity::kError: LOG(ERROR) << line; break;
  }
}

double Random() {
  thread_local std::minstd_rand generator{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace

Registrar::Environment Registrar::OverEtcd(
    const RegistrarOptions& options, std::function<DiscoveryEntry()> entry,
    std::function<void(bool)> on_change, std::function<bool()> is_to_stop,
    bool lists_cluster, Clock* clock) {
  return {std::move(entry),
          [etcd = options.Etcd(),
           clock]() -> absl::StatusOr<std::unique_ptr<EtcdCalls>> {
            auto client = EtcdClient::Create(etcd, clock);
            if (!client.ok()) return BySettings(client.status());
            return *std::move(client);
          },
          clock,
          std::move(on_change),
          std::move(is_to_stop),
          lists_cluster};
}

Registrar::Registrar(const RegistrarOptions& options, Environment environment)
    : options_(options), environment_(std::move(environment)) {}

Registrar::~Registrar() { Stop(absl::ZeroDuration()); }

absl::Status Registrar::Start() {
  absl::StatusOr<std::unique_ptr<EtcdCalls>> calls = environment_.connect();
  if (!calls.ok()) return calls.status();
  calls_ = *std::move(calls);
  const DiscoveryEntry entry = environment_.entry();
  registration_ =
      std::make_unique<Registration>(calls_.get(), options_.etcd_prefix, entry,
                                     options_.etcd_lease, Random, Log);
  if (environment_.lists_cluster) {
    cluster_ = std::make_unique<ClusterBrokers>(
        calls_.get(), options_.etcd_prefix, entry, Random);
  }
  {
    MutexLock lock(&mu_);
    state_ = registration_->state();
    if (cluster_ != nullptr) cluster_list_ = cluster_->list();
  }
  environment_.on_change(false);
  thread_ = std::thread([this] { Loop(); });

  const absl::Time began = environment_.clock->TimeNow();
  const auto is_known = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return state_.is_registered || !state_.error.ok() || !state_.holder.empty();
  };
  const bool was_answered = AwaitStart(is_known, began + kStartWait);
  const auto is_free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return state_.holder.empty();
  };
  const bool is_name_free =
      AwaitStart(is_free, began + options_.etcd_lease + kHolderMargin);
  if (environment_.is_to_stop()) return absl::OkStatus();
  if (!is_name_free) return NameInUse(entry, state());
  if (!was_answered) {
    LOG(WARNING) << "etcd has not answered yet; the broker goes on, and tries "
                    "again";
  }
  return absl::OkStatus();
}

bool Registrar::AwaitStart(absl::FunctionRef<bool()> condition,
                           absl::Time deadline) {
  Clock& clock = *environment_.clock;
  while (!environment_.is_to_stop()) {
    const absl::Time now = clock.TimeNow();
    MutexLock lock(&mu_);
    if (clock.AwaitWithDeadline(&lock, &changed_, condition,
                                std::min(deadline, now + kStartStep))) {
      return true;
    }
    if (clock.TimeNow() >= deadline) return false;
  }
  return false;
}

void Registrar::Stop(absl::Duration timeout) {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(&mu_);
    environment_.clock->AwaitWithDeadline(
        &lock, &changed_,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return !serving_ && settled_;
        },
        environment_.clock->TimeNow() + timeout);
  }
  alarm_.Stop();
  calls_->Cancel();
  thread_.join();
}

void Registrar::SetServing(bool serving) {
  {
    MutexLock lock(&mu_);
    if (serving_ == serving) return;
    serving_ = serving;
    settled_ = false;
  }
  alarm_.BringForward(absl::InfinitePast());
}

RegistrationState Registrar::state() const {
  RegistrationState state;
  {
    MutexLock lock(&mu_);
    state = state_;
  }
  state.since = environment_.clock->ClockToWall(state.since);
  return state;
}

std::shared_ptr<const ClusterBrokers::List> Registrar::cluster() const {
  MutexLock lock(&mu_);
  return cluster_list_;
}

absl::Time Registrar::NextDue() const {
  const absl::Time next = registration_->NextDue();
  return cluster_ == nullptr ? next : std::min(next, cluster_->NextDue());
}

void Registrar::ListCluster(const std::function<absl::Time()>& now) {
  cluster_->Run(now);
  const absl::Status& error = cluster_->error();
  if (error.ok()) {
    if (cluster_failures_.Clear()) {
      LOG(INFO) << "etcd tells the brokers of the cluster again"
                << Kv("brokers", cluster_->list()->size());
    }
    return;
  }
  // That etcd is away is said of the entry, at its next renewal.
  if (absl::IsUnavailable(error) || absl::IsDeadlineExceeded(error) ||
      !registration_->state().error.ok() || !cluster_failures_.Add(error)) {
    return;
  }
  LOG(WARNING) << "etcd does not tell the brokers of the cluster; clients of "
                  "RocketMQ 5's SDKs are told those that were known"
               << Kv("brokers", cluster_->list()->size())
               << Kv("error", error.message());
}

void Registrar::Loop() {
  Clock& clock = *environment_.clock;
  const auto now = [&clock] { return clock.TimeNow(); };
  while (alarm_.Await(&clock, absl::InfinitePast(), NextDue())) {
    bool serving;
    {
      MutexLock lock(&mu_);
      serving = serving_;
    }
    registration_->Want(serving);
    const bool was_registered = registration_->state().is_registered;
    registration_->Run(now);
    const bool is_registered = registration_->state().is_registered;
    if (is_registered != was_registered) environment_.on_change(is_registered);
    if (cluster_ != nullptr) ListCluster(now);
    MutexLock lock(&mu_);
    state_ = registration_->state();
    if (cluster_ != nullptr) cluster_list_ = cluster_->list();
    settled_ = serving == serving_ &&
               (registration_->failed_withdrawals() == 0 ||
                registration_->failed_withdrawals() >= kWithdrawalsOfStop);
    changed_.SignalAll();
  }
}

}  // namespace rmq
