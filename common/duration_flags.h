// What Abseil does not say of a flag that is a duration: that the unit is
// missing.
#ifndef COMMON_DURATION_FLAGS_H_
#define COMMON_DURATION_FLAGS_H_

#include "absl/status/status.h"

namespace rmq {

// Looks at the arguments of main() before absl::ParseCommandLine(), which says
// of `--channel_expiry=5` only that the value is illegal. InvalidArgument for
// the first flag that is a duration and is given as a bare number other than 0,
// with what to write instead. Everything else is left to Abseil.
absl::Status CheckDurationFlags(int argc, const char* const* argv);

}  // namespace rmq

#endif  // COMMON_DURATION_FLAGS_H_
