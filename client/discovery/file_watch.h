// Follows a file of brokers.
#ifndef CLIENT_DISCOVERY_FILE_WATCH_H_
#define CLIENT_DISCOVERY_FILE_WATCH_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/known_brokers.h"
#include "client/loop/event_loop.h"

namespace rmq {

// Reads the file each interval, so that it notices whatever happens to the file
// or to a link on the way, and parses what is not as it was. A file that is
// gone, emptied, cut short or unreadable leaves the list that was.
//
// Not thread-safe: Look() at first, by whoever constructs it, and then the
// tasks of `loop`. `loop` and `known` are borrowed.
class FileWatch {
 public:
  FileWatch(std::string path, absl::Duration interval, EventLoop* loop,
            KnownBrokers* known)
      : path_(std::move(path)),
        interval_(interval),
        loop_(*loop),
        known_(*known) {}

  // Reads the file, and tells `known` the result.
  void Look();

  // Looks again each interval, from an interval from now on. Once, by a task of
  // the loop.
  void Follow();

 private:
  const std::string path_;
  const absl::Duration interval_;
  EventLoop& loop_;
  KnownBrokers& known_;
  // What was read last, and what it says. No file that is read is empty.
  std::string text_;
  absl::StatusOr<std::vector<BrokerEntry>> brokers_;
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_FILE_WATCH_H_
