// Keeps one key in etcd for as long as this process lives.
#ifndef COMMON_ETCD_LEASE_KEEPER_H_
#define COMMON_ETCD_LEASE_KEEPER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/backoff.h"
#include "common/etcd/etcd_calls.h"

namespace rmq {

// The key has a lease, which is renewed three times in its time, and each
// kLongestPause at least: so the key is gone, at the latest, one lease after
// the process died. It is put again, at the next renewal, whenever it is
// missing: after the lease was lost or revoked, after the key was deleted,
// after etcd lost its data.
//
// A key that another process holds is left alone, and tried again, unless that
// process may be replaced.
//
//   kAbsent -> put -> kPresent -> lease lost, or key gone -> kAbsent
//      |   ^                                                    (put at once)
//      v   |  the holder is gone
//   kHeldByOther
//
// Thread-safety: none; one thread runs it. Reads no clock.
class LeaseKeeper {
 public:
  // Less than PrefixWatch::Options::loss_grace, so that those who watch keys
  // take none for gone that is only to be put again.
  static constexpr absl::Duration kLongestPause = absl::Seconds(10);

  struct Options {
    std::string key;
    // Tells this process from all others.
    std::string value;
    // Whole seconds, at least 2.
    absl::Duration lease = absl::Seconds(10);
    // The pauses after failures. The maximum is a third of the lease, if that
    // is less.
    Backoff::Options backoff = {absl::Milliseconds(500), absl::Seconds(5)};
    // Whether the process that put the value is no more, so that its key may be
    // overwritten.
    std::function<bool(const std::string& value)> is_obsolete =
        [](const std::string&) { return false; };
    // Returns a number in [0, 1).
    std::function<double()> random = [] { return 0.5; };
  };

  enum class State { kAbsent, kPresent, kHeldByOther };

  // The state as far as this process knows, and how it came about.
  struct Status {
    State state = State::kAbsent;
    // The last error of etcd; OK once it answers again.
    absl::Status error;
    // The value of the holder, while another process holds the key.
    std::string holder;
    // How often the key was put.
    int64_t puts = 0;
    // Attempts that ended with an error.
    int64_t failures = 0;
  };

  // `calls` is borrowed.
  LeaseKeeper(EtcdCalls* calls, Options options);

  // When Run() next has something to do.
  absl::Time NextDue() const { return next_due_; }

  // Does what is due at `now`. Blocks for a few calls of etcd. `clock` tells
  // the time after them.
  void Run(absl::Time now, const std::function<absl::Time()>& clock);

  // Deletes the key by ending its lease, for good: Run() does nothing any more.
  // Blocks for one call. OK if there is nothing to delete. After an error the
  // key may still be there, also when its lease has ended by `now`: while etcd
  // is away it ends no lease, and when it comes back it may renew all of them.
  // The key may be withdrawn again.
  absl::Status Withdraw(absl::Time now);

  // Whether there is a lease, as far as this process knows: what Withdraw()
  // asks etcd about.
  bool has_lease() const { return lease_ != 0; }

  const Status& status() const { return status_; }

 private:
  // Makes a lease, or renews the present one.
  absl::Status HoldLease(const std::function<absl::Time()>& clock);
  // Puts the key, or looks whether it is there.
  absl::Status HoldKey();

  EtcdCalls& calls_;
  const Options options_;
  Backoff backoff_;
  absl::Time next_due_ = absl::InfinitePast();
  int64_t lease_ = 0;
  // When the lease ends unless it is renewed.
  absl::Time lease_end_;
  Status status_;
};

}  // namespace rmq

#endif  // COMMON_ETCD_LEASE_KEEPER_H_
