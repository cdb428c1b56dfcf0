// Keeps the present keys of a prefix of etcd.
#ifndef COMMON_ETCD_PREFIX_WATCH_H_
#define COMMON_ETCD_PREFIX_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/backoff.h"
#include "common/etcd/etcd_calls.h"

namespace rmq {

// Lists the keys at a revision, watches from the next one on, and lists anew
// after each end of the watch: a listing is small, and is right whatever was
// missed: a compaction, a lost leader, an etcd that was restored from a backup.
//
// An etcd whose revision went back has lost its data, and those who put keys
// put them again soon. For some time that counts as an error, so that keys
// which are missing for a moment are not taken for gone.
//
//   list -> watch -> changes, changes, ... -> end -> list
//    ^  |
//    +--+ error: a pause (backoff), the last known keys stay
//
// Thread-safety: none; one thread runs it. Reads no clock.
class PrefixWatch {
 public:
  struct Options {
    std::string prefix;
    // More keys than these are an error, and the last known ones stay.
    size_t most_keys = 4096;
    // More bytes of keys and values than these, likewise.
    size_t most_bytes = size_t{4} << 20;
    Backoff::Options backoff = {absl::Milliseconds(500), absl::Seconds(10)};
    // For how long a revision that went back is an error. Longer than those who
    // put keys take to find theirs gone (LeaseKeeper::kLongestPause).
    absl::Duration loss_grace = absl::Seconds(30);
    // For how long one Step() waits for changes.
    absl::Duration step = absl::Minutes(1);
    // Given: the keys are not watched, but listed anew so often. No Step()
    // waits for changes then.
    absl::optional<absl::Duration> list_period;
    // Returns a number in [0, 1).
    std::function<double()> random = [] { return 0.5; };
  };

  // Values by their keys.
  using Values = std::map<std::string, std::string>;

  // `calls` is borrowed. `on_values` is called by Step() with all keys: after
  // each listing, and after changes.
  PrefixWatch(EtcdCalls* calls, Options options,
              std::function<void(const Values&)> on_values);

  // When Step() next has something to do.
  absl::Time NextDue() const { return next_due_; }

  // Does the next step, and blocks for its calls, or for changes. `clock` tells
  // the time after them. Does nothing before NextDue().
  void Step(const std::function<absl::Time()>& clock);

  // Why the keys may be out of date; OK while they are watched.
  const absl::Status& error() const { return error_; }
  // When the keys were last known to be all there are: the time of the last
  // listing or change; InfinitePast before the first listing.
  absl::Time known_at() const { return known_at_; }

 private:
  absl::Status List(absl::Time now);
  // OK if a listing of that revision has what the one before it had, or what is
  // there after it.
  absl::Status CheckRevision(int64_t revision, absl::Time now);
  absl::Status ReadChanges(const std::function<absl::Time()>& clock);
  // Adds to `values_`, within the bounds.
  absl::Status Put(EtcdValue value);
  void Erase(const std::string& key);

  EtcdCalls& calls_;
  const Options options_;
  const std::function<void(const Values&)> on_values_;
  Backoff backoff_;
  absl::Time next_due_ = absl::InfinitePast();
  absl::Time known_at_ = absl::InfinitePast();
  absl::Status error_;
  // Null: to list. Always null with a list_period.
  std::unique_ptr<EtcdWatch> watch_;
  Values values_;
  size_t bytes_ = 0;
  // The latest that was heard of.
  int64_t revision_ = 0;
  // When etcd was first found to have gone back; InfiniteFuture: it has not.
  absl::Time lost_at_ = absl::InfiniteFuture();
};

}  // namespace rmq

#endif  // COMMON_ETCD_PREFIX_WATCH_H_
