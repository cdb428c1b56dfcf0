// Streams of several processes that use one client id.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/duplicate_clients.h"
#include "broker/registry/warning_queries.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = RegisterResult::Outcome;

ClientTable::Options OptionsWith(DuplicateClientIdPolicy policy) {
  ClientTable::Options options;
  options.duplicate_client_id_policy = policy;
  return options;
}

class DuplicateClientIdsTest : public ClientTableFixture {
 protected:
  explicit DuplicateClientIdsTest(
      DuplicateClientIdPolicy policy = DuplicateClientIdPolicy::kReport)
      : ClientTableFixture(OptionsWith(policy)) {}

  static TestStatement Process(uint64_t incarnation,
                               const std::string& client_id = "c1") {
    return TestStatement(client_id)
        .Incarnation(incarnation)
        .Consumer("orders", {{"pay"}});
  }

  FakeClientChannelPtr OpenStreamAt(const std::string& address) {
    auto channel = std::make_shared<FakeClientChannel>(
        ClientChannel::Kind::kStream, address);
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    return channel;
  }
  FakeClientChannelPtr ConnectFrom(const std::string& address,
                                   const TestStatement& stated) {
    FakeClientChannelPtr channel = OpenStreamAt(address);
    last_ = Register(*channel, stated);
    return channel;
  }
  std::vector<std::string> Duplicates() {
    std::vector<std::string> ids;
    for (const DuplicateClientInfo& info :
         table_.ListDuplicateClientIds("", 100)) {
      ids.push_back(info.client_id);
    }
    return ids;
  }
  size_t Incidents() { return listener_.TakeWarnings().size(); }

  // Of the last ConnectFrom().
  RegisterResult last_;
};

TEST_F(DuplicateClientIdsTest, TheHeartbeatThatCausesItIsToldOfTheOther) {
  ConnectFrom("10.0.0.1:1", Process(1));
  EXPECT_THAT(last_.warnings, IsEmpty());
  ConnectFrom("10.0.0.2:2", Process(2));
  ASSERT_THAT(last_.warnings, SizeIs(1));
  EXPECT_EQ(last_.warnings[0].kind, ClientWarning::Kind::kDuplicateClientId);
  EXPECT_EQ(last_.warnings[0].group, "");
  EXPECT_THAT(last_.warnings[0].message, HasSubstr("10.0.0.1:1"));
  EXPECT_THAT(last_.warnings[0].client_ids, ElementsAre("c1"));
}

TEST_F(DuplicateClientIdsTest, TheOtherIsToldOnceAtItsNextHeartbeat) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  EXPECT_FALSE(older->attention());
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2));
  EXPECT_TRUE(older->attention());
  EXPECT_FALSE(newer->attention());

  table_.MarkUnacknowledged(*older);
  EXPECT_TRUE(older->attention());  // It has not been told yet.
  const std::vector<ClientWarning> told = table_.TakeNewWarnings(*older);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0].message, HasSubstr("10.0.0.2:2"));
  table_.MarkUnacknowledged(*older);
  EXPECT_FALSE(older->attention());
  EXPECT_THAT(table_.TakeNewWarnings(*older), IsEmpty());
  EXPECT_THAT(table_.TakeNewWarnings(*newer), IsEmpty());
}

TEST_F(DuplicateClientIdsTest, EveryFullAnswerHasTheWarningWhileItHolds) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2));
  EXPECT_THAT(Register(*older, Process(1)).warnings, SizeIs(1));
  EXPECT_THAT(Register(*newer, Process(2)).warnings, SizeIs(1));
  // Of one that is not applied.
  EXPECT_THAT(table_.Warnings(*older), SizeIs(1));
  EXPECT_THAT(table_.TakeNewWarnings(*older), IsEmpty());
  table_.Close(*newer, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Register(*older, Process(1)).warnings, IsEmpty());
  EXPECT_THAT(table_.Warnings(*older), IsEmpty());
}

TEST_F(DuplicateClientIdsTest, AnIncidentIsOneEvent) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  EXPECT_EQ(Incidents(), 0);
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2));
  std::vector<ClientEvent> events = listener_.TakeWarnings();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].type, EventType::kDuplicateClientId);
  EXPECT_EQ(events[0].client_id, "c1");
  EXPECT_EQ(events[0].channel, newer);
  EXPECT_EQ(events[0].detail, "10.0.0.1:1");
  EXPECT_EQ(events[0].at, now_);

  // Heartbeats are no incidents, nor is a reconnect of a known process.
  Register(*older, Process(1));
  Register(*newer, Process(2));
  ConnectFrom("10.0.0.2:3", Process(2).StreamNumber(2));
  EXPECT_EQ(Incidents(), 0);
  EXPECT_THAT(newer->ends(), ElementsAre(RemovalReason::kReplaced));
  // A third process is one.
  ConnectFrom("10.0.0.3:4", Process(3));
  EXPECT_EQ(Incidents(), 1);
}

TEST_F(DuplicateClientIdsTest, AnIdWithOneProcessLeftIsNoDuplicate) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  EXPECT_THAT(Duplicates(), IsEmpty());
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2));
  EXPECT_THAT(Duplicates(), ElementsAre("c1"));
  EXPECT_EQ(table_.counts().duplicate_client_ids, 1);
  table_.Close(*older, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Duplicates(), IsEmpty());
  EXPECT_EQ(table_.counts().duplicate_client_ids, 0);
  EXPECT_THAT(table_.TakeNewWarnings(*newer), IsEmpty());
}

TEST_F(DuplicateClientIdsTest, AnIncarnationOfZeroIsNoOtherProcess) {
  ConnectFrom("10.0.0.1:1", Process(1));
  ConnectFrom("10.0.0.2:2", Process(0));
  EXPECT_THAT(last_.warnings, IsEmpty());
  ConnectFrom("10.0.0.3:3", Process(0));
  EXPECT_THAT(last_.warnings, IsEmpty());
  EXPECT_THAT(Duplicates(), IsEmpty());
  EXPECT_EQ(Incidents(), 0);
}

TEST_F(DuplicateClientIdsTest, ClosedStreamsAreNotToldOf) {
  ClientDirectory directory;
  std::vector<std::unique_ptr<ChannelRecord>> records;
  const auto bind = [&](uint64_t incarnation, bool is_open) {
    records.push_back(std::make_unique<ChannelRecord>(ChannelKind::kStream));
    ChannelRecord& record = *records.back();
    record.id = records.size();
    directory.Bind(directory.Use("c1", record), record, incarnation);
    if (!is_open) record.liveness.Close();
  };
  bind(1, true);
  for (uint64_t process = 2; process <= 8; ++process) bind(process, false);
  EXPECT_EQ(directory.Find("c1")->StreamOfAnother({1}), nullptr);
  bind(9, true);
  EXPECT_EQ(directory.Find("c1")->StreamOfAnother({1}), records.back().get());
  // Behind eight that are closed it is not looked for.
  bind(10, false);
  bind(11, true);
  records[8]->liveness.Close();
  EXPECT_EQ(directory.Find("c1")->StreamOfAnother({1}), nullptr);
  EXPECT_EQ(directory.Find("c1")->StreamOfAnother({9}), records.back().get());
}

TEST_F(DuplicateClientIdsTest, TheStandInOfUnaryCallsIsNoOtherProcess) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Process(7));
  ConnectFrom("10.0.0.2:2", Process(2));
  EXPECT_THAT(last_.warnings, IsEmpty());
  EXPECT_EQ(Incidents(), 0);
}

TEST_F(DuplicateClientIdsTest, AListingIsInPagesInOrderWithTheFirstStreams) {
  for (const char* id : {"c", "a", "b", "d"}) {
    ConnectFrom("10.0.0.1:1", Process(1, id));
    if (id[0] == 'd') continue;
    Advance(absl::Seconds(1));
    for (uint64_t process = 2; process <= 11; ++process) {
      ConnectFrom("10.0.0.2:2", Process(process, id));
    }
  }
  const auto first = table_.ListDuplicateClientIds("", 2);
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].client_id, "a");
  EXPECT_EQ(first[0].since, absl::FromUnixSeconds(1'000'002));
  EXPECT_EQ(first[0].streams, 11);
  EXPECT_THAT(first[0].channels, SizeIs(DuplicateClientInfo::kMostChannels));
  const auto second = table_.ListDuplicateClientIds("b", 2);
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].client_id, "c");
}

TEST_F(DuplicateClientIdsTest, APageHoldsTheLockForAThousandStreams) {
  for (int i = 0; i <= 100; ++i) {
    const std::string id = absl::StrCat("client-", 1000 + i);
    ConnectFrom("10.0.0.1:1", Process(1, id));
    ConnectFrom("10.0.0.2:2", Process(2, id));
  }
  EXPECT_THAT(table_.ListDuplicateClientIds("", 1000), SizeIs(100));
}

class NewestWinsTest : public DuplicateClientIdsTest {
 protected:
  NewestWinsTest()
      : DuplicateClientIdsTest(DuplicateClientIdPolicy::kNewestWins) {}
};

TEST_F(NewestWinsTest, TheOlderStreamEndsForGoodAndTheGroupKeepsItsMember) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  TakeEvents();
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2));
  EXPECT_EQ(last_.outcome, Outcome::kRegistered);
  EXPECT_THAT(older->ends(), ElementsAre(RemovalReason::kReplaced));
  EXPECT_THAT(newer->ends(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Duplicates(), IsEmpty());
  EXPECT_EQ(Incidents(), 1);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                          "consumer orders REGISTER c1"));
}

TEST_F(NewestWinsTest, EachOfTheTwoIsToldOfTheOther) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2));
  EXPECT_THAT(older->end_detail(), HasSubstr("from 10.0.0.2:2"));
  ASSERT_THAT(last_.warnings, SizeIs(1));
  EXPECT_EQ(last_.warnings[0].kind, ClientWarning::Kind::kDuplicateClientId);
  EXPECT_THAT(last_.warnings[0].message, HasSubstr("at 10.0.0.1:1"));
  // Once: the other one is gone.
  EXPECT_THAT(Register(*newer, Process(2)).warnings, IsEmpty());
}

TEST_F(NewestWinsTest, AReconnectIsNotToldOfAnother) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  ConnectFrom("10.0.0.1:2", Process(1));
  EXPECT_THAT(older->ends(), ElementsAre(RemovalReason::kReplaced));
  EXPECT_EQ(older->end_detail(), "");
  EXPECT_THAT(last_.warnings, IsEmpty());
}

class OldestWinsTest : public DuplicateClientIdsTest {
 protected:
  OldestWinsTest()
      : DuplicateClientIdsTest(DuplicateClientIdPolicy::kOldestWins) {}
};

TEST_F(OldestWinsTest, TheNewerStreamIsRefusedAndRegistersNothing) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  const auto newer = ConnectFrom("10.0.0.2:2", Process(2).Producer("payments"));
  EXPECT_EQ(last_.outcome, Outcome::kDuplicateClientId);
  EXPECT_EQ(last_.other_address, "10.0.0.1:1");
  EXPECT_TRUE(newer->closed());
  EXPECT_FALSE(older->closed());
  EXPECT_THAT(older->ends(), IsEmpty());
  EXPECT_THAT(Producers("payments"), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_EQ(table_.counts().channels, 1);
  EXPECT_THAT(Duplicates(), IsEmpty());
  EXPECT_EQ(Incidents(), 1);
}

TEST_F(OldestWinsTest, TheNewerGetsInWhenTheOtherIsGone) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  ConnectFrom("10.0.0.2:2", Process(2));
  table_.Close(*older, RemovalReason::kDisconnected, now_);
  ConnectFrom("10.0.0.2:3", Process(2));
  EXPECT_EQ(last_.outcome, Outcome::kRegistered);
}

TEST_F(OldestWinsTest, AReconnectOfTheSameProcessIsNoOther) {
  const auto older = ConnectFrom("10.0.0.1:1", Process(1));
  ConnectFrom("10.0.0.1:2", Process(1));
  EXPECT_EQ(last_.outcome, Outcome::kRegistered);
  EXPECT_THAT(older->ends(), ElementsAre(RemovalReason::kReplaced));
}

}  // namespace
}  // namespace rmq
