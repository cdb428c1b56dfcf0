// Limits the work that one payer may cause by unary calls.
#ifndef COMMON_RPC_SERVER_PAYER_RATES_H_
#define COMMON_RPC_SERVER_PAYER_RATES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/payer.h"
#include "common/response_code.h"

namespace rmq {

// Keeps a token bucket for each payer and kind of amount. A stream has a
// limit of its own on its messages; unary calls have none, and one can cost a
// thousand times as much as another, so their amounts are counted.
//
// The amount of a call may be known only after the call, and may overdraw the
// bucket; later calls wait until the bucket has recovered. So no call is too
// large to be answered at all.
//
// Thread-safe.
class PayerRates {
 public:
  enum class Kind {
    // Bytes of unary requests, and of inflated messages, those of streams too.
    kBytes,
    // Groups that unary requests name.
    kGroups,
    // Rows of listings.
    kRows,
  };
  static constexpr size_t kKinds = 3;

  // Amounts per second and payer; kBurst times as much at once after a pause.
  // 0: no limit.
  struct Options {
    int64_t max_unary_bytes_rate = 4 * 1024 * 1024;
    int64_t max_unary_groups_rate = 2'000;
    int64_t max_listed_rows_rate = 100'000;

    // Returns InvalidArgument, naming the field, for an invalid option.
    absl::Status Validate() const;
  };
  static constexpr int kBurst = 2;

  // The most payers that are tracked at once. A payer whose buckets are full
  // again is forgotten. Payers beyond the limit share their buckets.
  static constexpr size_t kMostPayers = 10'000;

  // `options` must validate.
  explicit PayerRates(const Options& options);

  // Returns OK if `payer` has any of the kind left. Otherwise returns
  // RESOURCE_EXHAUSTED, naming the rate and when to try again.
  CallStatus Check(Kind kind, const Payer& payer, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Takes `amount` out of the bucket; it may be more than is left.
  void Take(Kind kind, const Payer& payer, int64_t amount, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The times at which the buckets will be full again.
  using Buckets = std::array<absl::Time, kKinds>;

  Buckets& FindLocked(const Payer& payer, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::array<int64_t, kKinds> rates_;
  absl::Mutex mu_;
  absl::flat_hash_map<Payer, Buckets> payers_ ABSL_GUARDED_BY(mu_);
  // Of all payers beyond kMostPayers.
  Buckets others_ ABSL_GUARDED_BY(mu_);
  // When forgotten payers were last removed.
  absl::Time swept_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_PAYER_RATES_H_
