#include "client/discovery/known_brokers.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/recording_listener.h"
#include "client/discovery/resolver_source.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Brokers = std::vector<BrokerEntry>;

class KnownBrokersTest : public ::testing::Test {
 protected:
  KnownBrokersTest() { known_.AddListener(lists_); }

  absl::Time WallNow() { return clock_.ClockToWall(clock_.TimeNow()); }

  const Brokers kOne = {{"a", 0, "h:1"}};
  const Brokers kTwo = {{"a", 0, "h:1"}, {"b", 0, "h:2"}};
  const Brokers kBad = {{"a", 0, "nowhere"}};

  SimulatedClock clock_;
  KnownBrokers known_{"test:///", &clock_};
  std::shared_ptr<RecordingListener> lists_ =
      std::make_shared<RecordingListener>();
};

TEST_F(KnownBrokersTest, BeforeTheFirstListNothingIsKnown) {
  EXPECT_THAT(lists_->lists(), IsEmpty());
  const ResolverStatus status = known_.Status();
  EXPECT_EQ(status.source, "test:///");
  EXPECT_EQ(status.learned_at, absl::InfinitePast());
  EXPECT_EQ(status.brokers, 0);
  EXPECT_THAT(status.error, IsOk());
  EXPECT_EQ(status.error_since, absl::InfiniteFuture());
}

TEST_F(KnownBrokersTest, ListenersHearOfEachOtherList) {
  known_.Learn(kOne);
  known_.Learn(kTwo);
  EXPECT_THAT(lists_->lists(), ElementsAre("h:1", "h:1,h:2"));
  EXPECT_EQ(known_.Status().brokers, 2);
}

TEST_F(KnownBrokersTest, AListenerThatComesLaterHearsTheLastList) {
  known_.Learn(kOne);
  known_.Fail(absl::UnavailableError("away"));
  const auto late = std::make_shared<RecordingListener>();
  known_.AddListener(late);
  EXPECT_THAT(late->lists(), ElementsAre("h:1"));
}

TEST_F(KnownBrokersTest, TheSameListAgainIsNotToldButItsTimeIs) {
  known_.Learn(kOne);
  clock_.Advance(absl::Seconds(5));
  known_.Learn(kOne);
  EXPECT_THAT(lists_->lists(), ElementsAre("h:1"));
  EXPECT_EQ(known_.Status().learned_at, WallNow());
}

TEST_F(KnownBrokersTest, AListWithoutABrokerIsAnErrorAndTheLastOneIsKept) {
  known_.Learn({});
  EXPECT_THAT(known_.Status().error, StatusIs(absl::StatusCode::kNotFound,
                                              "the source lists no broker"));
  EXPECT_THAT(lists_->lists(), IsEmpty());
  known_.Learn(kOne);
  EXPECT_THAT(known_.Status().error, IsOk());
  known_.Learn({}, /*passed_over=*/2);
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("entries that it cannot read: 2")));
  EXPECT_EQ(known_.Status().passed_over, 2);
  EXPECT_EQ(known_.Status().brokers, 1);
  EXPECT_THAT(lists_->lists(), ElementsAre("h:1"));
}

TEST_F(KnownBrokersTest, AnErrorKeepsTheLastListAndSaysSinceWhen) {
  known_.Learn(kOne);
  const absl::Time learned_at = WallNow();
  clock_.Advance(absl::Seconds(5));
  known_.Fail(absl::UnavailableError("away"));
  const absl::Time failed_at = WallNow();
  clock_.Advance(absl::Seconds(5));
  known_.Fail(absl::NotFoundError("gone"));
  EXPECT_THAT(lists_->lists(), ElementsAre("h:1"));
  const ResolverStatus status = known_.Status();
  EXPECT_EQ(status.learned_at, learned_at);
  EXPECT_EQ(status.brokers, 1);
  EXPECT_THAT(status.error, StatusIs(absl::StatusCode::kNotFound, "gone"));
  EXPECT_EQ(status.error_since, failed_at);
}

TEST_F(KnownBrokersTest, AListEndsAnError) {
  known_.Fail(absl::UnavailableError("away"));
  known_.Learn(kOne);
  EXPECT_THAT(known_.Status().error, IsOk());
  EXPECT_EQ(known_.Status().error_since, absl::InfiniteFuture());
}

TEST_F(KnownBrokersTest, AListThatDoesNotValidateIsAnError) {
  known_.Learn(kOne);
  known_.Learn(kBad);
  EXPECT_THAT(lists_->lists(), ElementsAre("h:1"));
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(known_.Status().brokers, 1);
}

TEST_F(KnownBrokersTest, EntriesThatArePassedOverAreCounted) {
  known_.Learn(kOne, 3);
  EXPECT_EQ(known_.Status().passed_over, 3);
  known_.Learn(kOne);
  EXPECT_EQ(known_.Status().passed_over, 0);
}

// What glog writes.
class LogLines final : public google::LogSink {
 public:
  LogLines() { google::AddLogSink(this); }
  ~LogLines() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity, const char*, const char*, int,
            const struct ::tm*, const char* text, size_t size) override {
    lines.emplace_back(text, size);
  }
  using google::LogSink::send;

  std::vector<std::string> lines;
};

TEST_F(KnownBrokersTest, TheLogHasALineForEachOtherListAndNoMore) {
  LogLines log;
  known_.Learn(kOne);
  known_.Learn(kOne);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("has told other brokers")));
  known_.Learn(kTwo);
  EXPECT_THAT(log.lines, SizeIs(2));
}

TEST_F(KnownBrokersTest, AnOutageIsALineAtItsBeginningAndOneAtItsEnd) {
  known_.Learn(kOne);
  LogLines log;
  known_.Fail(absl::UnavailableError("refused by 127.0.0.1:1"));
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Seconds(1));
    known_.Fail(absl::DeadlineExceededError("no answer within 2s"));
    known_.Fail(absl::InternalError("reset"));
    known_.Fail(absl::UnavailableError("refused by 127.0.0.1:2"));
  }
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("127.0.0.1:1")));
  known_.Learn(kOne);
  known_.Learn(kOne);
  EXPECT_THAT(log.lines, ElementsAre(testing::_,
                                     AllOf(HasSubstr("tells its brokers again"),
                                           HasSubstr("failed_for=3s"))));
  // The next one is another one.
  known_.Fail(absl::UnavailableError("refused by 127.0.0.1:1"));
  EXPECT_THAT(log.lines, SizeIs(3));
}

TEST_F(KnownBrokersTest, AFailureOfAnotherKindIsALineOfItsOwnOnceAnOutage) {
  known_.Learn(kOne);
  LogLines log;
  for (int i = 0; i < 3; ++i) {
    known_.Fail(absl::UnavailableError("away"));
    known_.Fail(absl::PermissionDeniedError("not you"));
    known_.Learn({});
    known_.Learn(kBad);
  }
  EXPECT_THAT(log.lines,
              ElementsAre(HasSubstr("away"), HasSubstr("not you"),
                          HasSubstr("lists no broker"), HasSubstr("nowhere")));
}

}  // namespace
}  // namespace rmq
