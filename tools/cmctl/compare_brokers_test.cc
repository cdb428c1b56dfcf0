#include "tools/cmctl/compare_brokers.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/broker_view.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kNow = 1'000'000;
constexpr size_t kMost = 5;

BrokerView Broker(const std::string& label) {
  BrokerView view;
  view.label = label;
  view.has_facts = true;
  view.facts.set_state(pb::GetBrokerResponse::STATE_SERVING);
  view.facts.mutable_now()->set_seconds(kNow);
  return view;
}
// A client that has been there for long.
void AddClient(const std::string& id, std::set<std::string> groups,
               BrokerView* view) {
  view->clients[id].opened = absl::FromUnixSeconds(kNow - 100);
  view->clients[id].groups = std::move(groups);
}
std::vector<std::string> Texts(const Comparison& comparison) {
  std::vector<std::string> texts;
  for (const Disagreement& each : comparison.disagreements) {
    texts.push_back(each.what + " " + each.name + ": " + each.detail);
  }
  return texts;
}

class CompareBrokersTest : public ::testing::Test {
 protected:
  Comparison Compare() { return CompareBrokers({a_, b_, c_}, kMost); }

  BrokerView a_ = Broker("a");
  BrokerView b_ = Broker("b");
  BrokerView c_ = Broker("c");
};

TEST_F(CompareBrokersTest, BrokersThatHaveTheSameAgree) {
  for (BrokerView* const broker : {&a_, &b_, &c_}) {
    AddClient("c1", {"consumer group g"}, broker);
    broker->groups["g"] = {"CLUSTERING", {"t TAG *"}};
  }
  const Comparison comparison = Compare();
  EXPECT_TRUE(comparison.agrees());
  EXPECT_EQ(comparison.brokers, 3);
  EXPECT_EQ(comparison.clients, 1);
  EXPECT_EQ(comparison.groups, 1);
  EXPECT_THAT(comparison.notes, IsEmpty());
}

TEST_F(CompareBrokersTest, AClientOnSomeBrokersOnlyIsADisagreement) {
  AddClient("c1", {}, &a_);
  AddClient("c1", {}, &b_);
  EXPECT_THAT(Texts(Compare()), ElementsAre("client c1: on a, b; not on c"));
}

TEST_F(CompareBrokersTest, AClientThatHasJustComeMayBeOnItsWay) {
  AddClient("c1", {}, &a_);
  a_.clients["c1"].opened =
      absl::FromUnixSeconds(kNow) - kOnItsWay + absl::Nanoseconds(1);
  EXPECT_THAT(Texts(Compare()), IsEmpty());
  a_.clients["c1"].opened = absl::FromUnixSeconds(kNow) - kOnItsWay;
  EXPECT_THAT(Texts(Compare()), SizeIs(1));
}

TEST_F(CompareBrokersTest, AClientInOtherGroupsIsADisagreement) {
  AddClient("c1", {"consumer group g", "producer group p"}, &a_);
  AddClient("c1", {"producer group p"}, &b_);
  AddClient("c1", {"consumer group g", "producer group p"}, &c_);
  EXPECT_THAT(Texts(Compare()),
              ElementsAre("groups of client c1: in consumer group g on a, c; "
                          "not on b"));
  // Which further groups it is in is not known.
  b_.clients["c1"].has_more_groups = true;
  EXPECT_THAT(Texts(Compare()), IsEmpty());
}

TEST_F(CompareBrokersTest, SubscriptionsThatDifferAreADisagreement) {
  a_.groups["g"] = {"CLUSTERING", {"t TAG a"}};
  b_.groups["g"] = {"CLUSTERING", {"t TAG b"}};
  c_.groups["g"] = {"CLUSTERING", {"t TAG a"}};
  EXPECT_THAT(
      Texts(Compare()),
      ElementsAre("subscriptions g: a, c has CLUSTERING: t TAG a; b has "
                  "CLUSTERING: t TAG b"));
  b_.groups["g"] = {"BROADCASTING", {"t TAG a"}};
  EXPECT_THAT(Texts(Compare()), SizeIs(1));
}

TEST_F(CompareBrokersTest, TopicsThatABrokerInfersAreNotCompared) {
  a_.groups["g"] = {"CLUSTERING", {"t TAG a", "u TAG *"}};
  b_.groups["g"] = {"CLUSTERING", {"u TAG *"}, {"t"}};
  c_.groups["g"] = {"CLUSTERING", {"u TAG *"}};
  EXPECT_THAT(Texts(Compare()), IsEmpty());
  c_.groups["g"].subscriptions = {"u TAG b"};
  EXPECT_THAT(Texts(Compare()),
              ElementsAre("subscriptions g: a, b has CLUSTERING: u TAG *; c "
                          "has CLUSTERING: u TAG b"));
}

TEST_F(CompareBrokersTest, ABrokerThatSettlesOrDrainsOrIsAwayIsNotCompared) {
  AddClient("c1", {}, &a_);
  b_.facts.mutable_settling_until()->set_seconds(kNow + 5);
  c_.facts.set_state(pb::GetBrokerResponse::STATE_DRAINING);
  Comparison comparison = Compare();
  EXPECT_THAT(Texts(comparison), IsEmpty());
  EXPECT_EQ(comparison.brokers, 1);
  EXPECT_THAT(comparison.notes,
              ElementsAre(HasSubstr("b is not compared: it settles"),
                          HasSubstr("c is not compared: it drains")));
  b_ = Broker("b");
  c_.status = absl::UnavailableError("away");
  comparison = Compare();
  EXPECT_THAT(Texts(comparison), ElementsAre("client c1: on a; not on b"));
  EXPECT_THAT(comparison.notes, IsEmpty());
}

TEST_F(CompareBrokersTest, ClientsThatWereNotAllReadAreNotCompared) {
  AddClient("c1", {}, &a_);
  b_.has_more_clients = true;
  b_.has_more_groups = true;
  const Comparison comparison = Compare();
  EXPECT_THAT(Texts(comparison), IsEmpty());
  EXPECT_EQ(comparison.clients, 0);
  EXPECT_THAT(comparison.notes,
              ElementsAre(HasSubstr("clients are not compared"),
                          HasSubstr("not all consumer groups are compared")));
}

TEST_F(CompareBrokersTest, DisagreementsBeyondTheLimitAreCounted) {
  for (size_t i = 0; i < kMost + 2; ++i) {
    AddClient("c" + std::to_string(i), {}, &a_);
  }
  const Comparison comparison = Compare();
  EXPECT_THAT(comparison.disagreements, SizeIs(kMost));
  EXPECT_EQ(comparison.left_out.at("client"), 2);
}

TEST_F(CompareBrokersTest, AnEpochThatStandsStillWhileOthersMoveIsOne) {
  Comparison comparison;
  const std::vector<EpochView> epochs = {
      {"a",
       {{"g", 5}, {"still", 1}, {"moves", 1}},
       {{"g", 7}, {"still", 1}, {"moves", 2}}},
      {"b",
       {{"g", 3}, {"still", 2}, {"moves", 1}},
       {{"g", 3}, {"still", 2}, {"moves", 3}}},
      {"c", {}, {}}};
  CompareEpochs(epochs, kMost, &comparison);
  EXPECT_THAT(
      Texts(comparison),
      ElementsAre("epoch g: moved on a (5 to 7); stood still on b (at 3)"));
  CompareEpochs(epochs, 0, &comparison);
  EXPECT_EQ(comparison.left_out.at("epoch"), 1);
}

}  // namespace
}  // namespace rmq::cmctl
