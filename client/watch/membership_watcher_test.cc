#include "client/watch/membership_watcher.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/watch/watched_event.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

MembershipWatcherOptions Good() {
  MembershipWatcherOptions options;
  options.brokers = {"127.0.0.1:1"};  // Port 1 (tcpmux) is nobody's.
  return options;
}

TEST(MembershipWatcherTest, OptionsAreRefusedWithTheFieldAndTheRule) {
  EXPECT_THAT(Good().Validate(), IsOk());
  const auto refusal = [](auto change) {
    MembershipWatcherOptions options = Good();
    change(options);
    return MembershipWatcher::Start(std::move(options)).status();
  };
  const auto invalid = [](const std::string& text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(refusal([](auto& o) { o.brokers = {}; }), invalid("brokers"));
  EXPECT_THAT(refusal([](auto& o) { o.brokers = {"nowhere"}; }),
              invalid("nowhere"));
  EXPECT_THAT(refusal([](auto& o) { o.groups.assign(257, "g"); }),
              invalid("groups must be at most 256, got 257"));
  EXPECT_THAT(refusal([](auto& o) {
                o.groups = {"g", ""};
              }),
              invalid("groups[1]"));
  EXPECT_THAT(refusal([](auto& o) {
                o.groups = {"g", "h", "g"};
              }),
              invalid("groups must name each group once, got \"g\" twice"));
  EXPECT_THAT(refusal([](auto& o) { o.consumers = o.producers = false; }),
              invalid("consumers or producers must be true"));
  EXPECT_THAT(refusal([](auto& o) { o.connect_timeout = {}; }),
              invalid("connect_timeout must be positive, got 0"));
  EXPECT_THAT(refusal([](auto& o) { o.max_members = 0; }),
              invalid("max_members must be positive"));
  EXPECT_THAT(refusal([](auto& o) { o.initial_backoff = {}; }),
              invalid("backoff must be positive"));

  MembershipWatcherOptions most = Good();
  for (int i = 0; i < 256; ++i) most.groups.push_back(absl::StrCat("g", i));
  EXPECT_THAT(most.Validate(), IsOk());
}

TEST(MembershipWatcherTest,
     ABrokerThatIsAwayIsToldAndShutdownDoesNotWaitForIt) {
  absl::Notification away;
  WatchState state;
  MembershipWatcherOptions options = Good();
  options.on_state = [&](const std::string& broker, const WatchState& s) {
    EXPECT_EQ(broker, "127.0.0.1:1");
    if (away.HasBeenNotified()) return;
    state = s;
    away.Notify();
  };
  const auto watcher = MembershipWatcher::Start(std::move(options));
  ASSERT_THAT(watcher, IsOk());
  away.WaitForNotification();
  EXPECT_FALSE(state.connected);
  EXPECT_THAT(state.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(state.retry_at,
            RealClock().ClockToWall(RealClock().TimeNow()) + absl::Minutes(1));
  EXPECT_THAT((*watcher)->Members("127.0.0.1:1", "g"),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(
      (*watcher)->Groups("127.0.0.1:2"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("127.0.0.1:2")));
  EXPECT_THAT((*watcher)->Shutdown(absl::Seconds(30)), IsOk());
  EXPECT_THAT((*watcher)->Shutdown(absl::Seconds(30)), IsOk());
  EXPECT_THAT((*watcher)->Members("127.0.0.1:1", "g"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(MembershipWatcherTest, ACallbackMayShutTheWatcherDown) {
  absl::Notification started;
  absl::Notification done;
  MembershipWatcher* watcher = nullptr;
  MembershipWatcherOptions options = Good();
  options.on_state = [&](const std::string&, const WatchState&) {
    started.WaitForNotification();
    EXPECT_THAT(watcher->Shutdown(absl::Seconds(30)), IsOk());
    done.Notify();
  };
  const auto made = MembershipWatcher::Start(std::move(options));
  ASSERT_THAT(made, IsOk());
  watcher = made->get();
  started.Notify();
  done.WaitForNotification();
}

TEST(MembershipWatcherTest,
     AShutdownDoesNotWaitForACallbackForLongerThanAsked) {
  absl::Notification inside;
  absl::Notification release;
  MembershipWatcherOptions options = Good();
  options.on_state = [&](const std::string&, const WatchState&) {
    inside.Notify();
    release.WaitForNotification();
  };
  const auto watcher = MembershipWatcher::Start(std::move(options));
  ASSERT_THAT(watcher, IsOk());
  inside.WaitForNotification();
  EXPECT_THAT((*watcher)->Shutdown(absl::Milliseconds(10)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  release.Notify();
  EXPECT_THAT((*watcher)->Shutdown(absl::Seconds(30)), IsOk());
}

}  // namespace
}  // namespace rmq
