// One run of the load, from the first connection to the report.
#ifndef TOOLS_LOADGEN_LOAD_RUN_H_
#define TOOLS_LOADGEN_LOAD_RUN_H_

#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "tools/loadgen/interrupt.h"
#include "tools/loadgen/load_options.h"
#include "tools/loadgen/load_report.pb.h"

namespace rmq::loadgen {

// Opens all streams, and when all have registered sends heartbeats: for the
// warm-up, then for the time that is measured. Writes a line to `live` for each
// step. `interrupt` ends it early, with the report of what was measured.
//
// Errors of streams are in the report. InvalidArgument for options that do not
// validate, ResourceExhausted if this process may not open so many files,
// NotFound if there is no process `server_pid`.
absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options,
                                   const Interrupt& interrupt,
                                   std::ostream& live);

// The report as a person reads it, several lines.
std::string Describe(const LoadReport& report);

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_LOAD_RUN_H_
