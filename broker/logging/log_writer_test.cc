#include "broker/logging/log_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kMoment = absl::Milliseconds(50);

// Whose write end a LogWriter takes.
class LogPipe {
 public:
  // Holds PIPE_BUF bytes, and no more.
  LogPipe() {
    signal(SIGPIPE, SIG_IGN);  // As in the broker.
    EXPECT_EQ(pipe2(fds_, O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(fds_[1], F_SETPIPE_SZ, PIPE_BUF), PIPE_BUF);
  }
  ~LogPipe() { CloseReader(); }

  int writer() const { return fds_[1]; }

  void CloseReader() {
    if (fds_[0] >= 0) close(fds_[0]);
    fds_[0] = -1;
  }

  // Blocks until the pipe is full: whoever writes to it is stuck.
  void AwaitFull() const {
    int bytes = 0;
    while (bytes < PIPE_BUF) {
      ASSERT_EQ(ioctl(fds_[0], FIONREAD, &bytes), 0);
      std::this_thread::yield();
    }
  }

  // The next bytes, up to `end`.
  std::string ReadUntil(absl::string_view end) {
    std::string text;
    while (!absl::EndsWith(text, end)) {
      char byte;
      if (read(fds_[0], &byte, 1) != 1) return text + "(end)";
      text.push_back(byte);
    }
    return text;
  }

 private:
  int fds_[2];
};

std::string LineOf(size_t bytes) { return std::string(bytes - 1, 'x') + "\n"; }

// A line of which the pipe takes half.
constexpr size_t kLongLine = 2 * PIPE_BUF;

TEST(LogWriterTest, LinesAreWrittenInTheirOrder) {
  LogPipe pipe;
  LogWriter writer(pipe.writer());
  for (int i = 0; i < 100; ++i) writer.Append(absl::StrCat(i, "\n"));
  std::string expected;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&expected, i, "\n");
  EXPECT_TRUE(writer.Flush(kPatience));
  EXPECT_EQ(pipe.ReadUntil("99\n"), expected);
  EXPECT_EQ(writer.lines_dropped(), 0);
}

TEST(LogWriterTest, AFlushWithNothingToWriteDoesNotWait) {
  LogPipe pipe;
  LogWriter writer(pipe.writer());
  EXPECT_TRUE(writer.Flush(absl::ZeroDuration()));
}

TEST(LogWriterTest, AReaderThatStallsHoldsUpNobody) {
  LogPipe pipe;
  LogWriter writer(pipe.writer(), kLongLine);
  writer.Append(LineOf(kLongLine));
  pipe.AwaitFull();
  for (int i = 0; i < 10'000; ++i) writer.Append(LineOf(kLongLine));
  EXPECT_FALSE(writer.Flush(kMoment));
  EXPECT_EQ(writer.lines_dropped(), 9'999);
}  // Nor does the end of the writer wait.

TEST(LogWriterTest, TheQueueHoldsItsBoundAndNotOneByteMore) {
  LogPipe pipe;
  LogWriter writer(pipe.writer(), kLongLine);
  writer.Append(LineOf(kLongLine));
  pipe.AwaitFull();
  // The queue is empty now.
  writer.Append(LineOf(kLongLine - 1));
  writer.Append("x\n");
  EXPECT_EQ(writer.lines_dropped(), 1);
  writer.Append("\n");
  EXPECT_EQ(writer.lines_dropped(), 1);
  writer.Append("\n");
  EXPECT_EQ(writer.lines_dropped(), 2);
}

TEST(LogWriterTest, WhenReadingGoesOnALineTellsHowManyAreMissingWhere) {
  LogPipe pipe;
  LogWriter writer(pipe.writer(), kLongLine);
  writer.Append(LineOf(kLongLine));
  pipe.AwaitFull();
  writer.Append("waits\n");
  writer.Append(LineOf(kLongLine));
  writer.Append("dropped\n" + LineOf(kLongLine));
  EXPECT_EQ(writer.lines_dropped(), 3);

  EXPECT_EQ(pipe.ReadUntil("\n"), LineOf(kLongLine));
  EXPECT_EQ(pipe.ReadUntil("\n"), "waits\n");
  EXPECT_THAT(pipe.ReadUntil("\n"),
              MatchesRegex("W[0-9]{8} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6} +"
                           "[0-9]+ log_writer\\.cc:[0-9]+\\] "
                           "3 log lines were dropped\n"));
  writer.Append("after\n");
  EXPECT_EQ(pipe.ReadUntil("\n"), "after\n");
  EXPECT_EQ(writer.lines_dropped(), 3);
}

TEST(LogWriterTest, AReaderThatEndsCostsLinesOnly) {
  LogPipe pipe;
  LogWriter writer(pipe.writer());
  pipe.CloseReader();
  for (int i = 1; i <= 3; ++i) {
    writer.Append("nobody\nreads\n");
    EXPECT_TRUE(writer.Flush(kPatience));
    EXPECT_EQ(writer.lines_dropped(), 2 * i);
  }
}

TEST(LogWriterTest, AReaderThatEndsWhileTheThreadIsStuckFreesIt) {
  LogPipe pipe;
  LogWriter writer(pipe.writer());
  writer.Append(LineOf(kLongLine));
  pipe.AwaitFull();
  EXPECT_FALSE(writer.Flush(kMoment));
  pipe.CloseReader();
  EXPECT_TRUE(writer.Flush(kPatience));
  EXPECT_EQ(writer.lines_dropped(), 1);
}

TEST(LogWriterTest, AFullDiskCostsLinesOnly) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  LogWriter writer(full);
  writer.Append("a\nb\n");
  EXPECT_TRUE(writer.Flush(kPatience));
  EXPECT_EQ(writer.lines_dropped(), 2);
}

TEST(LogWriterTest, ADiskThatHasRoomAgainIsToldWhatIsMissingOnALineOfItsOwn) {
  signal(SIGXFSZ, SIG_IGN);
  const std::string path = testing::TempDir() + "/log";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ASSERT_GE(file, 0);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  LogWriter writer(file);
  const rlimit small = {8, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  writer.Append("first\nsecond\nthird\n");
  EXPECT_TRUE(writer.Flush(kPatience));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(writer.lines_dropped(), 2);

  writer.Append("fourth\n");
  EXPECT_TRUE(writer.Flush(kPatience));
  std::ifstream log(path);
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(text, '\n')),
              ElementsAre("first", "se", "fourth",
                          EndsWith("] 2 log lines were dropped"), ""));
}

TEST(LogWriterTest, LinesOfManyThreadsStayWholeBesideThoseOfOtherProcesses) {
  LogPipe pipe;
  const int other = dup(pipe.writer());
  LogWriter writer(pipe.writer());
  constexpr int kLines = 1000;
  constexpr size_t kBytes = 300;
  std::thread ours([&] {
    for (int i = 0; i < kLines; ++i) writer.Append(LineOf(kBytes));
  });
  std::thread theirs([&] {
    const std::string line = std::string(kBytes - 1, 'y') + "\n";
    for (int i = 0; i < kLines; ++i) {
      EXPECT_EQ(write(other, line.data(), line.size()), kBytes);
    }
  });
  for (int i = 0; i < 2 * kLines; ++i) {
    const std::string line = pipe.ReadUntil("\n");
    ASSERT_THAT(line, SizeIs(kBytes));
    ASSERT_EQ(line.find_first_not_of(line[0]), kBytes - 1) << line;
  }
  ours.join();
  theirs.join();
  close(other);
}

TEST(LogWriterTest, ADescriptorThatSomebodyMadeNonBlockingLosesNothing) {
  LogPipe pipe;
  ASSERT_EQ(fcntl(pipe.writer(), F_SETFL, O_NONBLOCK), 0);
  LogWriter writer(pipe.writer());
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = absl::StrCat("line ", i, " of a thousand\n");
    writer.Append(line);
    expected += line;
  }
  EXPECT_EQ(pipe.ReadUntil("line 999 of a thousand\n"), expected);
  EXPECT_EQ(writer.lines_dropped(), 0);
}

TEST(LogWriterTest, ALineLongerThanAPipeTakesIsWritten) {
  LogPipe pipe;
  LogWriter writer(pipe.writer());
  const std::string line = LineOf(5 * PIPE_BUF);
  writer.Append(line);
  EXPECT_EQ(pipe.ReadUntil("\n"), line);
}

}  // namespace
}  // namespace rmq
