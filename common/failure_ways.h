// Which failures of something are news, for a log that has a line when an
// outage begins and one when it is over.
#ifndef COMMON_FAILURE_WAYS_H_
#define COMMON_FAILURE_WAYS_H_

#include <set>

#include "absl/status/status.h"

namespace rmq {

// In which ways something has failed since it was well. All that passes by
// itself is one way, no answer: an outage shows now as the one and now as the
// other. Each further code is a way of its own, such as a refusal. So failures
// that alternate are news once each.
//
// Thread-safety: none.
class FailureWays {
 public:
  // Notes a failure; `error` is not OK. Whether it is the first of its way.
  bool Add(const absl::Status& error);

  // Notes that it is well. Whether a failure was noted before.
  bool Clear();

 private:
  std::set<absl::StatusCode> ways_;
};

}  // namespace rmq

#endif  // COMMON_FAILURE_WAYS_H_
