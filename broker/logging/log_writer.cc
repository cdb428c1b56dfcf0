#include "broker/logging/log_writer.h"

#include <limits.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/real_clock.h"
#include "glog/logging.h"

namespace rmq {
namespace {

int64_t CountLines(absl::string_view text) {
  return std::count(text.begin(), text.end(), '\n');
}

// What one write() may take of `text`: as many whole lines as a pipe takes
// without mixing them with what others write, at least one.
absl::string_view FirstPiece(absl::string_view text) {
  if (text.size() <= PIPE_BUF) return text;
  size_t end = text.rfind('\n', PIPE_BUF - 1);
  if (end == absl::string_view::npos) end = text.find('\n');
  return text.substr(0, end == absl::string_view::npos ? end : end + 1);
}

// A file descriptor that may refuse what is written. For one thread.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  // Writes `text`, however long the reader takes. Returns how many bytes were
  // written: fewer than there are if the descriptor refused the next one. A
  // line that the last call has left unfinished is ended first.
  size_t Write(absl::string_view text) {
    if (line_is_torn_ && WriteAll("\n") == 0) return 0;
    const size_t written = WriteAll(text);
    line_is_torn_ = written > 0 && text[written - 1] != '\n';
    return written;
  }

 private:
  size_t WriteAll(absl::string_view text) {
    const size_t size = text.size();
    while (!text.empty()) {
      const absl::string_view piece = FirstPiece(text);
      const ssize_t written = write(fd_, piece.data(), piece.size());
      if (written > 0) {
        text.remove_prefix(static_cast<size_t>(written));
      } else if (written < 0 && errno == EAGAIN) {
        // Somebody who shares the open file has made it non-blocking.
        pollfd writable = {fd_, POLLOUT, 0};
        poll(&writable, 1, -1);
      } else if (written == 0 || errno != EINTR) {
        break;
      }
    }
    return size - text.size();
  }

  const int fd_;
  bool line_is_torn_ = false;
};

// Not by LOG(): it would queue the line behind others, and glog may be waiting
// for this thread.
std::string NoteOfDropped(int64_t lines) {
  Clock& clock = RealClock();
  const double now = absl::ToDoubleSeconds(clock.ClockToWall(clock.TimeNow()) -
                                           absl::UnixEpoch());
  const std::string message = absl::StrCat(
      lines, lines == 1 ? " log line was dropped" : " log lines were dropped");
  return absl::StrCat(
      google::LogSink::ToString(
          google::GLOG_WARNING, "log_writer.cc", __LINE__,
          google::LogMessageTime(static_cast<std::time_t>(now), now),
          message.data(), message.size()),
      "\n");
}

}  // namespace

struct LogWriter::Queue {
  Queue(int fd, size_t max_bytes) : fd(fd), max_bytes(max_bytes) {}
  ~Queue() { close(fd); }

  void Append(absl::string_view lines);
  bool Flush(absl::Duration timeout);
  // What the thread does.
  void Run();

  const int fd;
  const size_t max_bytes;
  // Of the standard library, whose timed waits go by the steady clock.
  std::mutex mu;
  std::condition_variable has_work;
  std::condition_variable has_written;
  // All below but the last are guarded by `mu`. `waiting` has the lines that
  // the thread has not taken yet.
  std::string waiting;
  // Lines that were dropped since the last note of that was written.
  int64_t dropped_untold = 0;
  // Bytes that were queued, and those among them that are written or dropped.
  int64_t queued = 0;
  int64_t done = 0;
  bool stopped = false;
  std::atomic<int64_t> lines_dropped{0};
};

void LogWriter::Queue::Append(absl::string_view lines) {
  const std::lock_guard<std::mutex> lock(mu);
  if (waiting.size() + lines.size() > max_bytes) {
    const int64_t count = CountLines(lines);
    dropped_untold += count;
    lines_dropped += count;
    return;
  }
  waiting.append(lines.data(), lines.size());
  queued += static_cast<int64_t>(lines.size());
  has_work.notify_one();
}

bool LogWriter::Queue::Flush(absl::Duration timeout) {
  std::unique_lock<std::mutex> lock(mu);
  const int64_t target = queued;
  return has_written.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                              [&] { return done >= target; });
}

void LogWriter::Queue::Run() {
  Output output(fd);
  std::string batch;
  std::unique_lock<std::mutex> lock(mu);
  while (true) {
    has_work.wait(lock, [this] { return stopped || !waiting.empty(); });
    if (stopped) return;
    batch.clear();
    batch.swap(waiting);
    int64_t untold = std::exchange(dropped_untold, 0);
    lock.unlock();

    const size_t written = output.Write(batch);
    if (written < batch.size()) {
      const int64_t lost = CountLines(absl::string_view(batch).substr(written));
      lines_dropped += lost;
      untold += lost;
    } else if (untold > 0) {
      // These were dropped since the queue was full of the batch: the note
      // stands where they are missing.
      const std::string note = NoteOfDropped(untold);
      if (output.Write(note) == note.size()) untold = 0;
    }

    lock.lock();
    dropped_untold += untold;
    done += static_cast<int64_t>(batch.size());
    has_written.notify_all();
  }
}

LogWriter::LogWriter(int fd, size_t max_queued_bytes)
    : queue_(std::make_shared<Queue>(fd, max_queued_bytes)) {
  std::thread([queue = queue_] { queue->Run(); }).detach();
}

LogWriter::~LogWriter() {
  const std::lock_guard<std::mutex> lock(queue_->mu);
  queue_->stopped = true;
  queue_->has_work.notify_one();
}

void LogWriter::Append(absl::string_view lines) { queue_->Append(lines); }

bool LogWriter::Flush(absl::Duration timeout) { return queue_->Flush(timeout); }

int64_t LogWriter::lines_dropped() const { return queue_->lines_dropped; }

}  // namespace rmq
