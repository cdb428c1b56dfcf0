#include "broker/registrar/registrar.h"

#include <random>
#include <string>
#include <utility>

#include "common/etcd/etcd_client.h"
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
    std::function<void(bool)> on_change, Clock* clock) {
  return {std::move(entry),
          [etcd = options.Etcd(),
           clock]() -> absl::StatusOr<std::unique_ptr<EtcdCalls>> {
            auto client = EtcdClient::Create(etcd, clock);
            if (!client.ok()) return BySettings(client.status());
            return *std::move(client);
          },
          clock, std::move(on_change)};
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
  environment_.on_change(false);
  thread_ = std::thread([this] { Loop(); });

  Clock& clock = *environment_.clock;
  const absl::Time began = clock.TimeNow();
  MutexLock lock(&mu_);
  const auto is_known = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return state_.is_registered || !state_.error.ok() || !state_.holder.empty();
  };
  clock.AwaitWithDeadline(&lock, &changed_, is_known, began + kStartWait);
  const auto is_free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return state_.holder.empty();
  };
  if (!clock.AwaitWithDeadline(&lock, &changed_, is_free,
                               began + options_.etcd_lease + kHolderMargin)) {
    return NameInUse(entry, state_);
  }
  if (!is_known()) {
    LOG(WARNING) << "etcd has not answered yet; the broker goes on, and tries "
                    "again";
  }
  return absl::OkStatus();
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
  MutexLock lock(&mu_);
  return state_;
}

void Registrar::Loop() {
  Clock& clock = *environment_.clock;
  const auto now = [&clock] { return clock.TimeNow(); };
  while (alarm_.Await(&clock, absl::InfinitePast(), registration_->NextDue())) {
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
    MutexLock lock(&mu_);
    state_ = registration_->state();
    settled_ = serving == serving_;
    changed_.SignalAll();
  }
}

}  // namespace rmq
