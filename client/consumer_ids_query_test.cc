#include "client/consumer_ids_query.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/consumer_ids.h"
#include "client/session/broker_stub.h"
#include "client/session/group_membership_testing.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;

// Gives the answers that a test has put in, one a call.
class AnsweringStub final : public BrokerStub {
 public:
  std::unique_ptr<BrokerStream> NewStream(BrokerStream::Reactor*) override {
    return nullptr;
  }
  absl::StatusOr<v1::GetConsumerListByGroupResponse> GetConsumerListByGroup(
      const v1::GetConsumerListByGroupRequest& request,
      absl::Duration timeout) override {
    tokens.push_back(request.page_token());
    timeouts.push_back(timeout);
    clock.Advance(absl::Seconds(1));
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  absl::Status CheckClientConfig(const v1::CheckClientConfigRequest&,
                                 absl::Duration) override {
    return absl::OkStatus();
  }
  void CancelCalls() override {}

  SimulatedClock clock;
  std::deque<absl::StatusOr<v1::GetConsumerListByGroupResponse>> answers;
  std::vector<std::string> tokens;
  std::vector<absl::Duration> timeouts;
};

absl::StatusOr<ConsumerIds> Query(AnsweringStub* stub) {
  return QueryConsumerIds(stub, "orders", &stub->clock,
                          stub->clock.TimeNow() + absl::Seconds(10));
}

TEST(ConsumerIdsQueryTest, AllPagesMakeTheListOfTheirEpoch) {
  AnsweringStub stub;
  stub.answers = {PageOf(5, {"b"}, "2"), PageOf(5, {"a", "b"})};
  const absl::StatusOr<ConsumerIds> ids = Query(&stub);
  ASSERT_THAT(ids, IsOk());
  EXPECT_THAT(ids->client_ids, ElementsAre("b", "a", "b"));
  EXPECT_EQ(ids->epoch, 5u);
  EXPECT_THAT(stub.tokens, ElementsAre("", "2"));
  EXPECT_THAT(stub.timeouts, ElementsAre(absl::Seconds(10), absl::Seconds(9)));
}

TEST(ConsumerIdsQueryTest, AListThatChangedTooOftenIsReadFromItsFirstPage) {
  AnsweringStub stub;
  stub.answers = {PageOf(5, {"x"}, "2"), absl::AbortedError("gone"),
                  PageOf(9, {"a"})};
  const absl::StatusOr<ConsumerIds> ids = Query(&stub);
  ASSERT_THAT(ids, IsOk());
  EXPECT_THAT(ids->client_ids, ElementsAre("a"));
  EXPECT_EQ(ids->epoch, 9u);
  EXPECT_THAT(stub.tokens, ElementsAre("", "2", ""));
}

TEST(ConsumerIdsQueryTest, AListIsReadFiveTimesAtMost) {
  AnsweringStub stub;
  for (int i = 0; i < kMaxReadings; ++i) {
    stub.answers.push_back(absl::AbortedError("gone"));
  }
  EXPECT_THAT(Query(&stub), StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(stub.tokens.size(), 5u);
}

TEST(ConsumerIdsQueryTest, AListHasAtMost1024Pages) {
  for (const bool is_one_too_many : {false, true}) {
    AnsweringStub stub;
    for (int i = 1; i < 1024; ++i) stub.answers.push_back(PageOf(5, {}, "on"));
    stub.answers.push_back(PageOf(5, {"a"}, is_one_too_many ? "on" : ""));
    const absl::StatusOr<ConsumerIds> ids =
        QueryConsumerIds(&stub, "orders", &stub.clock, absl::InfiniteFuture());
    EXPECT_EQ(ids.status().code(), is_one_too_many ? absl::StatusCode::kInternal
                                                   : absl::StatusCode::kOk);
    EXPECT_EQ(stub.tokens.size(), 1024u);
  }
}

TEST(ConsumerIdsQueryTest, AnotherErrorIsReturnedAtOnce) {
  AnsweringStub stub;
  stub.answers = {PageOf(5, {"x"}, "2"), absl::NotFoundError("nobody")};
  EXPECT_THAT(Query(&stub), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace rmq
