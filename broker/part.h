// A part of the broker that has a life.
#ifndef BROKER_PART_H_
#define BROKER_PART_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rmq {

// The BrokerController has a list of them. It calls the methods of all parts by
// one thread: Start() in the order of the list; BeginDrain() in the reverse
// order, so that what announces the broker drains before what serves clients;
// and Stop() in the order of the list, so that what shows how the broker is
// doing stops last.
class Part {
 public:
  virtual ~Part() = default;

  // Begins the part's work. An error ends the start of the broker.
  virtual absl::Status Start() = 0;

  // The broker goes down: takes on no new work. Does not block. May be called
  // without Start(), and before each Stop().
  virtual void BeginDrain() {}

  // Ends the part's work: waits for what is in progress for `timeout` at most,
  // and then cancels it. Does nothing if the part has stopped or did not start.
  virtual void Stop(absl::Duration timeout) = 0;
};

}  // namespace rmq

#endif  // BROKER_PART_H_
