#include "client/client.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/client_id.h"
#include "client/client_runtime_impl.h"
#include "client/expression_check.h"
#include "client/loop/callback_queue.h"
#include "client/resolver_listener.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/group_statements.h"
#include "client/session/proto_duration.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/validation.h"
#include "glog/logging.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kDestructorTimeout = absl::Seconds(3);

// Stands for the group in the key of a callback about a broker's health. No
// group has this name.
constexpr char kNoGroup[] = "";

absl::Status ValidateTimeout(absl::Duration timeout) {
  if (timeout > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "timeout must be positive, got ", absl::FormatDuration(timeout)));
}

absl::Time WallNow(Clock& clock) { return clock.ClockToWall(clock.TimeNow()); }

// `health` with times of the wall clock instead of `clock`'s own.
BrokerHealth WithWallTimes(BrokerHealth health, Clock& clock) {
  for (absl::Time* time : {&health.heartbeat_sent, &health.heartbeat_answered,
                           &health.last_error_at}) {
    if (*time != absl::InfinitePast()) *time = clock.ClockToWall(*time);
  }
  return health;
}

}  // namespace

// The methods of Client run on the application's threads. The methods of
// BrokerTable::Observer, and everything done with `table_`, run on the
// runtime's loop. The loop's tasks borrow this object, and the destructor waits
// for them.
class ClientImpl final : public Client, private BrokerTable::Observer {
 public:
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // `options` must validate, and the runtime must have reserved `client_id`.
  ClientImpl(ClientOptions options, std::string client_id);
  ~ClientImpl() override;

  absl::Status RegisterProducer(absl::string_view group) override {
    return ChangeGroups(
        [&](GroupStatements* groups) { return groups->AddProducer(group); });
  }
  absl::Status UnregisterProducer(absl::string_view group) override {
    return ChangeGroups(
        [&](GroupStatements* groups) { return groups->RemoveProducer(group); });
  }
  absl::Status RegisterConsumer(ConsumerOptions consumer) override {
    return ChangeGroups([&](GroupStatements* groups) {
      return groups->AddConsumer(consumer, WallNow(parts_.clock()));
    });
  }
  absl::Status UnregisterConsumer(absl::string_view group) override {
    return ChangeGroups(
        [&](GroupStatements* groups) { return groups->RemoveConsumer(group); });
  }
  absl::Status Subscribe(absl::string_view group,
                         Subscription subscription) override {
    return ChangeGroups([&](GroupStatements* groups) {
      return groups->Subscribe(group, subscription, WallNow(parts_.clock()));
    });
  }
  absl::Status Unsubscribe(absl::string_view group,
                           absl::string_view topic) override {
    return ChangeGroups([&](GroupStatements* groups) {
      return groups->Unsubscribe(group, topic);
    });
  }
  absl::Status Start() override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Shutdown(absl::Duration timeout) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<ConsumerIds> GetConsumerIds(absl::string_view address,
                                             absl::string_view group,
                                             absl::Duration timeout) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status CheckClientConfig(absl::string_view address,
                                 absl::string_view group,
                                 const Subscription& subscription,
                                 absl::Duration timeout) override
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<BrokerHealth> Health() const override;

  const std::string& client_id() const override { return client_id_; }
  uint64_t incarnation() const override { return incarnation_; }

 private:
  enum class Phase { kCreated, kRunning, kShutDown };

  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override;
  void OnHealthChanged(const BrokerHealth& health) override;
  void OnStopped(const absl::Status& status) override ABSL_LOCKS_EXCLUDED(mu_);

  // Runs `task` on the loop and waits for it. Must not be called on the loop,
  // nor with `mu_` held, since a task may call OnStopped().
  void RunOnLoop(const std::function<void()>& task) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // FailedPrecondition after Shutdown().
  absl::Status CheckNotShutDownLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes `change`, and posts the statement that follows from it.
  absl::Status ChangeGroups(
      absl::FunctionRef<absl::Status(GroupStatements* groups)> change)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Posts the current statement to the loop, if the client runs. The lock is
  // held meanwhile so that statements arrive in the order of the changes.
  void PostStatementLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Lets brokers check the expressions that they would have to compile.
  absl::Status CheckExpressionsAtBrokers() ABSL_LOCKS_EXCLUDED(mu_);

  // The stub of the broker at `address`, if the arguments of the call are good.
  absl::StatusOr<std::shared_ptr<BrokerStub>> StubForCall(
      absl::string_view address, absl::string_view group,
      absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  // Constant after construction. The runtime goes last.
  const std::shared_ptr<ClientRuntime> runtime_;
  ClientRuntime::Impl& parts_;
  const ClientOptions options_;
  const std::string client_id_;
  const uint64_t incarnation_;
  const std::shared_ptr<CallbackQueue> callbacks_;
  const std::shared_ptr<ResolverListener> resolver_listener_;

  // Used on the loop only.
  absl::BitGen random_;
  std::unique_ptr<BrokerTable> table_;

  absl::Mutex mu_;
  Phase phase_ ABSL_GUARDED_BY(mu_) = Phase::kCreated;
  GroupStatements groups_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;  // All sessions have stopped.
  CondVar all_stopped_;                        // Signals `stopped_`.
  // The first error that a session stopped with.
  absl::Status stop_status_ ABSL_GUARDED_BY(mu_);
};

ClientImpl::ClientImpl(ClientOptions options, std::string client_id)
    : runtime_(options.runtime),
      parts_(*runtime_->impl_),
      options_(std::move(options)),
      client_id_(std::move(client_id)),
      incarnation_(DrawIncarnation()),
      callbacks_(std::make_shared<CallbackQueue>(&parts_.dispatcher())),
      resolver_listener_(std::make_shared<ResolverListener>([this] {
        parts_.loop().Post(
            [this] { table_->SetBrokers(resolver_listener_->Take()); });
      })),
      table_(std::make_unique<BrokerTable>(
          BrokerSession::Options(options_), &parts_.loop(),
          [this](const std::string& address) {
            return parts_.transport().NewStub(address,
                                              options_.connect_timeout);
          },
          static_cast<BrokerTable::Observer*>(this),
          [this] { return absl::Uniform(random_, 0.0, 1.0); })),
      groups_(options_, client_id_, incarnation_) {
  if (options_.resolver != nullptr) {
    options_.resolver->AddListener(resolver_listener_);
  } else {
    resolver_listener_->OnBrokers(UnnamedBrokers(options_.brokers));
  }
}

ClientImpl::~ClientImpl() {
  CHECK(!parts_.dispatcher().IsCurrent())
      << "a client must not be destroyed inside a callback";
  resolver_listener_->Close();
  Shutdown(kDestructorTimeout).IgnoreError();
  RunOnLoop([this] { table_ = nullptr; });
  callbacks_->AwaitIdle(&parts_.clock(), absl::InfiniteFuture());
  parts_.ReturnClientId(client_id_);
}

absl::Status ClientImpl::Start() {
  absl::Status status = CheckExpressionsAtBrokers();
  if (!status.ok()) return status;
  MutexLock lock(&mu_);
  status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  if (phase_ == Phase::kRunning) return absl::OkStatus();
  phase_ = Phase::kRunning;
  PostStatementLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::CheckExpressionsAtBrokers() {
  std::vector<v1::CheckClientConfigRequest> checks;
  {
    MutexLock lock(&mu_);
    absl::Status status = CheckNotShutDownLocked();
    if (!status.ok()) return status;
    if (phase_ == Phase::kRunning) return absl::OkStatus();
    checks = groups_.ExpressionChecks();
  }
  if (checks.empty()) return absl::OkStatus();
  std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>> brokers;
  RunOnLoop([&] { brokers = table_->Stubs(); });
  return CheckExpressions(checks, brokers, &parts_.clock(),
                          options_.connect_timeout);
}

absl::Status ClientImpl::Shutdown(absl::Duration timeout) {
  Clock& clock = parts_.clock();
  const absl::Time deadline =
      clock.TimeNow() + std::max(timeout, absl::ZeroDuration());
  {
    MutexLock lock(&mu_);
    const Phase before = std::exchange(phase_, Phase::kShutDown);
    if (before != Phase::kShutDown) {
      // No session has anything to leave before Start().
      stopped_ = before == Phase::kCreated;
      if (stopped_) all_stopped_.SignalAll();
      parts_.loop().Post([this] { table_->Shutdown(); });
    }
  }
  callbacks_->Close();

  bool all_stopped;
  {
    MutexLock lock(&mu_);
    all_stopped = clock.AwaitWithDeadline(
        &lock, &all_stopped_,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_; },
        deadline);
  }
  if (!all_stopped) {
    RunOnLoop([this] { table_->Abandon(); });
  }
  // A callback cannot wait for itself, and callbacks run one at a time.
  const bool idle = parts_.dispatcher().IsCurrent() ||
                    callbacks_->AwaitIdle(&clock, deadline);
  MutexLock lock(&mu_);
  if (stop_status_.ok() && !idle) {
    return absl::DeadlineExceededError("a callback is still running");
  }
  return stop_status_;
}

absl::StatusOr<ConsumerIds> ClientImpl::GetConsumerIds(
    absl::string_view address, absl::string_view group,
    absl::Duration timeout) {
  const absl::StatusOr<std::shared_ptr<BrokerStub>> stub =
      StubForCall(address, group, timeout);
  if (!stub.ok()) return stub.status();
  Clock& clock = parts_.clock();
  const absl::Time deadline = clock.TimeNow() + timeout;
  ConsumerIds ids;
  ids.broker.address = std::string(address);
  v1::GetConsumerListByGroupRequest request;
  request.set_group(std::string(group));
  do {
    absl::StatusOr<v1::GetConsumerListByGroupResponse> response =
        (*stub)->GetConsumerListByGroup(request, deadline - clock.TimeNow());
    if (!response.ok()) {
      return AnnotateCall(response.status(),
                          absl::StrCat("consumer ids of ", Quoted(group)),
                          address);
    }
    ids.broker.name = response->broker_name();
    ids.broker.id = response->broker_id();
    ids.settling =
        std::max(FromProto(response->settling_until()), absl::ZeroDuration());
    for (std::string& id : *response->mutable_client_ids()) {
      ids.client_ids.push_back(std::move(id));
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  if (ids.settling > absl::ZeroDuration()) {
    parts_.loop().Post([this, address = ids.broker.address,
                        settled_at = clock.TimeNow() + ids.settling] {
      table_->NoteSettling(address, settled_at);
    });
  }
  return ids;
}

absl::Status ClientImpl::CheckClientConfig(absl::string_view address,
                                           absl::string_view group,
                                           const Subscription& subscription,
                                           absl::Duration timeout) {
  absl::Status status = subscription.Validate();
  if (!status.ok()) return status;
  const absl::StatusOr<std::shared_ptr<BrokerStub>> stub =
      StubForCall(address, group, timeout);
  if (!stub.ok()) return stub.status();
  v1::CheckClientConfigRequest request;
  request.set_client_id(client_id_);
  request.set_group(std::string(group));
  *request.mutable_subscription() = ToProto(subscription);
  return AnnotateCall(
      (*stub)->CheckClientConfig(request, timeout),
      absl::StrCat("check of ", Quoted(subscription.expression)), address);
}

std::vector<BrokerHealth> ClientImpl::Health() const {
  std::vector<BrokerHealth> health;
  RunOnLoop([this, &health] {
    for (BrokerHealth& broker : table_->Health()) {
      health.push_back(WithWallTimes(std::move(broker), parts_.clock()));
    }
  });
  return health;
}

void ClientImpl::OnConsumerIdsChanged(const BrokerEntry& broker,
                                      absl::string_view group) {
  if (!options_.on_consumer_ids_changed) return;
  ConsumerIdsChanged change{broker, std::string(group)};
  CallbackQueue::Key key(broker.address, change.group);
  callbacks_->Add(std::move(key),
                  [callback = options_.on_consumer_ids_changed,
                   change = std::move(change)] { callback(change); });
}

void ClientImpl::OnHealthChanged(const BrokerHealth& health) {
  if (!options_.on_broker_health_changed) return;
  callbacks_->Add({health.broker.address, kNoGroup},
                  [callback = options_.on_broker_health_changed,
                   snapshot = WithWallTimes(health, parts_.clock())] {
                    callback(snapshot);
                  });
}

void ClientImpl::OnStopped(const absl::Status& status) {
  MutexLock lock(&mu_);
  stop_status_ = status;
  stopped_ = true;
  all_stopped_.SignalAll();
}

void ClientImpl::RunOnLoop(const std::function<void()>& task) const {
  absl::Notification done;
  parts_.loop().Post([&] {
    task();
    done.Notify();
  });
  done.WaitForNotification();
}

absl::Status ClientImpl::CheckNotShutDownLocked() const {
  if (phase_ != Phase::kShutDown) return absl::OkStatus();
  return absl::FailedPreconditionError("the client is shut down");
}

absl::Status ClientImpl::ChangeGroups(
    absl::FunctionRef<absl::Status(GroupStatements* groups)> change) {
  MutexLock lock(&mu_);
  absl::Status status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  status = change(&groups_);
  if (status.ok()) PostStatementLocked();
  return status;
}

void ClientImpl::PostStatementLocked() {
  if (phase_ != Phase::kRunning) return;
  parts_.loop().Post([this, statement = groups_.Statement()] {
    table_->SetStatement(statement);
  });
}

absl::StatusOr<std::shared_ptr<BrokerStub>> ClientImpl::StubForCall(
    absl::string_view address, absl::string_view group,
    absl::Duration timeout) {
  absl::Status status = ValidateNameForm("group", group);
  if (!status.ok()) return status;
  status = ValidateTimeout(timeout);
  if (!status.ok()) return status;
  {
    MutexLock lock(&mu_);
    status = CheckNotShutDownLocked();
    if (!status.ok()) return status;
  }
  std::shared_ptr<BrokerStub> stub;
  RunOnLoop([&] { stub = table_->FindStub(address); });
  if (stub == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address must be that of one of the client's brokers, got ",
        Quoted(address)));
  }
  return stub;
}

absl::StatusOr<std::unique_ptr<Client>> ClientImpl::Create(
    ClientOptions options) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  if (options.runtime == nullptr) options.runtime = ClientRuntime::Create();
  ClientRuntime::Impl& parts = *options.runtime->impl_;
  std::string client_id = options.client_id;
  if (client_id.empty()) {
    client_id = MakeClientId(options.instance_name, options.unit_name,
                             WallNow(parts.clock()));
  }
  if (!parts.TakeClientId(client_id)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "a client on this runtime has the client_id ", Quoted(client_id)));
  }
  return std::make_unique<ClientImpl>(std::move(options), std::move(client_id));
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  return ClientImpl::Create(std::move(options));
}

}  // namespace rmq
