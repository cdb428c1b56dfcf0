// What an application hears of the members of its groups, and waits for.
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/membership_change.h"
#include "client/session/group_membership_testing.h"
#include "client/testing/client_fixture.h"
#include "client/testing/scripted_broker.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Texts in the order in which they were noted. Thread-safe.
class Notes {
 public:
  void Add(std::string text) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    notes_.push_back(std::move(text));
    added_.SignalAll();
  }
  // All, once there are `n`.
  std::vector<std::string> Await(size_t n) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return notes_.size() >= n;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &added_, reached,
                                        RealClock().TimeNow() + kPatience));
    return notes_;
  }

 private:
  absl::Mutex mu_;
  CondVar added_;
  std::vector<std::string> notes_ ABSL_GUARDED_BY(mu_);
};

std::string TextOf(const MembershipChange& change) {
  std::string text = absl::StrCat(change.group, "@", change.epoch, " ",
                                  absl::StrJoin(change.members, ","));
  for (const std::string& id : change.joined) absl::StrAppend(&text, " +", id);
  for (const DepartedMember& member : change.left) {
    absl::StrAppend(&text, " -", member.client_id);
    if (member.reason.has_value()) {
      absl::StrAppend(&text, ":", Name(*member.reason));
    }
  }
  return text;
}

class ClientMembershipTest : public ClientTest {
 protected:
  ClientMembershipTest() {
    options_.on_membership_changed = [this](const MembershipChange& change) {
      EXPECT_EQ(change.broker.address, broker_.address());
      told_.Add(TextOf(change));
    };
    broker_.SetEpoch(5);
  }
  bool HasMembers(size_t n, absl::Duration timeout = kPatience) {
    return client_->WaitForMembers(broker_.address(), "orders", n, timeout)
        .ok();
  }

  Notes told_;
};

TEST_F(ClientMembershipTest, TheMembersAreToldAfterTheConnectAndAtEachChange) {
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"b", "a"}));
  broker_.AwaitFrames(1, ScriptedBroker::Acknowledgments);
  EXPECT_THAT(told_.Await(1), ElementsAre("orders@5 a,b +a +b"));
  broker_.Push(ChangesPush(5, 6, {"-a", "+c"}));
  EXPECT_THAT(told_.Await(2)[1], "orders@6 b,c +c -a:EXPIRED");
  const auto frames = broker_.AwaitFrames(2, ScriptedBroker::Acknowledgments);
  EXPECT_EQ(frames[1].acknowledge().epoch(), 6u);
  const BrokerHealth health = client_->Health()[0];
  ASSERT_THAT(health.acknowledged_epochs, SizeIs(1));
  EXPECT_EQ(health.acknowledged_epochs[0].epoch, 6u);
}

TEST_F(ClientMembershipTest, AfterAReconnectTheMembersAreToldAgain) {
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"a"}));
  told_.Await(1);
  broker_.EndStream(absl::UnavailableError("cut"));
  EXPECT_THAT(told_.Await(2)[1], "orders@5 a");
}

TEST_F(ClientMembershipTest, ASlowCallbackSeesTheLatestInTheEnd) {
  absl::Notification started, release;
  options_.on_membership_changed = [&](const MembershipChange& change) {
    const bool is_first = !started.HasBeenNotified();
    // The test may end when this is told a second time.
    told_.Add(TextOf(change));
    if (!is_first) return;
    started.Notify();
    release.WaitForNotification();
  };
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"a", "b"}));
  started.WaitForNotification();
  broker_.Push(ChangesPush(5, 6, {"-a"}));
  broker_.Push(ChangesPush(6, 7, {"+c"}));
  broker_.Push(ChangesPush(7, 8, {"-b", "+d"}));
  ASSERT_TRUE(client_
                  ->WaitForMembers(
                      broker_.address(), "orders",
                      [](const std::vector<std::string>& members) {
                        return members == std::vector<std::string>{"c", "d"};
                      },
                      kPatience)
                  .ok());
  release.Notify();
  EXPECT_THAT(told_.Await(2),
              ElementsAre("orders@5 a,b +a +b",
                          "orders@8 c,d +c +d -a:EXPIRED -b:EXPIRED"));
}

TEST_F(ClientMembershipTest, ACallbackMayUseTheClient) {
  options_.on_membership_changed = [&](const MembershipChange& change) {
    EXPECT_TRUE(HasMembers(1));
    EXPECT_TRUE(
        client_->GetConsumerIds(change.broker.address, change.group, kPatience)
            .ok());
    EXPECT_THAT(client_->RegisterProducer("p"), IsOk());
    told_.Add(TextOf(change));
  };
  broker_.SetConsumerIds("orders", {"a"});
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"a"}));
  told_.Await(1);
}

TEST_F(ClientMembershipTest, AnOldBrokerIsAskedForTheMembers) {
  broker_.SetEpoch(0);
  broker_.SetConsumerIds("orders", {"a", "b", "a"});
  MakeOnline();
  EXPECT_THAT(told_.Await(1), ElementsAre("orders@0 a,b +a +b"));
  broker_.SetConsumerIds("orders", {"b"});
  broker_.Push("orders");
  EXPECT_EQ(told_.Await(2)[1], "orders@0 b -a");
}

// ---- WaitForMembers().

TEST_F(ClientMembershipTest, MembersThatAreThereAreReturned) {
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"b", "a"}));
  const absl::StatusOr<std::vector<std::string>> members =
      client_->WaitForMembers(broker_.address(), "orders", 2, kPatience);
  ASSERT_THAT(members, IsOk());
  EXPECT_THAT(*members, ElementsAre("a", "b"));
}

TEST_F(ClientMembershipTest, WhoWaitsNeedsNoCallback) {
  options_.on_membership_changed = nullptr;
  broker_.SetConsumerIds("orders", {"a", "b"});
  MakeOnline();
  EXPECT_TRUE(HasMembers(2));
  broker_.Push(ChangesPush(5, 6, {"+c"}));
  EXPECT_TRUE(HasMembers(3));
}

TEST_F(ClientMembershipTest, WhoWaitsMayDoSoBeforeTheStart) {
  options_.on_membership_changed = nullptr;
  broker_.SetConsumerIds("orders", {"a", "b"});
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  bool complete = false;
  std::thread waiter([&] { complete = HasMembers(2); });
  EXPECT_THAT(client.Start(), IsOk());
  waiter.join();
  EXPECT_TRUE(complete);
}

TEST_F(ClientMembershipTest, AWaitEndsAtItsTimeout) {
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"a"}));
  told_.Await(1);
  EXPECT_THAT(client_->WaitForMembers(broker_.address(), "orders", 2,
                                      absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("the 1 are not those")));
}

TEST_F(ClientMembershipTest, AShutdownEndsAWait) {
  MakeOnline();
  absl::Status status;
  absl::Notification waits;
  broker_.Push(CompletePush(0, 5, {"a"}));
  std::thread waiter([&] {
    status = client_
                 ->WaitForMembers(
                     broker_.address(), "orders",
                     [&](const std::vector<std::string>&) {
                       if (!waits.HasBeenNotified()) waits.Notify();
                       return false;
                     },
                     absl::Hours(1))
                 .status();
  });
  waits.WaitForNotification();
  EXPECT_THAT(client_->Shutdown(kPatience), IsOk());
  waiter.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(
      client_->WaitForMembers(broker_.address(), "orders", 1, kPatience),
      StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ClientMembershipTest, AWaitEndsWhenItsGroupIsUnregistered) {
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"a"}));
  absl::Notification waits;
  absl::Status status;
  std::thread waiter([&] {
    status = client_
                 ->WaitForMembers(
                     broker_.address(), "orders",
                     [&](const std::vector<std::string>&) {
                       if (!waits.HasBeenNotified()) waits.Notify();
                       return false;
                     },
                     absl::Hours(1))
                 .status();
  });
  waits.WaitForNotification();
  EXPECT_THAT(client_->UnregisterConsumer("orders"), IsOk());
  waiter.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                               "the client has no consumer group \"orders\""));
}

TEST_F(ClientMembershipTest, BadArgumentsOfAWaitAreRefused) {
  MakeOnline();
  EXPECT_THAT(client_->WaitForMembers(broker_.address(), "bills", 1, kPatience),
              StatusIs(absl::StatusCode::kNotFound,
                       "the client has no consumer group \"bills\""));
  EXPECT_THAT(client_->WaitForMembers("nowhere:1", "orders", 1, kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      client_->WaitForMembers(broker_.address(), "or ders", 1, kPatience),
      StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client_->WaitForMembers(broker_.address(), "orders", 1,
                                      absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client_->WaitForMembers(broker_.address(), "orders",
                                      Client::MembersPredicate(), kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "predicate must not be empty"));
}

TEST_F(ClientMembershipTest, AGroupThatComesBackBeginsAnew) {
  MakeOnline();
  broker_.Push(CompletePush(0, 5, {"a"}));
  told_.Await(1);
  broker_.SetConsumerIds("orders", {"a"});
  ASSERT_THAT(client_->UnregisterConsumer("orders"), IsOk());
  ASSERT_THAT(client_->RegisterConsumer(Orders()), IsOk());
  EXPECT_EQ(told_.Await(2)[1], "orders@5 a +a");
}

// ---- Warnings and labels.

TEST_F(ClientMembershipTest, AWarningIsTold) {
  Notes warnings;
  options_.on_warning = [&](const BrokerWarning& warning) {
    warnings.Add(absl::StrCat(warning.broker.address, " ", Name(warning.kind),
                              " ", warning.message));
  };
  v1::Warning warning;
  warning.set_kind(v1::Warning::KIND_DUPLICATE_CLIENT_ID);
  warning.set_message("at 10.0.0.2");
  broker_.SetWarning(warning);
  MakeOnline();
  EXPECT_EQ(warnings.Await(1)[0],
            broker_.address() + " DUPLICATE_CLIENT_ID at 10.0.0.2");
  EXPECT_THAT(client_->Health()[0].warnings, SizeIs(1));
}

TEST_F(ClientMembershipTest, LabelsAreStated) {
  options_.labels = {{"zone", "east"}};
  options_.application_version = "1.2.3";
  MakeOnline();
  const v1::HeartbeatRequest heartbeat = broker_.AwaitFrames(1)[0].heartbeat();
  EXPECT_THAT(heartbeat.labels(),
              UnorderedElementsAre(Pair("zone", "east"),
                                   Pair("application_version", "1.2.3")));
}

TEST_F(ClientMembershipTest, TheHostNameIsALabelIfItIsAskedFor) {
  options_.label_host_name = true;
  MakeOnline();
  const v1::HeartbeatRequest heartbeat = broker_.AwaitFrames(1)[0].heartbeat();
  EXPECT_THAT(heartbeat.labels(),
              Contains(Pair("host", ::testing::Not(IsEmpty()))));
}

TEST_F(ClientMembershipTest, ByDefaultThereAreNoLabels) {
  MakeOnline();
  EXPECT_THAT(broker_.AwaitFrames(1)[0].heartbeat().labels(), IsEmpty());
}

}  // namespace
}  // namespace rmq
