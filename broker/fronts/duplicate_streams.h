// The client ids that several processes of one front use at a time.
#ifndef BROKER_FRONTS_DUPLICATE_STREAMS_H_
#define BROKER_FRONTS_DUPLICATE_STREAMS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rmq {

// Implemented by a front whose streams are no channels of the ClientTable,
// which knows those of its own. Thread-safe.
class DuplicateStreams {
 public:
  struct Duplicate {
    static constexpr size_t kMostAddresses = 10;

    std::string client_id;
    // Since when there is more than one.
    absl::Time since;
    // Streams, and clients that have none.
    size_t streams = 0;
    // "host:port" of the first of these: streams in the order of their opening,
    // then the others.
    std::vector<std::string> addresses;
  };

  virtual ~DuplicateStreams() = default;

  // Up to `max` ids that are greater than `after`, in order.
  virtual std::vector<Duplicate> ListDuplicates(absl::string_view after,
                                                size_t max) const = 0;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_DUPLICATE_STREAMS_H_
