#include "common/failure_ways.h"

namespace rmq {
namespace {

absl::StatusCode WayOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal: return absl::StatusCode::kUnavailable;
    default: return code;
  }
}

}  // namespace

bool FailureWays::Add(const absl::Status& error) {
  return ways_.insert(WayOf(error.code())).second;
}

bool FailureWays::Clear() {
  const bool had_failed = !ways_.empty();
  ways_.clear();
  return had_failed;
}

}  // namespace rmq
