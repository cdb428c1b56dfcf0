#include "client/watch/membership_watcher.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/broker_entry.h"
#include "client/client_options.h"
#include "client/client_runtime_impl.h"
#include "client/grpc/grpc_transport.h"
#include "client/loop/ordered_callbacks.h"
#include "client/watch/watch_session.h"
#include "client/watch/watch_stub.h"
#include "common/backoff.h"
#include "common/mutex_lock.h"
#include "common/security/client_security.h"
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
  if (brokers.empty()) {
    return absl::InvalidArgumentError("brokers must not be empty");
  }
  absl::Status status = ValidateBrokers(UnnamedBrokers(brokers));
  if (!status.ok()) return status;
  status = ValidateClientSecurity(tls, credentials, allow_insecure_credentials,
                                  brokers);
  if (!status.ok()) return status;
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

class MembershipWatcher::Impl {
 public:
  Impl(MembershipWatcherOptions options, ClientRuntime::Impl* parts,
       std::shared_ptr<ChannelSecurity> security)
      : runtime_(options.runtime),
        parts_(*parts),
        security_(std::move(security)),
        options_(std::move(options)),
        callbacks_(std::make_shared<OrderedCallbacks>(
            &parts_.dispatcher(), kMaxWaitingCallbacks, [this] {
              parts_.loop().Post([this] {
                for (const auto& watch : watches_) watch->session().OnRoom();
              });
            })) {
    RunOnLoop([this] {
      for (const std::string& broker : options_.brokers) {
        watches_.push_back(std::make_unique<Watch>(this, broker));
      }
      for (const auto& watch : watches_) watch->session().Start();
    });
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
    callbacks_->Close();
    RunOnLoop([this] { watches_.clear(); });
    if (parts_.dispatcher().IsCurrent() ||
        callbacks_->AwaitIdle(&clock, deadline)) {
      return absl::OkStatus();
    }
    return absl::DeadlineExceededError("a callback is still running");
  }

  // Runs `look` on the session with `broker`.
  absl::Status Look(absl::string_view broker,
                    absl::FunctionRef<void(const MembershipReplay&)> look)
      ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(&mu_);
      if (shut_down_) {
        return absl::FailedPreconditionError("the watcher is shut down");
      }
    }
    absl::Status status = absl::InvalidArgumentError(absl::StrCat(
        "broker must be one of the watcher's brokers, got ", Quoted(broker)));
    RunOnLoop([&] {
      for (const auto& watch : watches_) {
        if (watch->broker() != broker) continue;
        if (watch->session().synced()) {
          look(watch->session().members());
          status = absl::OkStatus();
        } else {
          status = absl::UnavailableError(
              absl::StrCat("the members at ", broker, " are not known yet"));
        }
      }
    });
    return status;
  }

 private:
  // The watch of one broker. Used on the loop only.
  class Watch final : private WatchSession::Observer {
   public:
    Watch(Impl* watcher, const std::string& broker)
        : watcher_(*watcher),
          broker_(broker),
          stub_(watcher->parts_.transport().NewWatchStub(
              broker, watcher->options_.connect_timeout, watcher->security_)),
          session_(SessionOptions(watcher->options_), &watcher->parts_.loop(),
                   stub_.get(), this, [watcher] {
                     return absl::Uniform(watcher->random_, 0.0, 1.0);
                   }) {}

    const std::string& broker() const { return broker_; }
    WatchSession& session() { return session_; }

   private:
    void OnState(const WatchState& state) override {
      WatchState wall = state;
      if (wall.retry_at != absl::InfiniteFuture()) {
        wall.retry_at = watcher_.parts_.clock().ClockToWall(wall.retry_at);
      }
      Call(watcher_.options_.on_state, std::move(wall));
    }
    void OnSynced(const WatchPosition& position) override {
      Call(watcher_.options_.on_synced, position);
    }
    void OnEvent(const WatchedEvent& event) override {
      Call(watcher_.options_.on_event, event);
    }
    void OnGap(const WatchGap& gap) override {
      Call(watcher_.options_.on_gap, gap);
    }
    bool HasRoom() override { return watcher_.callbacks_->HasRoom(); }

    // `callback` outlives the queue's callbacks, as the options do.
    template <typename Callback, typename Value>
    void Call(const Callback& callback, Value value) {
      if (callback == nullptr) return;
      watcher_.callbacks_->Add(
          [&callback, broker = broker_, value = std::move(value)] {
            callback(broker, value);
          });
    }

    Impl& watcher_;
    const std::string broker_;
    const std::unique_ptr<WatchStub> stub_;
    WatchSession session_;
  };

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

  // Used on the loop only.
  absl::BitGen random_;
  std::vector<std::unique_ptr<Watch>> watches_;

  absl::Mutex mu_;
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

absl::StatusOr<std::unique_ptr<MembershipWatcher>> MembershipWatcher::Start(
    MembershipWatcherOptions options) {
  absl::Status status = options.Validate();
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

absl::Status MembershipWatcher::Shutdown(absl::Duration timeout) {
  return impl_->Shutdown(timeout);
}

}  // namespace rmq
