// A watcher of the real broker: what it has replayed is what the broker has,
// through cut connections and a restart.
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/watch/membership_watcher.h"
#include "client/watch/watched_event.h"
#include "common/mutex_lock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"
#include "tests/end_to_end/tcp_proxy.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kGroup[] = "orders";

class WatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    address_ = UnusedAddress();
    StartBroker();
    absl::StatusOr<std::unique_ptr<TcpProxy>> proxy =
        TcpProxy::Start("127.0.0.1:0", address_);
    ASSERT_THAT(proxy, IsOk());
    proxy_ = *std::move(proxy);
  }

  void TearDown() override {
    watcher_ = nullptr;
    if (HasFailure() && broker_ != nullptr) {
      std::cerr << "--- the broker's log\n" << broker_->process().err();
    }
  }

  void StartBroker() {
    absl::StatusOr<std::unique_ptr<BrokerProcess>> broker =
        BrokerProcess::Start(address_, {"--channel_expiry=120s"});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }

  // Through the proxy.
  void Watch() {
    MembershipWatcherOptions options;
    options.brokers = {proxy_->address()};
    options.on_event = [this](const std::string&, const WatchedEvent& event) {
      if (hold_ != nullptr) hold_->WaitForNotification();
      MutexLock lock(&mu_);
      if (event.type == WatchedEvent::Type::kClientRegister) {
        joined_.push_back(event.member.client_id);
      }
      EXPECT_GE(event.revision, revision_);
      revision_ = event.revision;
    };
    options.on_synced = [this](const std::string&, const WatchPosition& p) {
      MutexLock lock(&mu_);
      ++synced_;
      revision_ = p.revision;
    };
    options.on_gap = [this](const std::string&, const WatchGap&) {
      MutexLock lock(&mu_);
      ++gaps_;
    };
    absl::StatusOr<std::unique_ptr<MembershipWatcher>> watcher =
        MembershipWatcher::Start(std::move(options));
    ASSERT_THAT(watcher, IsOk());
    watcher_ = *std::move(watcher);
    ASSERT_TRUE(Becomes([this] { return synced(); }, Ge(1)));
  }

  void Join(const std::string& client_id) {
    ASSERT_TRUE(
        SendHeartbeat(address_, ConsumerHeartbeat(client_id, kGroup)).ok());
  }

  // As the watcher has replayed them; "(not known)" alone before that.
  std::vector<std::string> Replayed() const {
    const auto members = watcher_->Members(proxy_->address(), kGroup);
    if (!members.ok()) return {"(not known)"};
    std::vector<std::string> ids;
    for (const WatchedMember& member : *members)
      ids.push_back(member.client_id);
    return ids;
  }
  auto ReplayedNow() const {
    return [this] { return Replayed(); };
  }

  std::vector<std::string> joined() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return joined_;
  }
  int gaps() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return gaps_;
  }
  int synced() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return synced_;
  }

  std::string address_;
  // Set before Watch(): callbacks about events wait for it.
  std::unique_ptr<absl::Notification> hold_;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<TcpProxy> proxy_;

 private:
  absl::Mutex mu_;
  std::vector<std::string> joined_ ABSL_GUARDED_BY(mu_);
  uint64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  int synced_ ABSL_GUARDED_BY(mu_) = 0;
  int gaps_ ABSL_GUARDED_BY(mu_) = 0;

 protected:
  std::unique_ptr<MembershipWatcher> watcher_;
};

TEST_F(WatcherTest, AWatchThatIsCutGoesOnAndTellsEachEventOnce) {
  Join("before");
  Watch();
  EXPECT_THAT(Replayed(), ElementsAre("before"));
  std::vector<std::string> all = {"before"};
  for (int i = 0; i < 20; ++i) {
    if (i % 5 == 2) proxy_->CutConnections();
    all.push_back(absl::StrCat("c", i));
    Join(all.back());
  }
  EXPECT_TRUE(Becomes(ReplayedNow(), all));
  EXPECT_EQ(broker_->ConsumerIds(kGroup), all);
  all.erase(all.begin());
  EXPECT_TRUE(Becomes([this] { return joined(); }, all));
  EXPECT_EQ(gaps(), 0);
  EXPECT_EQ(synced(), 1);
}

TEST_F(WatcherTest, WhatHappensWhileTheWatcherIsAwayIsToldWhenItIsBack) {
  Join("before");
  Watch();
  proxy_->SetMode(TcpProxy::Mode::kRefuse);
  proxy_->CutConnections();
  Join("meanwhile");
  EXPECT_THAT(joined(), IsEmpty());
  EXPECT_THAT(Replayed(), ElementsAre("before"));
  proxy_->SetMode(TcpProxy::Mode::kPass);
  EXPECT_TRUE(Becomes([this] { return joined(); }, ElementsAre("meanwhile")));
  EXPECT_THAT(Replayed(), ElementsAre("before", "meanwhile"));
  EXPECT_EQ(gaps(), 0);
}

TEST_F(WatcherTest, ARestartOfTheBrokerIsAGapAndTheMembersAreKnownAgain) {
  Join("a");
  Join("b");
  Watch();
  EXPECT_THAT(Replayed(), ElementsAre("a", "b"));
  broker_->process().Signal(SIGKILL);
  broker_ = nullptr;
  StartBroker();
  Join("b");
  Join("c");
  EXPECT_TRUE(Becomes([this] { return synced(); }, Ge(2)));
  EXPECT_TRUE(Becomes(ReplayedNow(), UnorderedElementsAre("b", "c")));
  EXPECT_EQ(gaps(), 1);
}

TEST_F(WatcherTest, ASlowCallbackMissesNothing) {
  hold_ = std::make_unique<absl::Notification>();
  Watch();
  // Each makes two events, so that more come than callbacks may wait.
  std::vector<std::string> all;
  while (2 * all.size() <= MembershipWatcher::kMaxWaitingCallbacks + 200) {
    all.push_back(absl::StrCat("c", all.size()));
    Join(all.back());
  }
  EXPECT_THAT(joined(), IsEmpty());
  hold_->Notify();
  EXPECT_TRUE(Becomes([this] { return joined(); }, all));
  EXPECT_EQ(Replayed(), all);
  EXPECT_EQ(gaps(), 0);
}

}  // namespace
}  // namespace rmq
