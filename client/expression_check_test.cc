#include "client/expression_check.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/session/broker_stub.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Answer = std::function<absl::Status(const v1::CheckClientConfigRequest&,
                                          absl::Duration timeout)>;

// Answers checks as the test says, and nothing else.
class AnsweringStub final : public BrokerStub {
 public:
  explicit AnsweringStub(Answer answer) : answer_(std::move(answer)) {}

  std::unique_ptr<BrokerStream> NewStream(BrokerStream::Reactor*) override {
    return nullptr;
  }
  absl::StatusOr<v1::GetConsumerListByGroupResponse> GetConsumerListByGroup(
      const v1::GetConsumerListByGroupRequest&, absl::Duration) override {
    return absl::UnimplementedError("checks only");
  }
  absl::Status CheckClientConfig(const v1::CheckClientConfigRequest& request,
                                 absl::Duration timeout) override {
    timeouts_.push_back(timeout);
    return answer_(request, timeout);
  }
  void CancelCalls() override {}

  // Of each check.
  const std::vector<absl::Duration>& timeouts() const { return timeouts_; }

 private:
  const Answer answer_;
  std::vector<absl::Duration> timeouts_;
};

class CheckExpressionsTest : public ::testing::Test {
 protected:
  std::shared_ptr<AnsweringStub> AddBroker(Answer answer) {
    auto stub = std::make_shared<AnsweringStub>(std::move(answer));
    const std::string address = absl::StrCat("b", brokers_.size() + 1, ":1");
    brokers_.emplace_back(BrokerEntry{"", 0, address}, stub);
    return stub;
  }
  std::shared_ptr<AnsweringStub> AddBroker(const absl::Status& status) {
    return AddBroker([status](const v1::CheckClientConfigRequest&,
                              absl::Duration) { return status; });
  }
  // A broker that lets each check wait until its timeout is over.
  std::shared_ptr<AnsweringStub> AddSilentBroker() {
    return AddBroker(
        [this](const v1::CheckClientConfigRequest&, absl::Duration timeout) {
          clock_.Advance(timeout);
          return absl::DeadlineExceededError("no answer");
        });
  }
  static v1::CheckClientConfigRequest Check(const std::string& topic) {
    v1::CheckClientConfigRequest check;
    check.set_group("orders");
    check.mutable_subscription()->set_topic(topic);
    return check;
  }
  absl::Status Run(const std::vector<v1::CheckClientConfigRequest>& checks) {
    return CheckExpressions(checks, brokers_, &clock_, absl::Seconds(6));
  }

  SimulatedClock clock_;
  std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>> brokers_;
};

TEST_F(CheckExpressionsTest, NothingToCheckIsOk) {
  EXPECT_THAT(Run({}), IsOk());
}

TEST_F(CheckExpressionsTest, WithoutABrokerNothingCanBeChecked) {
  EXPECT_THAT(
      Run({Check("t")}),
      StatusIs(absl::StatusCode::kUnavailable,
               "subscription of group \"orders\" to topic \"t\" cannot be "
               "checked: no broker is known yet"));
}

TEST_F(CheckExpressionsTest, TheFirstBrokerThatAcceptsAnExpressionDecides) {
  AddBroker(absl::OkStatus());
  const auto second = AddBroker(absl::InvalidArgumentError("wrong"));
  EXPECT_THAT(Run({Check("t")}), IsOk());
  EXPECT_THAT(second->timeouts(), IsEmpty());
}

TEST_F(CheckExpressionsTest, TheFirstBrokerThatRefusesAnExpressionDecides) {
  AddBroker(absl::UnavailableError("away"));
  AddBroker(absl::FailedPreconditionError("no SQL92 here"));
  const auto third = AddBroker(absl::OkStatus());
  EXPECT_THAT(Run({Check("t")}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       "subscription of group \"orders\" to topic \"t\" at "
                       "b2:1: no SQL92 here"));
  EXPECT_THAT(third->timeouts(), IsEmpty());
}

TEST_F(CheckExpressionsTest, AllRefusalsAreInOneStatus) {
  AddBroker([](const v1::CheckClientConfigRequest& check, absl::Duration) {
    return check.subscription().topic() == "good"
               ? absl::OkStatus()
               : absl::InvalidArgumentError("wrong");
  });
  const absl::Status status =
      Run({Check("bad"), Check("good"), Check("worse")});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(status.message(),
            "subscription of group \"orders\" to topic \"bad\" at b1:1: wrong; "
            "subscription of group \"orders\" to topic \"worse\" at b1:1: "
            "wrong");
}

TEST_F(CheckExpressionsTest, IfNoBrokerCanBeAskedTheErrorIsTheLastBrokers) {
  AddBroker(absl::UnavailableError("away"));
  AddBroker(absl::UnavailableError("away too"));
  EXPECT_THAT(Run({Check("t")}), StatusIs(absl::StatusCode::kUnavailable,
                                          HasSubstr("b2:1: away too")));
}

TEST_F(CheckExpressionsTest,
       ABrokerThatDoesNotAnswerLeavesTheOthersTheirShare) {
  const auto first = AddSilentBroker();
  const auto second = AddSilentBroker();
  const auto third = AddBroker(absl::OkStatus());
  EXPECT_THAT(Run({Check("t")}), IsOk());
  EXPECT_THAT(first->timeouts(), ElementsAre(absl::Seconds(2)));
  EXPECT_THAT(second->timeouts(), ElementsAre(absl::Seconds(2)));
  EXPECT_THAT(third->timeouts(), ElementsAre(absl::Seconds(2)));
}

TEST_F(CheckExpressionsTest, CancelledEndsTheSearch) {
  AddBroker(absl::CancelledError("the client is shut down"));
  const auto second = AddBroker(absl::OkStatus());
  EXPECT_THAT(Run({Check("t"), Check("u")}),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(second->timeouts(), SizeIs(0));
}

}  // namespace
}  // namespace rmq
