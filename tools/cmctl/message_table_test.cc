#include "tools/cmctl/message_table.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

const TableTime kTime = {absl::FromUnixSeconds(1'700'000'060),
                         absl::UTCTimeZone()};

TEST(MessageTableTest, ACellIsMadeByTheTypeOfItsField) {
  pb::Connection connection;
  connection.set_client_id("a\nb");
  connection.set_version(-3);
  connection.set_channel_id(7);
  connection.set_stream(true);
  connection.set_language(pb::LANGUAGE_CODE_CPP);
  connection.mutable_connected_at()->set_seconds(1'700'000'000);
  EXPECT_EQ(CellOf(connection, "client_id", kTime), "a\\x0ab");
  EXPECT_EQ(CellOf(connection, "remote_address", kTime), "-");
  EXPECT_EQ(CellOf(connection, "version", kTime), "-3");
  EXPECT_EQ(CellOf(connection, "channel_id", kTime), "7");
  EXPECT_EQ(CellOf(connection, "stream", kTime), "yes");
  EXPECT_EQ(CellOf(connection, "language", kTime), "CPP");
  EXPECT_EQ(CellOf(connection, "connected_at", kTime),
            "2023-11-14 22:13:20 +00:00");
}

TEST(MessageTableTest, AnEnumValueThatIsNotKnownIsANumber) {
  pb::Connection connection;
  EXPECT_EQ(CellOf(connection, "language", kTime), "-");
  connection.set_language(static_cast<pb::LanguageCode>(999));
  EXPECT_EQ(CellOf(connection, "language", kTime), "999");
}

TEST(MessageTableTest, AnOptionalFieldThatIsAbsentIsADash) {
  pb::SubscriptionGroup group;
  EXPECT_EQ(CellOf(group, "members_are_told", kTime), "-");
  group.set_members_are_told(false);
  EXPECT_EQ(CellOf(group, "members_are_told", kTime), "no");
}

std::string Show(const google::protobuf::Message& message, const Table& table,
                 const TableTime& time) {
  Answer answer;
  answer.parts = {PartOf(message, table, time)};
  return ShowAnswer(answer, OutputFormat::kTable);
}

TEST(MessageTableTest, RowsAreAFieldsMessagesOrTheMessageItself) {
  const std::string header = "GROUP  ID\n";
  const Table rows = {"producers",
                      {{"GROUP", "group"}, {"ID", "connection.client_id"}},
                      "nothing"};
  pb::GetAllProducerInfoResponse producers;
  EXPECT_EQ(Show(producers, rows, kTime), "nothing\n");
  Table silent = rows;
  silent.if_empty = "";
  EXPECT_EQ(Show(producers, silent, kTime), "GROUP  ID\n");
  for (const char* const group : {"a", "b"}) {
    producers.add_producers()->set_group(group);
  }
  producers.mutable_producers(1)->mutable_connection()->set_client_id("c");
  EXPECT_EQ(Show(producers, rows, kTime), header + "a      -\nb      c\n");
  Table itself = rows;
  itself.rows = "";
  EXPECT_EQ(Show(producers.producers(1), itself, kTime), header + "b      c\n");
}

TEST(MessageTableTest, ATimeCanBeShownAsHowLongAgoItWas) {
  pb::GetConsumerConnectionListResponse connections;
  connections.add_connections()->mutable_last_heard_at()->set_seconds(
      1'700'000'057);
  EXPECT_EQ(
      Show(connections,
           {"connections", {{"LAST", "last_heard_at", AgoCell}}, ""}, kTime),
      "LAST\n3s ago\n");
}

}  // namespace
}  // namespace rmq::cmctl
