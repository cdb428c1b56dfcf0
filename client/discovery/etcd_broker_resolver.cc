#include "client/discovery/etcd_broker_resolver.h"

#include <random>
#include <utility>

#include "absl/strings/str_split.h"
#include "client/broker_entry.h"
#include "client/discovery/etcd_brokers.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_client.h"
#include "common/etcd/etcd_options.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

EtcdOptions OptionsOf(const ResolverUri& uri, const DiscoveryOptions& options) {
  EtcdOptions etcd;
  etcd.endpoints = options.etcd_endpoints;
  if (!uri.authority.empty()) {
    etcd.endpoints = absl::StrSplit(uri.authority, ',');
  }
  etcd.tls = options.etcd_tls;
  etcd.user = options.etcd_user;
  etcd.password_file = options.etcd_password_file;
  return etcd;
}

PrefixWatch::Options WatchOptions(const ResolverUri& uri,
                                  const DiscoveryOptions& options) {
  PrefixWatch::Options watch;
  watch.prefix = DiscoveryClusterPrefix(options.etcd_prefix, uri.path);
  watch.most_keys = kMaxBrokers;
  watch.random = [] {
    thread_local std::minstd_rand generator{std::random_device()()};
    return std::uniform_real_distribution<double>(0, 1)(generator);
  };
  return watch;
}

}  // namespace

absl::StatusOr<std::shared_ptr<EtcdBrokerResolver>> EtcdBrokerResolver::Create(
    const ResolverUri& uri, const DiscoveryOptions& options, Clock* clock) {
  const EtcdOptions etcd = OptionsOf(uri, options);
  absl::Status status = etcd.Validate();
  if (status.ok()) status = PasswordStaysSecret(etcd);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<EtcdClient>> client =
      EtcdClient::Create(etcd, clock);
  if (!client.ok()) return client.status();
  return std::shared_ptr<EtcdBrokerResolver>(
      new EtcdBrokerResolver(uri, options, *std::move(client), clock));
}

EtcdBrokerResolver::EtcdBrokerResolver(const ResolverUri& uri,
                                       const DiscoveryOptions& options,
                                       std::unique_ptr<EtcdCalls> calls,
                                       Clock* clock)
    : prefix_(options.etcd_prefix),
      tls_(options.etcd_broker_tls),
      unlisted_stay_(options.etcd_unlisted_stay),
      clock_(*clock),
      known_(uri.ToString(), clock),
      calls_(std::move(calls)),
      watch_(calls_.get(), WatchOptions(uri, options),
             [this](const PrefixWatch::Values& values) {
               const EtcdBrokers read = ReadEtcdBrokers(prefix_, values, tls_);
               known_.Learn(read.brokers, read.passed_over);
             }),
      thread_([this] { Loop(); }) {}

EtcdBrokerResolver::~EtcdBrokerResolver() {
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    stopped_changed_.Signal();
  }
  calls_->Cancel();
  thread_.join();
}

void EtcdBrokerResolver::Loop() {
  const auto now = [this] { return clock_.TimeNow(); };
  while (AwaitDue()) {
    watch_.Step(now);
    // The end of the resolver ends its calls, and is no error.
    if (!watch_.error().ok() && !IsStopped()) known_.Fail(watch_.error());
  }
}

bool EtcdBrokerResolver::IsStopped() {
  MutexLock lock(&mu_);
  return stopped_;
}

bool EtcdBrokerResolver::AwaitDue() {
  MutexLock lock(&mu_);
  clock_.AwaitWithDeadline(
      &lock, &stopped_changed_,
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_; },
      watch_.NextDue());
  return !stopped_;
}

}  // namespace rmq
