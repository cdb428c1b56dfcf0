// Writes a log without letting anybody wait for whoever reads it.
#ifndef BROKER_LOGGING_LOG_WRITER_H_
#define BROKER_LOGGING_LOG_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rmq {

// A bounded queue of lines, and a thread that writes them to a file descriptor.
// The thread writes whole lines, at most PIPE_BUF bytes at once unless one line
// is longer: lines of other processes that write to the same pipe stay whole.
//
// A line is dropped, and counted, if the queue is full or if the descriptor
// refuses it (nobody reads the pipe any more, the disk is full). When writing
// goes on, a line "N log lines were dropped" with glog's prefix stands where
// those lines are missing.
//
// The thread blocks in write(2) for as long as the reader wishes. It is never
// joined: neither the destructor nor the end of the process waits for it. The
// descriptor is not made non-blocking instead, since O_NONBLOCK belongs to the
// open file, which other processes share; a shell, for one.
//
// Thread-safe.
class LogWriter {
 public:
  static constexpr size_t kMaxQueuedBytes = 1024 * 1024;

  // Takes `fd`, and closes it when the writer has been destroyed and its thread
  // has done the write that it is at.
  explicit LogWriter(int fd, size_t max_queued_bytes = kMaxQueuedBytes);

  // Does not wait for what is queued; see Flush().
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Queues `lines`, each with its '\n', or drops them all. Does not block.
  void Append(absl::string_view lines);

  // Waits until all that was queued before has been written or dropped, but not
  // longer than `timeout`. Returns whether that is so.
  bool Flush(absl::Duration timeout);

  // Lines that were dropped since the start.
  int64_t lines_dropped() const;

 private:
  struct Queue;
  // Shared with the thread, which may outlive this object.
  const std::shared_ptr<Queue> queue_;
};

}  // namespace rmq

#endif  // BROKER_LOGGING_LOG_WRITER_H_
