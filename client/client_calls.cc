#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "client/client_impl.h"
#include "client/consumer_ids_query.h"
#include "client/expression_check.h"
#include "client/membership_change.h"
#include "common/mutex_lock.h"
#include "common/validation.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

// What a client asks brokers, and what it calls the application with.

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

// Stands for the group in the key of a callback about a broker's health, and
// before it in those about members and warnings. No group has such a name.
constexpr char kNoGroup[] = "";
constexpr char kMembersOf[] = "/members/";
constexpr char kWarning[] = "/warning/";

absl::Status ValidateTimeout(absl::Duration timeout) {
  if (timeout > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "timeout must be positive, got ", absl::FormatDuration(timeout)));
}

// `health` with times of the wall clock instead of `clock`'s own.
BrokerHealth WithWallTimes(BrokerHealth health, Clock& clock) {
  for (absl::Time* time : {&health.heartbeat_sent, &health.heartbeat_answered,
                           &health.last_error_at}) {
    if (*time != absl::InfinitePast()) *time = clock.ClockToWall(*time);
  }
  if (health.retry_at != absl::InfiniteFuture()) {
    health.retry_at = clock.ClockToWall(health.retry_at);
  }
  return health;
}

}  // namespace

absl::StatusOr<ConsumerIds> ClientImpl::GetConsumerIds(
    absl::string_view address, absl::string_view group,
    absl::Duration timeout) {
  const absl::StatusOr<std::shared_ptr<BrokerStub>> stub =
      StubForCall(address, group, timeout);
  if (!stub.ok()) return stub.status();
  Clock& clock = parts_.clock();
  absl::StatusOr<ConsumerIds> ids =
      QueryConsumerIds(stub->get(), group, &clock, clock.TimeNow() + timeout);
  if (!ids.ok()) {
    return AnnotateCall(
        ids.status(), absl::StrCat("consumer ids of ", Quoted(group)), address);
  }
  ids->broker.address = std::string(address);
  if (ids->settling > absl::ZeroDuration()) {
    parts_.loop().Post([this, address = ids->broker.address,
                        settled_at = clock.TimeNow() + ids->settling] {
      table_->NoteSettling(address, settled_at);
    });
  }
  return ids;
}

absl::StatusOr<std::vector<std::string>> ClientImpl::WaitForMembers(
    absl::string_view address, absl::string_view group,
    MembersPredicate predicate, absl::Duration timeout) {
  if (predicate == nullptr) {
    return absl::InvalidArgumentError("predicate must not be empty");
  }
  const absl::StatusOr<std::shared_ptr<BrokerStub>> stub =
      StubForCall(address, group, timeout);
  if (!stub.ok()) return stub.status();
  const absl::Time deadline = parts_.clock().TimeNow() + timeout;
  const auto has_group = [&] {
    {
      MutexLock lock(&mu_);
      if (!groups_.HasConsumer(group)) return false;
    }
    RunOnLoop([&] { table_->WantMembers(address, group); });
    return true;
  };
  return memberships_.Await(address, group, has_group, predicate, deadline);
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

void ClientImpl::Reconnect() {
  parts_.loop().Post([this] { table_->Reconnect(""); });
}

absl::Status ClientImpl::Reconnect(absl::string_view address) {
  {
    MutexLock lock(&mu_);
    absl::Status status = CheckNotShutDownLocked();
    if (!status.ok()) return status;
  }
  bool found = false;
  RunOnLoop([&] { found = !address.empty() && table_->Reconnect(address); });
  if (found) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("address must be that of one of the client's brokers, got ",
                   Quoted(address)));
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

void ClientImpl::OnMembershipChanged(const BrokerEntry& broker,
                                     absl::string_view group,
                                     const MembershipReport& report,
                                     absl::Time settled_at) {
  memberships_.Update(broker, group, report, settled_at);
  if (!options_.on_membership_changed) return;
  callbacks_->Add({broker.address, absl::StrCat(kMembersOf, group)},
                  [this, address = broker.address, group = std::string(group)] {
                    const absl::optional<MembershipChange> change =
                        memberships_.Take(address, group);
                    if (change.has_value()) {
                      options_.on_membership_changed(*change);
                    }
                  });
}

void ClientImpl::OnWarning(const BrokerWarning& warning) {
  if (!options_.on_warning) return;
  callbacks_->Add(
      {warning.broker.address,
       absl::StrCat(kWarning, Name(warning.kind), "/", warning.group)},
      [callback = options_.on_warning, warning] { callback(warning); });
}

void ClientImpl::OnHealthChanged(const BrokerHealth& health) {
  if (!IsOnline(health.state)) memberships_.Suspend(health.broker.address);
  if (!options_.on_broker_health_changed) return;
  callbacks_->Add({health.broker.address, kNoGroup},
                  [callback = options_.on_broker_health_changed,
                   snapshot = WithWallTimes(health, parts_.clock())] {
                    callback(snapshot);
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

}  // namespace rmq
