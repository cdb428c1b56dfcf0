#include "common/rpc/loop/completion_loop.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kNap = absl::Milliseconds(2);

// What a loop does, letter by letter: A awaits, P polls, R runs an event, N
// naps. What it finds comes from a script: 'e' is an event, '-' nothing; then
// the end.
class Script final : public CompletionSource, public CompletionHandler {
 public:
  explicit Script(std::string found, size_t queues = 1)
      : found_(std::move(found)), queue_count_(queues) {}

  Found Await(Event* event) override {
    did_ += 'A';
    return Next(event);
  }
  Found Poll(Event* event) override {
    did_ += 'P';
    return Next(event);
  }
  size_t queue_count() const override { return queue_count_; }
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
  const size_t queue_count_;
  size_t next_ = 0;
  std::string did_;
  std::vector<absl::Duration> naps_;
};

std::string Did(const std::string& found, absl::Duration nap = kNap,
                size_t queues = 1) {
  Script script(found, queues);
  RunCompletionLoop(&script, nap);
  return script.did();
}

std::string Times(size_t n, char what) { return std::string(n, what); }

// Polls that find `events`, and then `empty`, at least one, that find none.
std::string Polled(size_t events, size_t empty) {
  std::string did;
  for (; events >= kMostEventsTogether; events -= kMostEventsTogether) {
    did += Times(kMostEventsTogether, 'P') + Times(kMostEventsTogether, 'R');
  }
  return did + Times(events, 'P') + "P" + Times(events, 'R') +
         Times(empty - 1, 'P');
}

TEST(CompletionLoopTest, NapsAfterTheFewestEmptyPollsAndBlocksForTheNext) {
  EXPECT_EQ(Did("e" + Times(kFewestEmptyPolls, '-') + "e"),
            "AR" + Times(kFewestEmptyPolls, 'P') + "N" + "AR" + "P");
}

TEST(CompletionLoopTest, DoesNotNapIfTheLastOfThosePollsFindsSomething) {
  EXPECT_EQ(Did("e" + Times(kFewestEmptyPolls - 1, '-') + "e"),
            "AR" + Times(kFewestEmptyPolls - 1, 'P') + Polled(1, 1));
}

TEST(CompletionLoopTest, CountsEmptyPollsAnewAfterEachEvent) {
  EXPECT_EQ(Did("e" + Times(kFewestEmptyPolls - 1, '-') + "e" +
                Times(kFewestEmptyPolls, '-')),
            "AR" + Times(kFewestEmptyPolls - 1, 'P') +
                Polled(1, kFewestEmptyPolls) + "N" + "A");
}

TEST(CompletionLoopTest, PollsInVainAsOftenAsItRanEventsButNotForEver) {
  for (const size_t events : {kFewestEmptyPolls, kFewestEmptyPolls + 1,
                              kMostEmptyPolls, kMostEmptyPolls + 1, 1000ul}) {
    const size_t polls = std::min(events, kMostEmptyPolls);
    EXPECT_EQ(Did(Times(events, 'e') + Times(polls, '-')),
              "AR" + Polled(events - 1, polls) + "N" + "A")
        << events;
    EXPECT_THAT(Did(Times(events, 'e') + Times(polls - 1, '-')),
                Not(HasSubstr("N")))
        << events;
  }
}

TEST(CompletionLoopTest, LooksEverywhereBeforeItNaps) {
  for (const size_t queues : {kFewestEmptyPolls + 1, kMostEmptyPolls + 1}) {
    EXPECT_EQ(Did("e" + Times(queues, '-'), kNap, queues),
              "AR" + Times(queues, 'P') + "N" + "A");
    EXPECT_EQ(Did("e" + Times(queues - 1, '-'), kNap, queues),
              "AR" + Times(queues, 'P'));
  }
}

TEST(CompletionLoopTest, CountsEventsAnewAfterEachNap) {
  EXPECT_EQ(Did(Times(5, 'e') + Times(5, '-') + "e" + Times(4, '-')),
            "AR" + Polled(4, 5) + "N" + "AR" + Times(4, 'P') + "N" + "A");
}

TEST(CompletionLoopTest, TakesWhatHasComeBeforeItRunsIt) {
  EXPECT_EQ(Did("eeee"), "AR" + std::string("PPP") + "P" + "RRR");
}

TEST(CompletionLoopTest, TakesSoManyAtMostBeforeItRunsThem) {
  const std::string together =
      Times(kMostEventsTogether, 'P') + Times(kMostEventsTogether, 'R');
  EXPECT_EQ(Did("e" + Times(kMostEventsTogether, 'e')), "AR" + together + "P");
  EXPECT_EQ(Did("e" + Times(kMostEventsTogether + 1, 'e')),
            "AR" + together + "PPR");
}

TEST(CompletionLoopTest, NeverNapsWhileItIsBusy) {
  EXPECT_EQ(Did(Times(1000, 'e')), "AR" + Polled(999, 1));
}

TEST(CompletionLoopTest, WithoutANapBlocksForEachEvent) {
  EXPECT_EQ(Did("eee", absl::ZeroDuration()), "ARARARA");
}

TEST(CompletionLoopTest, NapsForAsLongAsItIsTold) {
  Script script("e" + Times(kFewestEmptyPolls, '-'));
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

}  // namespace
}  // namespace rmq
