#include "common/etcd/lease_keeper.h"

#include <algorithm>
#include <utility>

namespace rmq {
namespace {

constexpr int kRenewalsPerLease = 3;

Backoff::Options Bounded(Backoff::Options backoff, absl::Duration most) {
  backoff.maximum = std::min(backoff.maximum, most);
  backoff.initial = std::min(backoff.initial, backoff.maximum);
  return backoff;
}

}  // namespace

LeaseKeeper::LeaseKeeper(EtcdCalls* calls, Options options)
    : calls_(*calls),
      options_(std::move(options)),
      backoff_(Bounded(options_.backoff, options_.lease / kRenewalsPerLease)) {}

void LeaseKeeper::Run(absl::Time now,
                      const std::function<absl::Time()>& clock) {
  if (now < next_due_) return;
  absl::Status held = HoldLease(clock);
  if (held.ok()) held = HoldKey();
  if (held.ok()) {
    backoff_.Reset();
    next_due_ =
        now + std::min(options_.lease / kRenewalsPerLease, kLongestPause);
    // The holder may be gone soon.
    if (status_.state == State::kHeldByOther) {
      next_due_ = std::min(next_due_, now + absl::Seconds(1));
    }
  } else {
    ++status_.failures;
    const absl::Time ended = clock();
    if (ended >= lease_end_) status_.state = State::kAbsent;
    next_due_ = ended + backoff_.Next(options_.random);
  }
  status_.error = std::move(held);
}

absl::Status LeaseKeeper::HoldLease(const std::function<absl::Time()>& clock) {
  // The lease lives from when etcd handles the call, which is later.
  const absl::Time began = clock();
  if (lease_ != 0) {
    const absl::StatusOr<absl::Duration> ttl = calls_.KeepLeaseAlive(lease_);
    if (ttl.ok()) {
      lease_end_ = began + *ttl;
      return absl::OkStatus();
    }
    if (!absl::IsNotFound(ttl.status())) return ttl.status();
    lease_ = 0;
    status_.state = State::kAbsent;
  }
  const absl::StatusOr<int64_t> lease = calls_.GrantLease(options_.lease);
  if (!lease.ok()) return lease.status();
  lease_ = *lease;
  lease_end_ = began + options_.lease;
  return absl::OkStatus();
}

absl::Status LeaseKeeper::HoldKey() {
  const absl::StatusOr<absl::optional<EtcdValue>> found =
      calls_.Get(options_.key);
  if (!found.ok()) return found.status();
  int64_t replaces = 0;
  if (found->has_value()) {
    const EtcdValue& held = **found;
    if (held.value == options_.value && held.lease == lease_) {
      status_.state = State::kPresent;
      return absl::OkStatus();
    }
    if (held.value != options_.value && !options_.is_obsolete(held.value)) {
      status_.state = State::kHeldByOther;
      status_.holder = held.value;
      return absl::OkStatus();
    }
    replaces = held.mod_revision;
  }
  status_.state = State::kAbsent;
  const absl::StatusOr<bool> put =
      calls_.PutIf(options_.key, replaces, options_.value, lease_);
  if (!put.ok()) return put.status();
  // Another process was quicker.
  if (!*put) return absl::AbortedError("the key changed meanwhile");
  ++status_.puts;
  status_.state = State::kPresent;
  return absl::OkStatus();
}

absl::Status LeaseKeeper::Withdraw(absl::Time now) {
  next_due_ = absl::InfiniteFuture();
  if (lease_ != 0) {
    absl::Status revoked = calls_.RevokeLease(lease_);
    if (!revoked.ok() && !absl::IsNotFound(revoked)) {
      if (now >= lease_end_) status_.state = State::kAbsent;
      return revoked;
    }
  }
  lease_ = 0;
  status_.state = State::kAbsent;
  return absl::OkStatus();
}

}  // namespace rmq
