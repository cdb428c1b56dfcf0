#include "client/discovery/system_host_lookup.h"

#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "client/discovery/host_lookup.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Answer = HostLookup::Answer;

TEST(LookUpHostBlockingTest, ThisMachineHasAnAddress) {
  const Answer answer = LookUpHostBlocking("localhost");
  ASSERT_THAT(answer.status(), IsOk());
  EXPECT_THAT(*answer, Contains(AnyOf("127.0.0.1", "::1")));
}

TEST(LookUpHostBlockingTest, AHostThatIsNowhereIsAnErrorWithItsName) {
  // RFC 6761: nobody has such a name. A machine without DNS cannot tell.
  EXPECT_THAT(LookUpHostBlocking("brokers.invalid").status(),
              AnyOf(StatusIs(absl::StatusCode::kNotFound,
                             HasSubstr("\"brokers.invalid\"")),
                    StatusIs(absl::StatusCode::kUnavailable,
                             HasSubstr("\"brokers.invalid\""))));
}

TEST(SystemHostLookupTest, TheAnswerComesFromAnotherThread) {
  SystemHostLookup lookup(
      [](const std::string& host) -> Answer { return {{host + "'s"}}; });
  absl::Notification answered;
  Answer answer;
  lookup.LookUp("a", [&](Answer got) {
    answer = std::move(got);
    answered.Notify();
  });
  answered.WaitForNotification();
  ASSERT_THAT(answer.status(), IsOk());
  EXPECT_THAT(*answer, ElementsAre("a's"));
}

TEST(SystemHostLookupTest, ALookupThatBlocksIsLeftBehind) {
  const auto blocked = std::make_shared<absl::Notification>();
  const auto release = std::make_shared<absl::Notification>();
  const auto ended = std::make_shared<absl::Notification>();
  bool answered = false;
  {
    SystemHostLookup lookup([=](const std::string&) -> Answer {
      blocked->Notify();
      release->WaitForNotification();
      return std::vector<std::string>{"10.0.0.1"};
    });
    // What the callback holds goes when the thread is through with it.
    const std::shared_ptr<void> end(nullptr, [=](void*) { ended->Notify(); });
    lookup.LookUp("a", [end, &answered](Answer) { answered = true; });
    blocked->WaitForNotification();
  }
  release->Notify();
  ended->WaitForNotification();
  EXPECT_FALSE(answered);
}

TEST(SystemHostLookupTest, AProcessHasAtMost16LookupsUnderWay) {
  constexpr int kMax = SystemHostLookup::kMaxUnderWay;
  absl::Notification release;
  absl::BlockingCounter ended(kMax);
  SystemHostLookup lookup([&](const std::string&) -> Answer {
    release.WaitForNotification();
    return std::vector<std::string>{"10.0.0.1"};
  });
  for (int i = 0; i < kMax; ++i) {
    lookup.LookUp("a", [&](Answer) { ended.DecrementCount(); });
  }
  absl::Status refused;
  SystemHostLookup another;
  another.LookUp("b", [&](Answer answer) { refused = answer.status(); });
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr("16 lookups")));
  release.Notify();
  ended.Wait();
  absl::Notification answered;
  lookup.LookUp("a", [&](Answer answer) {
    EXPECT_THAT(answer.status(), IsOk());
    answered.Notify();
  });
  answered.WaitForNotification();
}

TEST(SystemHostLookupTest, WithoutAThreadTheLookupHasFailed) {
  SystemHostLookup lookup(LookUpHostBlocking, [](const std::function<void()>&) {
    throw std::system_error(
        std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  // Such lookups are not under way.
  for (int i = 0; i <= SystemHostLookup::kMaxUnderWay; ++i) {
    absl::Status refused;
    lookup.LookUp("a", [&](Answer answer) { refused = answer.status(); });
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted,
                                  HasSubstr("\"a\": no thread")));
  }
}

TEST(SystemHostLookupTest, AClosedLookupAsksNobody) {
  SystemHostLookup lookup(
      [](const std::string&) -> Answer { return absl::UnknownError(""); });
  lookup.Close();
  lookup.LookUp("a", [](Answer) { FAIL(); });
}

}  // namespace
}  // namespace rmq
