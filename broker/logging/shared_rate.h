// How often something may happen that several payers cause.
#ifndef BROKER_LOGGING_SHARED_RATE_H_
#define BROKER_LOGGING_SHARED_RATE_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/payer.h"
#include "common/rate_limit.h"

namespace rmq {

// A token bucket of which no payer can take all. While half of it is there,
// whoever comes takes of it; of the other half each payer has half the rate, so
// that who comes later finds some. Who is alone has the whole rate.
//
// Not thread-safe.
class SharedRate {
 public:
  // `per_second` events, at least 2, and `burst` at once after a pause, of one
  // payer half as many.
  SharedRate(int32_t per_second, int32_t burst)
      : burst_(burst),
        all_(per_second, burst),
        of_one_(per_second / 2, burst / 2) {}

  // Whether an event of `payer` that comes at `now` is within the limit. One
  // that is not does not count.
  bool Take(const Payer& payer, absl::Time now);

  // How many payers are kept: at most four times the burst.
  size_t payers() const { return full_at_.size(); }

 private:
  // Of a payer: see Rate.
  absl::Time& FullAt(const Payer& payer, absl::Time now);

  const int32_t burst_;
  const Rate all_;
  const Rate of_one_;
  absl::Time all_full_at_ = absl::InfinitePast();
  absl::flat_hash_map<Payer, absl::Time> full_at_;
};

}  // namespace rmq

#endif  // BROKER_LOGGING_SHARED_RATE_H_
