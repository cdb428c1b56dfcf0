// Replays a recording: the model of Java against what Java did, the product and
// tests/model against the model of Java with all switches.
#ifndef TESTS_CONFORMANCE_REPLAY_H_
#define TESTS_CONFORMANCE_REPLAY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/conformance/java_switches.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {

// How many operations have another outcome for one switch alone.
struct SwitchCount {
  int64_t added_to_java = 0;    // The release with it differs from itself.
  int64_t taken_from_ours = 0;  // All but it differ from all switches.
};
using SwitchCounts =
    std::array<SwitchCount, static_cast<size_t>(Switch::kCount)>;

struct ReplayResult {
  // Each with the place in the file, what was expected and what was got. Empty
  // if the recording passed.
  std::vector<std::string> differences;
  int64_t operations = 0;
  // All zero unless they were counted.
  SwitchCounts mattered = {};
};

// For every operation: the model of the recorded release does what was
// recorded; the product and tests/model do what the model with all switches
// does. A release that is not known is a difference, which names those that
// are. Of a list of expressions: the product accepts what Java accepts.
// Counting what the switches change runs two more models for each of them.
enum class Counting { kOff, kOn };
ReplayResult Replay(const Recording& recording, Counting counting);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_REPLAY_H_
