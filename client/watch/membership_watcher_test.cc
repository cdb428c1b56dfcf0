#include "client/watch/membership_watcher.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/settable_broker_resolver.h"
#include "client/watch/watched_event.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
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
  EXPECT_THAT(refusal([](auto& o) {
                o.brokers.push_back("127.0.0.1:2");
                o.from_revision = 7;
              }),
              invalid("from_revision must be 0 unless brokers has exactly one "
                      "entry, got 7"));
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

TEST(MembershipWatcherTest, BrokersOrAResolverAreGivenAndNotBoth) {
  MembershipWatcherOptions options;
  options.resolver = "static:///127.0.0.1:1";
  EXPECT_THAT(options.Validate(), IsOk());
  options.from_revision = 7;
  EXPECT_THAT(
      options.Validate(),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          "from_revision must be 0 unless brokers has exactly one entry, got "
          "7"));
  options.from_revision = 0;
  options.brokers = {"127.0.0.1:2"};
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("brokers must be empty where a resolver is "
                                 "given")));
  options.brokers.clear();
  options.resolver = "127.0.0.1:1";
  EXPECT_THAT(MembershipWatcher::Start(options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("resolver must be")));
}

TEST(MembershipWatcherTest, TheBrokersOfAStringAreToldAndWatched) {
  absl::Notification away;
  std::vector<std::string> told;
  MembershipWatcherOptions options;
  options.resolver = "static:///127.0.0.1:1";
  options.on_brokers = [&](const std::vector<BrokerEntry>& brokers) {
    for (const BrokerEntry& broker : brokers) told.push_back(broker.address);
  };
  options.on_state = [&](const std::string& broker, const WatchState&) {
    if (away.HasBeenNotified()) return;
    told.push_back(broker);
    away.Notify();
  };
  const auto watcher = MembershipWatcher::Start(std::move(options));
  ASSERT_THAT(watcher, IsOk());
  away.WaitForNotification();
  ASSERT_THAT((*watcher)->Shutdown(absl::Seconds(30)), IsOk());
  EXPECT_THAT(told, ElementsAre("127.0.0.1:1", "127.0.0.1:1"));
  EXPECT_THAT((*watcher)->Brokers(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(MembershipWatcherTest, BrokersComeAndGoAsTheResolverSays) {
  const auto resolver = std::make_shared<SettableBrokerResolver>();
  absl::Mutex mu;
  std::vector<BrokerEntry> told;
  MembershipWatcherOptions options;
  options.resolver = resolver;
  options.on_brokers = [&](const std::vector<BrokerEntry>& brokers) {
    absl::MutexLock lock(&mu);
    told = brokers;
  };
  const auto watcher = MembershipWatcher::Start(std::move(options));
  ASSERT_THAT(watcher, IsOk());
  const std::vector<BrokerEntry> lists[] = {
      {{"a", 0, "127.0.0.1:1"}},
      {{"a", 0, "127.0.0.1:1"}, {"b", 0, "127.0.0.1:2"}},
      {{"b", 0, "127.0.0.1:2"}},
      {}};
  for (const std::vector<BrokerEntry>& list : lists) {
    ASSERT_THAT(resolver->SetBrokers(list), IsOk());
    const auto is_told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
      return told == list;
    };
    {
      absl::MutexLock lock(&mu);
      mu.Await(absl::Condition(&is_told));
    }
    const auto brokers = (*watcher)->Brokers();
    ASSERT_THAT(brokers, IsOk());
    EXPECT_EQ(*brokers, list);
  }
  EXPECT_THAT((*watcher)->Members("127.0.0.1:1", "g"),
              StatusIs(absl::StatusCode::kInvalidArgument));
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
