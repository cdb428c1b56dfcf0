// Hours of clients that come, change, break and go, against a real broker:
// whether memory and threads stay what they were, and registrations right.
#ifndef TESTS_SOAK_SOAK_H_
#define TESTS_SOAK_SOAK_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rmq {

struct SoakOptions {
  absl::Duration duration = absl::Hours(1);
  // The time of changes before each report. That begins with a pause of them,
  // in which broker and clients must come to agree.
  absl::Duration report_period = absl::Minutes(1);
  // The reports until then, and the first in any case, are what later ones are
  // measured against.
  absl::Duration settling = absl::Minutes(10);
  // How many clients of the library live at once, at most.
  int clients = 60;
  double changes_per_second = 4;
  // What the resident memory of the broker, and that of the process with the
  // clients, may grow by after the settling. Threads may grow by a few, which
  // are gRPC's pools; open files go up and down with the clients and must, once
  // the last is gone, be as many as before the first.
  int64_t allowed_growth_kib = 8 * 1024;
  // The same seed makes the same changes, at about the same times.
  uint64_t seed = 1;

  // InvalidArgument naming the field, the value and what is allowed.
  absl::Status Validate() const;
};

// Starts a broker and drives it from this thread; a line for each report goes
// to `out`. Returns what was wrong: nothing, if all was well. `options` must
// validate.
std::vector<std::string> RunSoak(const SoakOptions& options, std::ostream* out);

}  // namespace rmq

#endif  // TESTS_SOAK_SOAK_H_
