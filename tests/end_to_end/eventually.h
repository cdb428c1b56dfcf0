// Waiting for what other processes do: by asking again, up to a deadline.
#ifndef TESTS_END_TO_END_EVENTUALLY_H_
#define TESTS_END_TO_END_EVENTUALLY_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {

// Long enough for a loaded machine; only a test that fails waits for so long.
inline constexpr absl::Duration kPatience = absl::Seconds(30);
inline constexpr absl::Duration kAskAgainAfter = absl::Milliseconds(20);

// Succeeds as soon as `get()` matches; fails with the last value after
// `timeout`.
//   EXPECT_TRUE(Becomes([&] { return consumer.Members(); },
//                       ElementsAre("a", "b")));
template <typename Get, typename Matcher>
::testing::AssertionResult Becomes(Get get, Matcher matcher,
                                   absl::Duration timeout = kPatience) {
  using Value = decltype(get());
  const ::testing::Matcher<const Value&> matches =
      ::testing::SafeMatcherCast<const Value&>(matcher);
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    // Asked once more after the deadline: this process may have been kept from
    // running.
    const bool is_last = absl::Now() >= deadline;
    const Value value = get();
    if (matches.Matches(value)) return ::testing::AssertionSuccess();
    if (is_last) {
      ::testing::StringMatchResultListener why;
      ::testing::ExplainMatchResult(matches, value, &why);
      return ::testing::AssertionFailure()
             << "after " << absl::FormatDuration(timeout) << " it is still "
             << ::testing::PrintToString(value) << " " << why.str();
    }
    absl::SleepFor(kAskAgainAfter);
  }
}

// Fails as soon as `get()` does not match; succeeds after `time`.
template <typename Get, typename Matcher>
::testing::AssertionResult Stays(Get get, Matcher matcher,
                                 absl::Duration time) {
  using Value = decltype(get());
  const ::testing::Matcher<const Value&> matches =
      ::testing::SafeMatcherCast<const Value&>(matcher);
  const absl::Time end = absl::Now() + time;
  do {
    const Value value = get();
    if (!matches.Matches(value)) {
      return ::testing::AssertionFailure()
             << "it became " << ::testing::PrintToString(value);
    }
    absl::SleepFor(kAskAgainAfter);
  } while (absl::Now() < end);
  return ::testing::AssertionSuccess();
}

}  // namespace rmq

#endif  // TESTS_END_TO_END_EVENTUALLY_H_
