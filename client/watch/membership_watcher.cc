#include "client/watch/membership_watcher.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/types/variant.h"
#include "client/broker_source.h"
#include "client/client_options.h"
#include "client/client_runtime_impl.h"
#include "client/grpc/grpc_transport.h"
#include "client/loop/ordered_callbacks.h"
#include "client/named_resolver.h"
#include "client/resolver_listener.h"
#include "client/watch/membership_replay.h"
#include "client/watch/watch_session.h"
#include "client/watch/watched_brokers.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/mutex_lock.h"
#include "common/validation.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// As the broker has it: WatchRequest.groups.
constexpr size_t kMaxGroups = 256;

WatchSession::Options SessionOptions(const MembershipWatcherOptions& options) {
  WatchSession::Options session;
  session.groups = options.groups;
  session.consumers = options.consumers;
  session.producers = options.producers;
  session.from_revision = options.from_revision;
  session.broker_incarnation = options.broker_incarnation;
  session.connect_timeout = options.connect_timeout;
  session.backoff = {options.initial_backoff, options.max_backoff};
  session.max_members = options.max_members;
  return session;
}

}  // namespace

absl::Status MembershipWatcherOptions::Validate() const {
  absl::Status status =
      ValidateBrokerSource({brokers, resolver, discovery, tls, credentials,
                            allow_insecure_credentials});
  if (!status.ok()) return status;
  if (from_revision != 0 && brokers.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "from_revision must be 0 unless brokers has exactly one entry, got ",
        from_revision));
  }
  if (groups.size() > kMaxGroups) {
    return absl::InvalidArgumentError(absl::StrCat(
        "groups must be at most ", kMaxGroups, ", got ", groups.size()));
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    status = ValidateNameForm(absl::StrCat("groups[", i, "]"), groups[i]);
    if (!status.ok()) return status;
    if (std::count(groups.begin(), groups.end(), groups[i]) > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("groups must name each group once, got ",
                       Quoted(groups[i]), " twice"));
    }
  }
  if (!consumers && !producers) {
    return absl::InvalidArgumentError(
        "consumers or producers must be true, got neither");
  }
  if (connect_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("connect_timeout must be positive, got ",
                     absl::FormatDuration(connect_timeout)));
  }
  if (max_members == 0) {
    return absl::InvalidArgumentError("max_members must be positive, got 0");
  }
  return Backoff::Options{initial_backoff, max_backoff}.Validate();
}

class MembershipWatcher::Impl final : private WatchedBrokers::Observer {
 public:
  Impl(MembershipWatcherOptions options, ClientRuntime::Impl* parts,
       std::shared_ptr<ChannelSecurity> security)
      : runtime_(options.runtime),
        parts_(*parts),
        security_(std::move(security)),
        options_(std::move(options)),
        callbacks_(std::make_shared<OrderedCallbacks>(
            &parts_.dispatcher(), kMaxWaitingCallbacks,
            [this] { parts_.loop().Post([this] { OnRoom(); }); })),
        listener_(std::make_shared<ResolverListener>(
            [this] { parts_.loop().Post([this] { TakeBrokers(); }); })) {
    RunOnLoop([this] {
      brokers_ = std::make_unique<WatchedBrokers>(
          SessionOptions(options_), &parts_.loop(),
          [this](const std::string& address) {
            return parts_.transport().NewWatchStub(
                address, options_.connect_timeout, security_);
          },
          static_cast<WatchedBrokers::Observer*>(this),
          [this] { return absl::Uniform(random_, 0.0, 1.0); });
      if (!IsGiven(options_.resolver)) {
        brokers_->SetBrokers(UnnamedBrokers(options_.brokers),
                             absl::ZeroDuration());
      }
    });
    // A string has become a resolver.
    if (IsGiven(options_.resolver)) {
      absl::get<0>(options_.resolver)->AddListener(listener_);
    }
  }

  ~Impl() {
    CHECK(!parts_.dispatcher().IsCurrent())
        << "a watcher must not be destroyed inside a callback";
    Shutdown(absl::InfiniteDuration()).IgnoreError();
    RunOnLoop([] {});  // What was posted when there was room again.
  }

  absl::Status Shutdown(absl::Duration timeout) {
    Clock& clock = parts_.clock();
    const absl::Time deadline = clock.TimeNow() + timeout;
    {
      MutexLock lock(&mu_);
      shut_down_ = true;
    }
    listener_->Close();
    callbacks_->Close();
    RunOnLoop([this] { brokers_ = nullptr; });
    if (parts_.dispatcher().IsCurrent() ||
        callbacks_->AwaitIdle(&clock, deadline)) {
      return absl::OkStatus();
    }
    return absl::DeadlineExceededError("a callback is still running");
  }

  // Runs `look` on what is known of `broker`.
  absl::Status Look(absl::string_view broker,
                    absl::FunctionRef<void(const MembershipReplay&)> look)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::Status status;
    const absl::Status present = LookAtAll([&](const WatchedBrokers& brokers) {
      const MembershipReplay* const members = brokers.MembersAt(broker);
      if (members != nullptr) {
        look(*members);
      } else if (brokers.IsWatched(broker)) {
        status = absl::UnavailableError(
            absl::StrCat("the members at ", broker, " are not known yet"));
      } else {
        status = absl::InvalidArgumentError(
            absl::StrCat("broker must be one of those that are watched, got ",
                         Quoted(broker)));
      }
    });
    return present.ok() ? status : present;
  }

  // Runs `look` on all brokers.
  absl::Status LookAtAll(absl::FunctionRef<void(const WatchedBrokers&)> look)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::Status status = absl::FailedPreconditionError(kShutDown);
    {
      MutexLock lock(&mu_);
      if (shut_down_) return status;
    }
    RunOnLoop([&] {
      if (brokers_ == nullptr) return;  // Shut down meanwhile.
      look(*brokers_);
      status = absl::OkStatus();
    });
    return status;
  }

 private:
  static constexpr char kShutDown[] = "the watcher is shut down";

  void OnBrokers(const std::vector<BrokerEntry>& brokers) override {
    if (options_.on_brokers == nullptr) return;
    callbacks_->Add([this, brokers] { options_.on_brokers(brokers); });
  }
  void OnState(const std::string& broker, const WatchState& state) override {
    WatchState wall = state;
    if (wall.retry_at != absl::InfiniteFuture()) {
      wall.retry_at = parts_.clock().ClockToWall(wall.retry_at);
    }
    Call(options_.on_state, broker, std::move(wall));
  }
  void OnSynced(const std::string& broker,
                const WatchPosition& position) override {
    Call(options_.on_synced, broker, position);
  }
  void OnEvent(const std::string& broker, const WatchedEvent& event) override {
    Call(options_.on_event, broker, event);
  }
  void OnGap(const std::string& broker, const WatchGap& gap) override {
    Call(options_.on_gap, broker, gap);
  }
  bool HasRoom() override { return callbacks_->HasRoom(); }

  // `callback` outlives the queue's callbacks, as the options do.
  template <typename Callback, typename Value>
  void Call(const Callback& callback, const std::string& broker, Value value) {
    if (callback == nullptr) return;
    callbacks_->Add([&callback, broker, value = std::move(value)] {
      callback(broker, value);
    });
  }

  // On the loop: the resolver has told a list. It waits while there is no room
  // for callbacks, and later ones take its place.
  void TakeBrokers() {
    list_waits_ = !callbacks_->HasRoom();
    if (list_waits_ || brokers_ == nullptr) return;
    brokers_->SetBrokers(listener_->Take(),
                         absl::get<0>(options_.resolver)->UnlistedStay());
  }
  // On the loop.
  void OnRoom() {
    if (list_waits_) TakeBrokers();
    if (brokers_ != nullptr) brokers_->OnRoom();
  }

  // Runs `task` on the loop and waits for it.
  void RunOnLoop(absl::FunctionRef<void()> task) {
    absl::Notification done;
    parts_.loop().Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }

  // Constant after construction. The runtime goes last.
  const std::shared_ptr<ClientRuntime> runtime_;
  ClientRuntime::Impl& parts_;
  const std::shared_ptr<ChannelSecurity> security_;
  const MembershipWatcherOptions options_;
  const std::shared_ptr<OrderedCallbacks> callbacks_;
  const std::shared_ptr<ResolverListener> listener_;

  // Used on the loop only.
  absl::BitGen random_;
  bool list_waits_ = false;
  std::unique_ptr<WatchedBrokers> brokers_;  // Null once shut down.

  absl::Mutex mu_;
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

absl::StatusOr<std::unique_ptr<MembershipWatcher>> MembershipWatcher::Start(
    MembershipWatcherOptions options) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  status =
      MakeNamedResolver(&options.resolver, &options.tls, &options.discovery);
  if (!status.ok()) return status;
  absl::StatusOr<std::shared_ptr<ChannelSecurity>> security =
      GrpcTransport::Secure(options.tls, options.credentials);
  if (!security.ok()) return security.status();
  if (options.runtime == nullptr) options.runtime = ClientRuntime::Create();
  ClientRuntime::Impl* const parts = options.runtime->impl_.get();
  return std::unique_ptr<MembershipWatcher>(new MembershipWatcher(
      std::make_unique<Impl>(std::move(options), parts, *std::move(security))));
}

MembershipWatcher::MembershipWatcher(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

MembershipWatcher::~MembershipWatcher() = default;

absl::StatusOr<std::vector<WatchedMember>> MembershipWatcher::Members(
    absl::string_view broker, absl::string_view group, bool is_producer) const {
  std::vector<WatchedMember> members;
  const absl::Status status =
      impl_->Look(broker, [&](const MembershipReplay& replay) {
        members = replay.MembersOf(group, is_producer);
      });
  if (!status.ok()) return status;
  return members;
}

absl::StatusOr<std::vector<WatchedGroup>> MembershipWatcher::Groups(
    absl::string_view broker) const {
  std::vector<WatchedGroup> groups;
  const absl::Status status = impl_->Look(
      broker,
      [&](const MembershipReplay& replay) { groups = replay.Groups(); });
  if (!status.ok()) return status;
  return groups;
}

absl::StatusOr<std::vector<BrokerEntry>> MembershipWatcher::Brokers() const {
  std::vector<BrokerEntry> brokers;
  const absl::Status status = impl_->LookAtAll(
      [&](const WatchedBrokers& watched) { brokers = watched.brokers(); });
  if (!status.ok()) return status;
  return brokers;
}

absl::Status MembershipWatcher::Shutdown(absl::Duration timeout) {
  return impl_->Shutdown(timeout);
}

}  // namespace rmq
