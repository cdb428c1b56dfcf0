// The implementation of Client, for client.cc and client_calls.cc only.
#ifndef CLIENT_CLIENT_IMPL_H_
#define CLIENT_CLIENT_IMPL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime_impl.h"
#include "client/consumer_ids.h"
#include "client/grpc/grpc_transport.h"
#include "client/loop/callback_queue.h"
#include "client/membership_feed.h"
#include "client/resolver_listener.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/group_membership.h"
#include "client/session/group_statements.h"
#include "common/clock.h"
#include "common/cond_var.h"

namespace rmq {

// The methods of Client run on the application's threads. The methods of
// BrokerTable::Observer, and everything done with `table_`, run on the
// runtime's loop. The loop's tasks borrow this object, and the destructor waits
// for them.
class ClientImpl final : public Client, private BrokerTable::Observer {
 public:
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // `options` must validate, and the runtime must have reserved `client_id`.
  ClientImpl(ClientOptions options, std::string client_id,
             std::shared_ptr<ChannelSecurity> security);
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
      return groups->AddConsumer(consumer, parts_.WallNow());
    });
  }
  absl::Status UnregisterConsumer(absl::string_view group) override {
    absl::Status status = ChangeGroups(
        [&](GroupStatements* groups) { return groups->RemoveConsumer(group); });
    if (status.ok()) memberships_.EndWaits(group);
    return status;
  }
  absl::Status Subscribe(absl::string_view group,
                         Subscription subscription) override {
    return ChangeGroups([&](GroupStatements* groups) {
      return groups->Subscribe(group, subscription, parts_.WallNow());
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
  absl::StatusOr<std::vector<std::string>> WaitForMembers(
      absl::string_view address, absl::string_view group,
      MembersPredicate predicate, absl::Duration timeout) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status CheckClientConfig(absl::string_view address,
                                 absl::string_view group,
                                 const Subscription& subscription,
                                 absl::Duration timeout) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void Reconnect() override;
  absl::Status Reconnect(absl::string_view address) override
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<BrokerHealth> Health() const override;

  const std::string& client_id() const override { return client_id_; }
  uint64_t incarnation() const override { return incarnation_; }

 private:
  enum class Phase { kCreated, kRunning, kShutDown };

  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override;
  void OnMembershipChanged(const BrokerEntry& broker, absl::string_view group,
                           const MembershipReport& report,
                           absl::Time settled_at) override;
  void OnMembershipEnded(const BrokerEntry& broker,
                         absl::string_view group) override {
    memberships_.End(broker.address, group);
  }
  void OnWarning(const BrokerWarning& warning) override;
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
  const std::shared_ptr<ChannelSecurity> security_;
  const uint64_t incarnation_;
  const std::shared_ptr<CallbackQueue> callbacks_;
  MembershipFeed memberships_;
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

}  // namespace rmq

#endif  // CLIENT_CLIENT_IMPL_H_
