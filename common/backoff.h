// How long to wait before the next attempt: jittered exponential backoff.
#ifndef COMMON_BACKOFF_H_
#define COMMON_BACKOFF_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rmq {

// The nth delay is drawn evenly from [whole / 2, whole], where `whole` begins
// at `initial` and doubles with each delay up to `maximum`. The jitter keeps
// clients that lost the same broker from coming back in step.
//
// Whether to try again at all is not decided here. Not thread-safe.
class Backoff {
 public:
  struct Options {
    // The first whole delay. Must be positive.
    absl::Duration initial = absl::Milliseconds(200);
    // What the whole delay grows to. Must be at least `initial`.
    absl::Duration maximum = absl::Seconds(5);

    // InvalidArgument naming the field that makes no sense.
    absl::Status Validate() const;
  };

  // `options` must validate.
  explicit Backoff(const Options& options)
      : options_(options), whole_(options.initial) {}

  // The delay before the next attempt. `random` returns a number in [0, 1).
  absl::Duration Next(absl::FunctionRef<double()> random);

  // The delay where the other side asks to stay away for `retry_after`: the
  // longer one of Next() and of that time with a spread. The spread is drawn
  // evenly from zero to a tenth of the time, but to kLeastSpread at least, so
  // that those who were sent away together do not come back together. Next() if
  // `retry_after` is zero.
  absl::Duration NextAfter(absl::Duration retry_after,
                           absl::FunctionRef<double()> random);
  static constexpr absl::Duration kLeastSpread = absl::Seconds(1);

  // The next delay is the first again. Call it when the other side has
  // answered, not when a connection stands: a server that accepts and drops at
  // once would be hammered.
  void Reset() { whole_ = options_.initial; }

 private:
  const Options options_;
  absl::Duration whole_;
};

}  // namespace rmq

#endif  // COMMON_BACKOFF_H_
