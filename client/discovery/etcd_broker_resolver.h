// Finds the brokers that have registered in etcd.
#ifndef CLIENT_DISCOVERY_ETCD_BROKER_RESOLVER_H_
#define CLIENT_DISCOVERY_ETCD_BROKER_RESOLVER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/known_brokers.h"
#include "client/discovery/resolver_source.h"
#include "client/discovery/resolver_uri.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/etcd/etcd_calls.h"
#include "common/etcd/prefix_watch.h"

namespace rmq {

// Follows the entries of one cluster, on a thread of its own. A broker that
// registers, withdraws or dies is told as soon as etcd tells of it. While etcd
// is away the last list is kept. Clients that are online at a broker that is
// listed no more stay, as DiscoveryOptions::etcd_unlisted_stay says.
//
// Thread-safety, ownership: as ResolverSource.
class EtcdBrokerResolver final : public ResolverSource {
 public:
  // `uri` has the scheme kEtcd. `options` must validate. `clock` is borrowed.
  // InvalidArgument if there is no endpoint, or if one is none;
  // FailedPrecondition, with the file and the reason, if a file of TLS is
  // wrong. etcd is not waited for.
  static absl::StatusOr<std::shared_ptr<EtcdBrokerResolver>> Create(
      const ResolverUri& uri, const DiscoveryOptions& options, Clock* clock);

  ~EtcdBrokerResolver() override;

  void AddListener(std::weak_ptr<Listener> listener) override {
    known_.AddListener(std::move(listener));
  }
  absl::Duration UnlistedStay() const override { return unlisted_stay_; }
  ResolverStatus Status() const override { return known_.Status(); }

 private:
  EtcdBrokerResolver(const ResolverUri& uri, const DiscoveryOptions& options,
                     std::unique_ptr<EtcdCalls> calls, Clock* clock);

  void Loop();
  bool IsStopped() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until it is time for the watch's next step. False at the end.
  bool AwaitDue() ABSL_LOCKS_EXCLUDED(mu_);

  const std::string prefix_;
  const absl::optional<bool> tls_;
  const absl::Duration unlisted_stay_;
  Clock& clock_;
  KnownBrokers known_;
  const std::unique_ptr<EtcdCalls> calls_;
  // Used by the thread only.
  PrefixWatch watch_;

  absl::Mutex mu_;
  CondVar stopped_changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // Last: it uses the members above.
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_ETCD_BROKER_RESOLVER_H_
