#include "client/client.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/broker_resolver.h"
#include "client/client_id.h"
#include "client/client_runtime_impl.h"
#include "client/loop/callback_queue.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/proto_duration.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/validation.h"
#include "glog/logging.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kDestructorTimeout = absl::Seconds(3);

// The group in the key of a callback about a broker's health. No group has it.
constexpr char kNoGroup[] = "";

v1::SubscriptionData ToProto(const Subscription& subscription) {
  v1::SubscriptionData proto;
  proto.set_topic(subscription.topic);
  proto.set_expression(subscription.expression);
  proto.set_expression_type(subscription.expression_type);
  return proto;
}

absl::Status AlreadyHas(absl::string_view kind, absl::string_view group) {
  return absl::AlreadyExistsError(absl::StrCat(
      "the client has the ", kind, " group ", Quoted(group), " already"));
}

absl::Status HasNo(absl::string_view kind, absl::string_view group) {
  return absl::NotFoundError(
      absl::StrCat("the client has no ", kind, " group ", Quoted(group)));
}

// `status`, and what was being done.
absl::Status Annotate(const absl::Status& status, absl::string_view what,
                      absl::string_view broker) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(what, " at ", broker, ": ",
                                                  status.message()));
}

bool IsTag(absl::string_view expression_type) {
  return expression_type.empty() || expression_type == "TAG";
}

// Whether a broker has looked at an expression and refuses it, in distinction
// from one that cannot be asked.
bool IsVerdict(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

absl::Status ValidateTimeout(absl::Duration timeout) {
  if (timeout > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "timeout must be positive, got ", absl::FormatDuration(timeout)));
}

// Where a resolver leaves its latest list for a client, until it is closed: the
// resolver may hold it for longer than the client lives.
class ResolverListener final : public BrokerResolver::Listener {
 public:
  // `wake` is called when there is a list to take. It must not block, nor call
  // back in.
  explicit ResolverListener(std::function<void()> wake)
      : wake_(std::move(wake)) {}

  void OnBrokers(const std::vector<BrokerEntry>& brokers) override
      ABSL_LOCKS_EXCLUDED(mu_) {
    const absl::Status status = ValidateBrokers(brokers);
    if (!status.ok()) {
      LOG(ERROR) << "a list of brokers is not taken"
                 << Kv("error", status.ToString());
      return;
    }
    MutexLock lock(&mu_);
    brokers_ = brokers;
    if (std::exchange(waiting_, true)) return;
    if (wake_) wake_();
  }

  std::vector<BrokerEntry> Take() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    waiting_ = false;
    return std::move(brokers_);
  }

  // Nobody is woken from here on.
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    wake_ = nullptr;
  }

 private:
  absl::Mutex mu_;
  std::function<void()> wake_ ABSL_GUARDED_BY(mu_);
  std::vector<BrokerEntry> brokers_ ABSL_GUARDED_BY(mu_);
  bool waiting_ ABSL_GUARDED_BY(mu_) = false;  // Woken, and not taken yet.
};

}  // namespace

// Methods run on the application's threads; those of BrokerTable::Observer, and
// everything done with `table_`, on the runtime's loop. The loop's tasks borrow
// this object: the destructor waits for them.
class ClientImpl final : public Client, private BrokerTable::Observer {
 public:
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // `options` must validate, and `client_id` be taken from the runtime.
  ClientImpl(ClientOptions options, std::string client_id);
  ~ClientImpl() override;

  absl::Status RegisterProducer(absl::string_view group) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status UnregisterProducer(absl::string_view group) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status RegisterConsumer(ConsumerOptions consumer) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status UnregisterConsumer(absl::string_view group) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Subscribe(absl::string_view group,
                         Subscription subscription) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Unsubscribe(absl::string_view group,
                           absl::string_view topic) override
      ABSL_LOCKS_EXCLUDED(mu_);
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

  // Runs `task` on the loop and waits for it. Not on the loop, nor with `mu_`
  // held: a task may end in OnStopped().
  void RunOnLoop(const std::function<void()>& task) const
      ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status CheckNotShutDownLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckRoomLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t NextSubVersionLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Hands the table what is to be stated from now on, if the client runs.
  // Posted under the lock, so that statements arrive in the order of changes.
  void StateLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // What is to be asked before Start(): the subscriptions whose expressions a
  // broker has to compile.
  std::vector<v1::CheckClientConfigRequest> ChecksLocked() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has each checked by a broker; all refusals in one status. Reference:
  // MQClientInstance#checkClientInBroker.
  absl::Status CheckInBrokers(
      const std::vector<v1::CheckClientConfigRequest>& checks) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Asks one broker after the other until one tells.
  absl::Status CheckInAnyBroker(
      const v1::CheckClientConfigRequest& check,
      const std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>>&
          brokers,
      absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_);

  // The stub of the broker at `address`, if a call there makes sense.
  absl::StatusOr<std::shared_ptr<BrokerStub>> StubForCall(
      absl::string_view address, absl::string_view group,
      absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);
  BrokerHealth WithWallTimes(BrokerHealth health) const;

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
  absl::btree_set<std::string> producers_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<std::string, v1::ConsumerData> consumers_
      ABSL_GUARDED_BY(mu_);
  int64_t last_sub_version_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;  // Every session is.
  CondVar all_stopped_;                        // Signals `stopped_`.
  // The first error that a session stopped with.
  absl::Status stop_status_ ABSL_GUARDED_BY(mu_);
};

namespace {

uint64_t DrawIncarnation() {
  absl::BitGen random;
  return absl::Uniform<uint64_t>(absl::IntervalClosed, random, 1, UINT64_MAX);
}

std::string ClientIdOf(const ClientOptions& options, Clock& clock) {
  if (!options.client_id.empty()) return options.client_id;
  std::string instance = options.instance_name;
  if (instance.empty()) {
    absl::BitGen random;
    instance = BuildInstanceName(getpid(), clock.ClockToWall(clock.TimeNow()),
                                 absl::Uniform<uint32_t>(random));
  }
  return BuildClientId(LocalIp(), instance, options.unit_name);
}

BrokerSession::Options SessionOptions(const ClientOptions& options) {
  BrokerSession::Options session;
  session.heartbeat_interval = options.heartbeat_interval;
  session.connect_timeout = options.connect_timeout;
  session.reply_timeout = options.reply_timeout;
  session.backoff.initial = options.initial_backoff;
  session.backoff.maximum = options.max_backoff;
  return session;
}

}  // namespace

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
          SessionOptions(options_), &parts_.loop(),
          [this](const std::string& address) {
            return parts_.transport().NewStub(address,
                                              options_.connect_timeout);
          },
          static_cast<BrokerTable::Observer*>(this),
          [this] { return absl::Uniform(random_, 0.0, 1.0); })) {
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
  // The last task of ours; the streams' own tasks find their sessions gone.
  RunOnLoop([this] { table_ = nullptr; });
  callbacks_->AwaitIdle(&parts_.clock(), absl::InfiniteFuture());
  parts_.ReturnClientId(client_id_);
}

absl::Status ClientImpl::RegisterProducer(absl::string_view group) {
  absl::Status status = ValidateGroup("group", group, Limits());
  if (!status.ok()) return status;
  MutexLock lock(&mu_);
  status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  if (producers_.contains(group)) return AlreadyHas("producer", group);
  status = CheckRoomLocked();
  if (!status.ok()) return status;
  producers_.insert(std::string(group));
  StateLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::UnregisterProducer(absl::string_view group) {
  MutexLock lock(&mu_);
  absl::Status status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  if (producers_.erase(group) == 0) return HasNo("producer", group);
  StateLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::RegisterConsumer(ConsumerOptions consumer) {
  absl::Status status = consumer.Validate();
  if (!status.ok()) return status;
  v1::ConsumerData data;
  data.set_group(consumer.group);
  data.set_consume_type(static_cast<v1::ConsumeType>(consumer.consume_type));
  data.set_message_model(static_cast<v1::MessageModel>(consumer.message_model));
  data.set_consume_from_where(
      static_cast<v1::ConsumeFromWhere>(consumer.consume_from_where));
  data.set_unit_mode(consumer.unit_mode);

  MutexLock lock(&mu_);
  status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  if (consumers_.contains(consumer.group)) {
    return AlreadyHas("consumer", consumer.group);
  }
  status = CheckRoomLocked();
  if (!status.ok()) return status;
  for (const Subscription& subscription : consumer.subscriptions) {
    v1::SubscriptionData* added = data.add_subscriptions();
    *added = ToProto(subscription);
    added->set_sub_version(NextSubVersionLocked());
  }
  consumers_.emplace(std::move(consumer.group), std::move(data));
  StateLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::UnregisterConsumer(absl::string_view group) {
  MutexLock lock(&mu_);
  absl::Status status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  if (consumers_.erase(group) == 0) return HasNo("consumer", group);
  StateLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::Subscribe(absl::string_view group,
                                   Subscription subscription) {
  absl::Status status = subscription.Validate();
  if (!status.ok()) return status;
  MutexLock lock(&mu_);
  status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  const auto it = consumers_.find(group);
  if (it == consumers_.end()) return HasNo("consumer", group);
  auto& subscriptions = *it->second.mutable_subscriptions();
  auto place = std::find_if(subscriptions.begin(), subscriptions.end(),
                            [&](const v1::SubscriptionData& s) {
                              return s.topic() == subscription.topic;
                            });
  if (place == subscriptions.end()) {
    status = ValidateCount("subscriptions", subscriptions.size() + 1,
                           Limits().max_subscriptions_per_group);
    if (!status.ok()) return status;
    subscriptions.Add();
    place = subscriptions.end() - 1;
  }
  *place = ToProto(subscription);
  place->set_sub_version(NextSubVersionLocked());
  StateLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::Unsubscribe(absl::string_view group,
                                     absl::string_view topic) {
  MutexLock lock(&mu_);
  absl::Status status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  const auto it = consumers_.find(group);
  if (it == consumers_.end()) return HasNo("consumer", group);
  auto& subscriptions = *it->second.mutable_subscriptions();
  const auto place = std::find_if(
      subscriptions.begin(), subscriptions.end(),
      [&](const v1::SubscriptionData& s) { return s.topic() == topic; });
  if (place == subscriptions.end()) {
    return absl::NotFoundError(
        absl::StrCat("the consumer group ", Quoted(group),
                     " does not read the topic ", Quoted(topic)));
  }
  subscriptions.erase(place);
  StateLocked();
  return absl::OkStatus();
}

absl::Status ClientImpl::Start() {
  std::vector<v1::CheckClientConfigRequest> checks;
  {
    MutexLock lock(&mu_);
    absl::Status status = CheckNotShutDownLocked();
    if (!status.ok()) return status;
    if (phase_ == Phase::kRunning) return absl::OkStatus();
    checks = ChecksLocked();
  }
  absl::Status status = CheckInBrokers(checks);
  if (!status.ok()) return status;
  MutexLock lock(&mu_);
  status = CheckNotShutDownLocked();
  if (!status.ok()) return status;
  if (phase_ == Phase::kRunning) return absl::OkStatus();
  phase_ = Phase::kRunning;
  StateLocked();
  return absl::OkStatus();
}

std::vector<v1::CheckClientConfigRequest> ClientImpl::ChecksLocked() const {
  std::vector<v1::CheckClientConfigRequest> checks;
  for (const auto& [group, data] : consumers_) {
    for (const v1::SubscriptionData& subscription : data.subscriptions()) {
      if (IsTag(subscription.expression_type())) continue;
      v1::CheckClientConfigRequest& check = checks.emplace_back();
      check.set_client_id(client_id_);
      check.set_group(group);
      *check.mutable_subscription() = subscription;
    }
  }
  return checks;
}

absl::Status ClientImpl::CheckInBrokers(
    const std::vector<v1::CheckClientConfigRequest>& checks) const {
  if (checks.empty()) return absl::OkStatus();
  std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>> brokers;
  RunOnLoop([&] { brokers = table_->Stubs(); });
  const absl::Time deadline =
      parts_.clock().TimeNow() + options_.connect_timeout;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::vector<std::string> refused;
  for (const v1::CheckClientConfigRequest& check : checks) {
    const absl::Status verdict = CheckInAnyBroker(check, brokers, deadline);
    if (verdict.ok()) continue;
    if (!IsVerdict(verdict)) return verdict;
    if (refused.empty()) code = verdict.code();
    refused.emplace_back(verdict.message());
  }
  if (refused.empty()) return absl::OkStatus();
  return absl::Status(code, absl::StrJoin(refused, "; "));
}

absl::Status ClientImpl::CheckInAnyBroker(
    const v1::CheckClientConfigRequest& check,
    const std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>>&
        brokers,
    absl::Time deadline) const {
  const std::string what =
      absl::StrCat("subscription of group ", Quoted(check.group()),
                   " to topic ", Quoted(check.subscription().topic()));
  absl::Status status = absl::UnavailableError(
      absl::StrCat(what, " cannot be checked: no broker is known yet"));
  size_t left = brokers.size();
  for (const auto& [broker, stub] : brokers) {
    // One that does not answer leaves the others their share of the time.
    const absl::Duration share =
        (deadline - parts_.clock().TimeNow()) / static_cast<int64_t>(left--);
    if (share <= absl::ZeroDuration()) break;
    status =
        Annotate(stub->CheckClientConfig(check, share), what, broker.address);
    // A verdict is one broker's, as RocketMQ's; and Shutdown() ends the search.
    if (status.ok() || IsVerdict(status) || absl::IsCancelled(status)) break;
  }
  return status;
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
  // A callback cannot wait for itself, and there is but one at a time.
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
      return Annotate(response.status(),
                      absl::StrCat("consumer ids of ", Quoted(group)), address);
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
  return Annotate((*stub)->CheckClientConfig(request, timeout),
                  absl::StrCat("check of ", Quoted(subscription.expression)),
                  address);
}

std::vector<BrokerHealth> ClientImpl::Health() const {
  std::vector<BrokerHealth> health;
  RunOnLoop([this, &health] {
    for (BrokerHealth& broker : table_->Health()) {
      health.push_back(WithWallTimes(std::move(broker)));
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
                   snapshot = WithWallTimes(health)] { callback(snapshot); });
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

absl::Status ClientImpl::CheckRoomLocked() const {
  return ValidateCount("groups of a client",
                       producers_.size() + consumers_.size() + 1,
                       Limits().max_groups_per_client);
}

int64_t ClientImpl::NextSubVersionLocked() {
  Clock& clock = parts_.clock();
  last_sub_version_ =
      std::max(last_sub_version_ + 1,
               absl::ToUnixMillis(clock.ClockToWall(clock.TimeNow())));
  return last_sub_version_;
}

void ClientImpl::StateLocked() {
  if (phase_ != Phase::kRunning) return;
  std::shared_ptr<v1::HeartbeatRequest> statement;
  if (!producers_.empty() || !consumers_.empty()) {
    statement = std::make_shared<v1::HeartbeatRequest>();
    statement->set_client_id(client_id_);
    statement->set_incarnation(incarnation_);
    statement->set_language(v1::LANGUAGE_CODE_CPP);
    statement->set_version(options_.version);
    if (options_.requested_channel_expiry > absl::ZeroDuration()) {
      *statement->mutable_requested_channel_expiry() =
          ToProto(options_.requested_channel_expiry);
    }
    for (const std::string& group : producers_) {
      statement->add_producers()->set_group(group);
    }
    for (const auto& [group, data] : consumers_) {
      *statement->add_consumers() = data;
    }
  }
  parts_.loop().Post([this, statement = std::move(statement)] {
    table_->SetStatement(statement);
  });
}

absl::StatusOr<std::shared_ptr<BrokerStub>> ClientImpl::StubForCall(
    absl::string_view address, absl::string_view group,
    absl::Duration timeout) {
  absl::Status status = ValidateGroup("group", group, Limits());
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

BrokerHealth ClientImpl::WithWallTimes(BrokerHealth health) const {
  for (absl::Time* time : {&health.heartbeat_sent, &health.heartbeat_answered,
                           &health.last_error_at}) {
    if (*time != absl::InfinitePast()) {
      *time = parts_.clock().ClockToWall(*time);
    }
  }
  return health;
}

absl::StatusOr<std::unique_ptr<Client>> ClientImpl::Create(
    ClientOptions options) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  if (options.runtime == nullptr) options.runtime = ClientRuntime::Create();
  ClientRuntime::Impl& parts = *options.runtime->impl_;
  std::string client_id = ClientIdOf(options, parts.clock());
  // With the address in front, the instance name may be too long.
  status = ValidateClientId("client_id", client_id, Limits());
  if (!status.ok()) return status;
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
