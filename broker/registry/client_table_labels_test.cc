// Labels of channels.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/labels.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

TestStatement Consumer(absl::string_view client_id) {
  return TestStatement(client_id).Consumer("orders");
}

class LabelsTest : public ClientTableFixture {
 protected:
  std::string LabelsOf(absl::string_view group) {
    return ToString(MemberInfos(group).at(0).labels);
  }
};

TEST_F(LabelsTest, AChannelWithoutLabelsHasNone) {
  Connect(Consumer("c1"));
  EXPECT_EQ(MemberInfos("orders").at(0).labels, nullptr);
}

TEST_F(LabelsTest, LabelsAreShownInEachGroupAndOfTheClient) {
  Connect(TestStatement("c1").Consumer("a").Producer("p").Label("zone", "z1"));
  EXPECT_EQ(LabelsOf("a"), "zone=z1");
  MemberCursor cursor = 0;
  EXPECT_EQ(ToString(table_.ListMembers(GroupKind::kProducer, "p", 1, &cursor)
                         .at(0)
                         .labels),
            "zone=z1");
  ClientCursor client;
  EXPECT_EQ(ToString(table_.ListClientChannels("c1", 10, &client).at(0).labels),
            "zone=z1");
}

TEST_F(LabelsTest, TheLatestFullHeartbeatCounts) {
  const auto channel = Connect(Consumer("c1").Label("zone", "z1"));
  Register(*channel, Consumer("c1").Label("host", "h").Label("zone", "z2"));
  EXPECT_EQ(LabelsOf("orders"), "host=h,zone=z2");
  Register(*channel, Consumer("c1").Label("host", "h"));
  EXPECT_EQ(LabelsOf("orders"), "host=h");
  Register(*channel, Consumer("c1"));
  EXPECT_EQ(MemberInfos("orders").at(0).labels, nullptr);
}

TEST_F(LabelsTest, TheSameLabelsAreKeptAsTheyAre) {
  const auto channel = Connect(Consumer("c1").Label("zone", "z1"));
  const LabelsPtr before = MemberInfos("orders").at(0).labels;
  Register(*channel, Consumer("c1").Label("zone", "z1"));
  EXPECT_EQ(MemberInfos("orders").at(0).labels, before);
}

TEST_F(LabelsTest, ALightHeartbeatKeepsThem) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Consumer("c1").Label("zone", "z1")).statement_token;
  channel->RenewLight(token, now_);
  EXPECT_EQ(LabelsOf("orders"), "zone=z1");
}

TEST_F(LabelsTest, EachChannelOfAClientHasItsOwn) {
  Connect(Consumer("c1").Label("zone", "z1"));
  Connect(Consumer("c1"));
  EXPECT_EQ(LabelsOf("orders"), "zone=z1");
  EXPECT_EQ(MemberInfos("orders").at(1).labels, nullptr);
}

TEST_F(LabelsTest, EventsOfTheChannelCarryThem) {
  const auto channel = Connect(Consumer("c1").Label("zone", "z1"));
  Register(*channel, Consumer("c1").Label("zone", "z2"));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  std::vector<std::string> told;
  for (const ClientEvent& event : listener_.Take()) {
    if (event.type == EventType::kClientRegister ||
        event.type == EventType::kClientUnregister) {
      told.push_back(ToString(event.labels));
    }
  }
  EXPECT_THAT(told, ElementsAre("zone=z1", "zone=z2"));
}

class LimitedChangesTest : public LabelsTest {
 protected:
  LimitedChangesTest() : table_of_one_change_(Limited(), {}) {}
  static ClientTable::Options Limited() {
    ClientTable::Options options;
    options.max_statement_changes = 1;
    return options;
  }
  ClientTable table_of_one_change_;
};

TEST_F(LimitedChangesTest, ChangesOfLabelsDoNotCount) {
  auto channel = std::make_shared<FakeClientChannel>();
  ASSERT_TRUE(table_of_one_change_.Open(channel, now_).ok());
  for (const char* zone : {"a", "b", "c", "d", "e", "f"}) {
    const BuiltStatement statement(Consumer("c1").Label("zone", zone));
    EXPECT_EQ(
        table_of_one_change_.Register(*channel, statement.Admitted(), now_)
            .outcome,
        RegisterResult::Outcome::kRegistered);
  }
}

}  // namespace
}  // namespace rmq
