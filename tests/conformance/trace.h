// Reads recorded traces and lists of expressions: JSON Lines, see README.md.
#ifndef TESTS_CONFORMANCE_TRACE_H_
#define TESTS_CONFORMANCE_TRACE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// An operation, and the line of the file that it stands in.
struct TraceLine {
  int line = 0;
  Operation operation;
};

struct ExpressionLine {
  int line = 0;
  ExpressionCase expression;
};

// A file: a trace, or a list of expressions, in which case `expressions` is not
// empty.
struct Recording {
  std::string file;
  Header header;
  std::vector<TraceLine> operations;
  std::vector<ExpressionLine> expressions;
};

// Parses the text of `file`. Keys that the format does not have are ignored.
// InvalidArgument naming the file and the line for what is not JSON or has the
// wrong type, for an unknown operation, for one without its inputs or without
// expectation, and for a text without operations.
absl::StatusOr<Recording> ParseRecording(absl::string_view file,
                                         absl::string_view text);

// The same of a file's content. NotFound if it cannot be read.
absl::StatusOr<Recording> ReadRecording(const std::string& file);

// One line, without the line end.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_TRACE_H_
