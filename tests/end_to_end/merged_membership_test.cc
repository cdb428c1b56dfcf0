// One list of the members of a group at several brokers, as a client's own
// callbacks feed it.
#include <signal.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/merged_membership.h"
#include "client/settable_broker_resolver.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Texts = std::vector<std::string>;

constexpr char kGroup[] = "orders";

class MergedMembershipTest : public ::testing::Test {
 protected:
  MergedMembershipTest() {
    options_.max_backoff = absl::Milliseconds(500);
    options_.resolver = resolver_;
  }

  void StartBrokers() {
    for (int i = 0; i < 3; ++i) {
      auto broker = BrokerProcess::Start(UnusedAddress());
      ASSERT_THAT(broker, IsOk());
      entries_.push_back({absl::StrCat("broker-", i), 0, (*broker)->address()});
      brokers_.push_back(*std::move(broker));
    }
    ASSERT_THAT(resolver_->SetBrokers(entries_), IsOk());
  }

  // A client of all brokers, in the group.
  std::unique_ptr<Client> Joined(const std::string& client_id,
                                 ClientOptions options) {
    options.client_id = client_id;
    auto client = Client::Create(std::move(options));
    EXPECT_THAT(client, IsOk());
    ConsumerOptions consumer;
    consumer.group = kGroup;
    EXPECT_THAT((*client)->RegisterConsumer(std::move(consumer)), IsOk());
    EXPECT_THAT((*client)->Start(), IsOk());
    return *std::move(client);
  }

  // The client whose callbacks feed the list.
  void StartWatching() {
    ClientOptions options = options_;
    options.on_membership_changed = [this](const MembershipChange& change) {
      absl::MutexLock lock(&mu_);
      membership_.Update(change);
    };
    options.on_broker_health_changed = [this](const BrokerHealth& health) {
      absl::MutexLock lock(&mu_);
      membership_.Update(health);
    };
    watching_ = Joined("watching", std::move(options));
  }

  Texts Members() {
    absl::MutexLock lock(&mu_);
    return membership_.Members().members;
  }
  size_t Answering() {
    absl::MutexLock lock(&mu_);
    return membership_.Members().answering.size();
  }
  // "broker-0 AWAY", for each broker that is absent.
  Texts Absent() {
    absl::MutexLock lock(&mu_);
    Texts absent;
    for (const AbsentBroker& broker : membership_.Members().absent) {
      absent.push_back(
          absl::StrCat(broker.broker.name, " ", Name(broker.reason)));
    }
    return absent;
  }

  const std::shared_ptr<SettableBrokerResolver> resolver_ =
      std::make_shared<SettableBrokerResolver>();
  ClientOptions options_;
  std::vector<BrokerEntry> entries_;
  std::vector<std::unique_ptr<BrokerProcess>> brokers_;

  absl::Mutex mu_;
  MergedMembership membership_ ABSL_GUARDED_BY(mu_){kGroup,
                                                    MergeRule::kIntersection};
  std::unique_ptr<Client> watching_;  // Last: its callbacks use the others.
};

TEST_F(MergedMembershipTest, ABrokerThatDiesIsAbsentUntilItIsBackAndSettled) {
  StartBrokers();
  StartWatching();
  const std::unique_ptr<Client> other = Joined("other", options_);
  EXPECT_TRUE(
      Becomes([&] { return Members(); }, ElementsAre("other", "watching")));
  EXPECT_TRUE(Becomes([&] { return Answering(); }, 3));

  brokers_[0]->process().Signal(SIGKILL);
  EXPECT_TRUE(Becomes([&] { return Absent(); }, ElementsAre("broker-0 AWAY")));
  EXPECT_THAT(Members(), ElementsAre("other", "watching"));

  ASSERT_TRUE(brokers_[0]->process().WaitForExit(kPatience).has_value());
  auto broker = BrokerProcess::Start(entries_[0].address, {"--settle=3s"});
  ASSERT_THAT(broker, IsOk());
  brokers_[0] = *std::move(broker);
  EXPECT_TRUE(
      Becomes([&] { return Absent(); }, ElementsAre("broker-0 SETTLING")));
  EXPECT_THAT(Members(), ElementsAre("other", "watching"));
  EXPECT_TRUE(Becomes([&] { return Absent(); }, IsEmpty()));
  EXPECT_THAT(Members(), ElementsAre("other", "watching"));
}

TEST_F(MergedMembershipTest, ABrokerThatTheResolverDropsIsForgotten) {
  StartBrokers();
  StartWatching();
  EXPECT_TRUE(Becomes([&] { return Answering(); }, 3));
  ASSERT_THAT(resolver_->SetBrokers({entries_[1], entries_[2]}), IsOk());
  EXPECT_TRUE(Becomes([&] { return Answering(); }, 2));
  EXPECT_TRUE(Becomes([&] { return Absent(); }, IsEmpty()));
  EXPECT_THAT(Members(), ElementsAre("watching"));

  ASSERT_THAT(resolver_->SetBrokers(entries_), IsOk());
  EXPECT_TRUE(Becomes([&] { return Answering(); }, 3));
}

TEST_F(MergedMembershipTest, ASecondWayToABrokerDoesNotCount) {
  StartBrokers();
  const std::string address = brokers_[0]->address();
  const BrokerEntry other_way = {
      "", 0, absl::StrCat("localhost", address.substr(address.rfind(':')))};
  ASSERT_THAT(resolver_->SetBrokers({entries_[0], entries_[1], other_way}),
              IsOk());
  StartWatching();
  EXPECT_TRUE(Becomes([&] { return Answering(); }, 2));
  EXPECT_TRUE(Becomes([&] { return Absent(); }, IsEmpty()));
}

TEST_F(MergedMembershipTest, WhoIsAtSomeBrokersOnlyIsLeftOut) {
  StartBrokers();
  StartWatching();
  EXPECT_TRUE(Becomes([&] { return Answering(); }, 3));
  ClientOptions options;
  options.brokers = {entries_[0].address};
  const std::unique_ptr<Client> partial = Joined("partial", options);
  EXPECT_TRUE(Becomes(
      [&] {
        absl::MutexLock lock(&mu_);
        return membership_.Members().disputed;
      },
      ElementsAre("partial")));
  EXPECT_THAT(Members(), ElementsAre("watching"));
}

}  // namespace
}  // namespace rmq
