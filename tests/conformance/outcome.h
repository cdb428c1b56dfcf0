// Compares what an operation did with what was expected.
#ifndef TESTS_CONFORMANCE_OUTCOME_H_
#define TESTS_CONFORMANCE_OUTCOME_H_

#include <string>
#include <vector>

#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// The part of an outcome in which a recording and the model without switches
// must agree: everything that the recording has, except the wording of code 23.
// Sets are sorted. Events keep their order only within one kind and group.
Outcome ComparedWithRecording(const Operation& operation, Outcome outcome);

// The part in which the product and the models of it must agree: the above and
// the fields that recordings do not have, except `ext`, which is Java's own.
Outcome ComparedWithProduct(Outcome outcome);

// find_consumer_channel: the product returns one channel, a model all that are
// right. Makes `expected` agree if the product's channel is among them.
void AllowAnyOf(const Outcome& got, Outcome* expected);

// Compares outcomes of look-ups other than snapshot, without sorting them
// first.
bool AreEqualLookUps(const Outcome& expected, const Outcome& got);

bool AreEqual(const Outcome& a, const Outcome& b);

// Lines for the reader: "- " and what is missing from `got`, "+ " and what is
// in excess. Empty if both are equal.
std::vector<std::string> Differences(const Outcome& expected,
                                     const Outcome& got);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_OUTCOME_H_
