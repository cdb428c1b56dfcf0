// Registers the broker in discovery.
#ifndef BROKER_REGISTRAR_REGISTRAR_H_
#define BROKER_REGISTRAR_REGISTRAR_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/part.h"
#include "broker/registrar/registrar_options.h"
#include "broker/registrar/registration.h"
#include "broker/timer/alarm.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_calls.h"

namespace rmq {

// Runs a Registration on a thread of its own, as etcd's calls block. etcd may
// be away at the start, or later: the broker serves all the same.
//
// Thread-safety: as Part; SetServing() and state() are thread-safe.
class Registrar final : public Part {
 public:
  // How long the start waits for etcd's first answer.
  static constexpr absl::Duration kStartWait = absl::Seconds(5);

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
  };

  // What health calls it: whether others find the broker.
  static constexpr char kHealthDetail[] = "rocketmq.clientmanager.discovery";

  // etcd as `options`, which must validate, say. `clock` is borrowed.
  static Environment OverEtcd(const RegistrarOptions& options,
                              std::function<DiscoveryEntry()> entry,
                              std::function<void(bool)> on_change,
                              Clock* clock);

  // `options` must validate, and be on.
  Registrar(const RegistrarOptions& options, Environment environment);
  // Stops at once if that has not been done.
  ~Registrar() override;
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  // Waits until the broker is registered, but no longer than kStartWait if etcd
  // does not answer. AlreadyExists, naming the other one, if another broker has
  // the name and id, and still has them after one lease: it lives. (A former
  // process of this broker on other addresses does not.)
  absl::Status Start() override ABSL_LOCKS_EXCLUDED(mu_);
  // Withdraws the entry, soon.
  void BeginDrain() override { SetServing(false); }
  void Stop(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_);

  // Whether clients are let in. If not, the entry is withdrawn, soon, until
  // they are. Does not block.
  void SetServing(bool serving) ABSL_LOCKS_EXCLUDED(mu_);

  RegistrationState state() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mu_);

  const RegistrarOptions options_;
  const Environment environment_;
  Alarm alarm_;
  // Null before Start().
  std::unique_ptr<EtcdCalls> calls_;
  // Used by the thread only, once it is started.
  std::unique_ptr<Registration> registration_;

  mutable absl::Mutex mu_;
  CondVar changed_;
  RegistrationState state_ ABSL_GUARDED_BY(mu_);
  bool serving_ ABSL_GUARDED_BY(mu_) = true;
  // The thread has done what `serving_` asks for.
  bool settled_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRAR_REGISTRAR_H_
