// Registers the broker in discovery, and finds the other brokers there.
#ifndef BROKER_REGISTRAR_REGISTRAR_H_
#define BROKER_REGISTRAR_REGISTRAR_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/part.h"
#include "broker/registrar/cluster_brokers.h"
#include "broker/registrar/registrar_options.h"
#include "broker/registrar/registration.h"
#include "broker/timer/alarm.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_calls.h"
#include "common/failure_ways.h"

namespace rmq {

// Runs a Registration, and a ClusterBrokers where the list is asked for, on a
// thread of its own, as etcd's calls block. etcd may
// be away at the start, or later: the broker serves all the same.
//
// Thread-safety: as Part; SetServing() and state() are thread-safe.
class Registrar final : public Part {
 public:
  // How long the start waits for etcd's first answer.
  static constexpr absl::Duration kStartWait = absl::Seconds(5);
  // How often the start looks whether it is to end.
  static constexpr absl::Duration kStartStep = absl::Milliseconds(100);
  // A stop waits for so many attempts to withdraw the entry, if it has time.
  static constexpr int kWithdrawalsOfStop = 3;

  // What the registrar needs. Borrowed: `clock`.
  struct Environment {
    // The entry, once the server listens.
    std::function<DiscoveryEntry()> entry;
    // A new connection to etcd; an error ends the start of the broker.
    std::function<absl::StatusOr<std::unique_ptr<EtcdCalls>>()> connect;
    Clock* clock;
    // Called when the broker has become registered, or is no longer, with no
    // lock held, by the registrar's thread; and by Start() at first.
    std::function<void(bool is_registered)> on_change = [](bool) {};
    // Whether the broker is to stop: then its start waits for nothing more.
    std::function<bool()> is_to_stop = [] { return false; };
    // Whether cluster() is asked for.
    bool lists_cluster = false;
  };

  // What health calls it: whether others find the broker.
  static constexpr char kHealthDetail[] = "rocketmq.clientmanager.discovery";

  // etcd as `options`, which must validate, say. `clock` is borrowed.
  static Environment OverEtcd(const RegistrarOptions& options,
                              std::function<DiscoveryEntry()> entry,
                              std::function<void(bool)> on_change,
                              std::function<bool()> is_to_stop,
                              bool lists_cluster, Clock* clock);

  // `options` must validate, and be on.
  Registrar(const RegistrarOptions& options, Environment environment);
  // Stops at once if that has not been done.
  ~Registrar() override;
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  // Waits until the broker is registered, but no longer than kStartWait if etcd
  // does not answer. AlreadyExists, naming the other one, if another broker has
  // the name and id, and still has them after one lease: it lives. (A former
  // process of this broker on other addresses does not.) OK, soon, once the
  // broker is to stop.
  absl::Status Start() override ABSL_LOCKS_EXCLUDED(mu_);
  // Withdraws the entry, soon.
  void BeginDrain() override { SetServing(false); }
  void Stop(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_);

  // Whether clients are let in. If not, the entry is withdrawn, soon, until
  // they are. Does not block.
  void SetServing(bool serving) ABSL_LOCKS_EXCLUDED(mu_);

  // `since` is a time of the wall clock.
  RegistrationState state() const ABSL_LOCKS_EXCLUDED(mu_);

  // The living brokers of the cluster, by name and id, as ClusterBrokers has
  // them: this one always, whatever its state. Null before Start(), and if
  // `lists_cluster` is false.
  std::shared_ptr<const ClusterBrokers::List> cluster() const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Waits for `condition`, which is looked at under the lock, until `deadline`
  // at most, or until the broker is to stop. Returns whether it holds.
  bool AwaitStart(absl::FunctionRef<bool()> condition, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Loop() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time NextDue() const;
  // Runs `cluster_`, which there is, and says when it begins to fail, and when
  // it is well again.
  void ListCluster(const std::function<absl::Time()>& now);

  const RegistrarOptions options_;
  const Environment environment_;
  Alarm alarm_;
  // Null before Start().
  std::unique_ptr<EtcdCalls> calls_;
  // Used by the thread only, once it is started.
  std::unique_ptr<Registration> registration_;
  // Likewise. Null if nobody asks for it.
  std::unique_ptr<ClusterBrokers> cluster_;
  FailureWays cluster_failures_;  // Likewise: that were logged.

  mutable absl::Mutex mu_;
  CondVar changed_;
  RegistrationState state_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const ClusterBrokers::List> cluster_list_
      ABSL_GUARDED_BY(mu_);
  bool serving_ ABSL_GUARDED_BY(mu_) = true;
  // The thread has done what `serving_` asks for, or has tried often enough.
  bool settled_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRAR_REGISTRAR_H_
