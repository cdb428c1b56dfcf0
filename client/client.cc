#include "client/client.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/types/variant.h"
#include "client/broker_resolver.h"
#include "client/client_id.h"
#include "client/client_impl.h"
#include "client/client_labels.h"
#include "client/client_runtime_impl.h"
#include "client/expression_check.h"
#include "client/grpc/grpc_transport.h"
#include "client/named_resolver.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "common/mutex_lock.h"
#include "common/validation.h"
#include "glog/logging.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

// The life of a client, and its groups. Its queries and callbacks are in
// client_calls.cc.

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kDestructorTimeout = absl::Seconds(3);

absl::Duration UnlistedStayOf(const ClientOptions& options) {
  const auto* const resolver =
      absl::get_if<std::shared_ptr<BrokerResolver>>(&options.resolver);
  return resolver == nullptr || *resolver == nullptr
             ? absl::ZeroDuration()
             : (*resolver)->UnlistedStay();
}

}  // namespace

ClientImpl::ClientImpl(ClientOptions options, std::string client_id,
                       std::shared_ptr<ChannelSecurity> security)
    : runtime_(options.runtime),
      parts_(*runtime_->impl_),
      options_(std::move(options)),
      client_id_(std::move(client_id)),
      security_(std::move(security)),
      incarnation_(DrawIncarnation()),
      callbacks_(std::make_shared<CallbackQueue>(&parts_.dispatcher())),
      memberships_(&parts_.clock()),
      resolver_listener_(std::make_shared<ResolverListener>([this] {
        parts_.loop().Post([this] {
          table_->SetBrokers(resolver_listener_->Take(),
                             UnlistedStayOf(options_));
        });
      })),
      table_(std::make_unique<BrokerTable>(
          BrokerSession::Options(options_), &parts_.loop(),
          [this](const std::string& address) {
            return parts_.transport().NewStub(address, options_.connect_timeout,
                                              security_);
          },
          static_cast<BrokerTable::Observer*>(this),
          [this] { return absl::Uniform(random_, 0.0, 1.0); })),
      groups_(options_, client_id_, incarnation_) {
  const auto* const resolver =
      absl::get_if<std::shared_ptr<BrokerResolver>>(&options_.resolver);
  if (resolver != nullptr && *resolver != nullptr) {
    (*resolver)->AddListener(resolver_listener_);
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
  memberships_.Close();

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

absl::StatusOr<std::unique_ptr<Client>> ClientImpl::Create(
    ClientOptions options) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  status =
      MakeNamedResolver(&options.resolver, &options.tls, &options.discovery);
  if (!status.ok()) return status;
  absl::StatusOr<std::shared_ptr<ChannelSecurity>> security =
      GrpcTransport::Secure(options.tls, options.credentials);
  if (!security.ok()) return security.status();
  options.labels = LabelsOf(options);
  if (options.runtime == nullptr) options.runtime = ClientRuntime::Create();
  ClientRuntime::Impl& parts = *options.runtime->impl_;
  std::string client_id = options.client_id;
  if (client_id.empty()) {
    client_id =
        MakeClientId(options.instance_name, options.unit_name, parts.WallNow());
  }
  if (!parts.TakeClientId(client_id)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "a client on this runtime has the client_id ", Quoted(client_id)));
  }
  return std::make_unique<ClientImpl>(std::move(options), std::move(client_id),
                                      *std::move(security));
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  return ClientImpl::Create(std::move(options));
}

}  // namespace rmq
