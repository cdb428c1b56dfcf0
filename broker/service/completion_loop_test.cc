#include "broker/service/completion_loop.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kNap = absl::Milliseconds(2);

// What a loop does, letter by letter: A awaits, P polls, R runs an event, N
// naps. What it finds comes from a script: 'e' is an event, '-' nothing; then
// the end.
class Script final : public CompletionSource, public CompletionHandler {
 public:
  explicit Script(std::string found) : found_(std::move(found)) {}

  Found Await(Event* event) override {
    did_ += 'A';
    return Next(event);
  }
  Found Poll(Event* event) override {
    did_ += 'P';
    return Next(event);
  }
  void Nap(absl::Duration duration) override {
    did_ += 'N';
    naps_.push_back(duration);
  }
  void OnCompletion(bool ok) override {
    did_ += 'R';
    EXPECT_TRUE(ok);
  }

  const std::string& did() const { return did_; }
  const std::vector<absl::Duration>& naps() const { return naps_; }

 private:
  Found Next(Event* event) {
    if (next_ == found_.size()) return Found::kEnd;
    if (found_[next_++] == '-') return Found::kNothing;
    *event = {this, true};
    return Found::kEvent;
  }

  const std::string found_;
  size_t next_ = 0;
  std::string did_;
  std::vector<absl::Duration> naps_;
};

std::string Did(const std::string& found, absl::Duration nap = kNap) {
  Script script(found);
  RunCompletionLoop(&script, nap);
  return script.did();
}

std::string Times(int n, char what) { return std::string(n, what); }

TEST(CompletionLoopTest, NapsAfterAsManyEmptyPollsInARowAndBlocksForTheNext) {
  EXPECT_EQ(Did("e" + Times(kEmptyPollsBeforeNap, '-') + "e"),
            "AR" + Times(kEmptyPollsBeforeNap, 'P') + "N" + "AR" + "P");
}

TEST(CompletionLoopTest, DoesNotNapIfTheLastOfThosePollsFindsSomething) {
  EXPECT_EQ(Did("e" + Times(kEmptyPollsBeforeNap - 1, '-') + "e"),
            "AR" + Times(kEmptyPollsBeforeNap, 'P') + "R" + "P");
}

TEST(CompletionLoopTest, CountsEmptyPollsAnewAfterEachEvent) {
  EXPECT_EQ(Did("e" + Times(kEmptyPollsBeforeNap - 1, '-') + "e" +
                Times(kEmptyPollsBeforeNap, '-')),
            "AR" + Times(kEmptyPollsBeforeNap, 'P') + "R" +
                Times(kEmptyPollsBeforeNap, 'P') + "N" + "A");
}

TEST(CompletionLoopTest, NeverNapsWhileItIsBusy) {
  std::string did = "AR";
  for (int i = 1; i < 1000; ++i) did += "PR";
  EXPECT_EQ(Did(Times(1000, 'e')), did + "P");
}

TEST(CompletionLoopTest, WithoutANapBlocksForEachEvent) {
  EXPECT_EQ(Did("eee", absl::ZeroDuration()), "ARARARA");
}

TEST(CompletionLoopTest, NapsForAsLongAsItIsTold) {
  Script script("e" + Times(kEmptyPollsBeforeNap, '-'));
  RunCompletionLoop(&script, absl::Milliseconds(7));
  EXPECT_THAT(script.naps(), ElementsAre(absl::Milliseconds(7)));
}

TEST(CompletionLoopTest, ReturnsAtAnEndThatItWaitedFor) {
  EXPECT_EQ(Did(""), "A");
}

TEST(CompletionLoopTest, ReturnsAtAnEndThatAPollFindsWithoutANap) {
  EXPECT_EQ(Did("e"), "ARP");
  EXPECT_EQ(Did("e--"), "ARPPP");
}

// --- On a completion queue ---

class Results final : public CompletionHandler {
 public:
  void OnCompletion(bool ok) override { oks_.push_back(ok); }
  const std::vector<bool>& oks() const { return oks_; }

 private:
  std::vector<bool> oks_;
};

class QueueTest : public ::testing::TestWithParam<absl::Duration> {};

TEST_P(QueueTest, RunsAllEventsOfAQueueThatIsShutDownAndReturns) {
  grpc::CompletionQueue queue;
  Results results;
  void* const tag = static_cast<CompletionHandler*>(&results);
  grpc::Alarm due[3];
  for (grpc::Alarm& alarm : due) {
    alarm.Set(&queue, gpr_now(GPR_CLOCK_MONOTONIC), tag);
  }
  grpc::Alarm never;
  never.Set(&queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), tag);
  never.Cancel();
  queue.Shutdown();
  RunCompletionLoop(&queue, GetParam());
  // An alarm that is cancelled is an operation that failed.
  EXPECT_THAT(results.oks(), UnorderedElementsAre(true, true, true, false));
}

INSTANTIATE_TEST_SUITE_P(Each, QueueTest,
                         ::testing::Values(absl::ZeroDuration(), kNap),
                         [](const auto& test) {
                           return test.param == kNap ? "WithANap"
                                                     : "WithoutANap";
                         });

}  // namespace
}  // namespace rmq
