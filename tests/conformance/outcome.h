// Compares what an operation did with what was expected.
#ifndef TESTS_CONFORMANCE_OUTCOME_H_
#define TESTS_CONFORMANCE_OUTCOME_H_

#include <string>
#include <vector>

#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// What a recording and the model without switches must agree in: all that the
// recording has, but for the wording of code 23. Sets are sorted; of events
// only the order within one kind and group is kept.
Outcome ComparedWithRecording(const Operation& operation, Outcome outcome);

// What the model with all switches and the product must agree in: besides the
// above, what recordings do not have, but for `ext`, which is Java's own.
Outcome ComparedWithProduct(Outcome outcome);

// find_consumer_channel: the product gives one channel, the model all right
// ones. Makes `expected` agree if the product's is among them.
void AllowAnyOf(const Outcome& got, Outcome* expected);

// The same for the look-ups but snapshot, as they are: `got` is the product's.
bool AreEqualLookUps(const Outcome& expected, const Outcome& got);

bool AreEqual(const Outcome& a, const Outcome& b);

// For the reader: "- " what was expected and is not there, "+ " what is there
// and was not expected. Empty if they are equal.
std::vector<std::string> Differences(const Outcome& expected,
                                     const Outcome& got);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_OUTCOME_H_
