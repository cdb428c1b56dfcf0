#include "broker/registry/membership_reader.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/consumer_registry.h"
#include "broker/registry/group_history.h"
#include "broker/registry/membership_snapshot.h"
#include "broker/registry/statement.h"
#include "broker/registry/table_change.h"
#include "common/client_types.h"
#include "common/member_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kMostDepartures = 100;
constexpr absl::Duration kExpiry = absl::Seconds(120);

// A registry without a table, so that a test comes between two pieces.
class MembershipReaderTest : public ::testing::Test {
 protected:
  ~MembershipReaderTest() override {
    while (!records_.empty()) Leave(records_.begin()->first);
  }

  void Join(const std::string& client_id, absl::string_view group = "orders") {
    auto record = std::make_unique<ChannelRecord>(ChannelKind::kStream);
    record->id = ++last_id_;
    ClientEntry& client = clients_.Use(client_id, *record);
    clients_.Bind(client, *record, 0);
    TableChange change(++revision_, absl::UnixEpoch(), absl::InfinitePast(),
                       kExpiry);
    ConsumerStatement statement;
    statement.group = group;
    size_t hint = 0;
    consumers_.AllowLooks(1000);
    consumers_.Register(statement, /*notify=*/true, absl::ZeroDuration(),
                        {*record, client, LanguageCode::kCpp, 1, revision_, {}},
                        &hint, &change);
    EXPECT_TRUE(records_.emplace(client_id, std::move(record)).second);
  }
  void Leave(const std::string& client_id) {
    const auto found = records_.find(client_id);
    ChannelRecord& record = *found->second;
    TableChange change(++revision_, absl::UnixEpoch(), absl::InfinitePast(),
                       kExpiry);
    consumers_.AllowLooks(1000);
    consumers_.Remove(record, record.memberships.front(),
                      RemovalReason::kExpired, client_id, &change);
    ClientEntry* const client = std::exchange(record.client, nullptr);
    clients_.Release(*client, record);
    records_.erase(found);
  }
  void Acknowledge(const std::string& client_id) {
    ConsumerGroup& group = *consumers_.groups().Find("orders");
    group.acknowledgments.Take(*records_.at(client_id), group.epoch,
                               group.epoch, absl::UnixEpoch());
  }

  absl::optional<GroupView> View(absl::string_view group = "orders") {
    return GroupView::Of(consumers_, group);
  }

  ClientDirectory clients_;
  ConsumerRegistry consumers_{&clients_, /*unchanged_register=*/false,
                              kMostDepartures};
  std::map<std::string, std::unique_ptr<ChannelRecord>> records_;
  ChannelId last_id_ = 0;
  uint64_t revision_ = 0;
};

TEST_F(MembershipReaderTest, WhoLeavesBetweenTwoPiecesIsThere) {
  for (int i = 1; i <= 4; ++i) Join(absl::StrCat("c", i));
  Acknowledge("c1");
  MembershipReader reader;
  ASSERT_TRUE(reader.ReadSome(View(), 2));
  Leave("c4");
  Join("c5");
  Leave("c1");
  while (reader.ReadSome(View(), 2)) {
  }
  const absl::optional<MembershipSnapshot> snapshot = std::move(reader).Take();
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->epoch, 4);
  EXPECT_THAT(snapshot->client_ids, ElementsAre("c1", "c2", "c3", "c4"));
  EXPECT_THAT(snapshot->changes, SizeIs(3));
  EXPECT_EQ(snapshot->oldest_base, 1);
}

TEST_F(MembershipReaderTest, AGroupThatEndsMeanwhileIsReadToItsEnd) {
  Join("c1");
  Join("c2");
  MembershipReader reader;
  ASSERT_TRUE(reader.ReadSome(View(), 1));
  Leave("c1");
  Leave("c2");
  while (reader.ReadSome(View(), 1)) {
  }
  EXPECT_THAT(std::move(reader).Take()->client_ids, ElementsAre("c1", "c2"));
}

TEST_F(MembershipReaderTest, AHistoryThatOverflowsMeanwhileLeavesTheEpoch) {
  for (int i = 1; i <= 3; ++i) Join(absl::StrCat("c", i));
  Acknowledge("c1");
  MembershipReader reader;
  ASSERT_TRUE(reader.ReadSome(View(), 1));
  Leave("c2");
  for (size_t i = 0; i < GroupHistory::kFewest; ++i) {
    Join("flapping");
    Leave("flapping");
  }
  EXPECT_FALSE(reader.ReadSome(View(), 1));
  const absl::optional<MembershipSnapshot> snapshot = std::move(reader).Take();
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->epoch, 3);
  EXPECT_EQ(snapshot->oldest_base, 3);
  EXPECT_THAT(snapshot->client_ids, IsEmpty());
  EXPECT_THAT(snapshot->changes, IsEmpty());
}

TEST_F(MembershipReaderTest, AListThatNobodyNeedsIsNotReadToItsEnd) {
  for (size_t i = 0; i < 3 * MembershipSnapshot::kMostClientIds; ++i) {
    Join(absl::StrCat("c", i));
  }
  MembershipReader reader;
  EXPECT_TRUE(reader.ReadSome(View(), MembershipSnapshot::kMostClientIds));
  EXPECT_FALSE(reader.ReadSome(View(), 1));
}

// --- The histories of all groups together ---

TEST_F(MembershipReaderTest, AllHistoriesTogetherAreBounded) {
  const auto flap = [&](const std::string& group, size_t times) {
    const std::string stays = absl::StrCat("stays in ", group);
    if (records_.count(stays) == 0) Join(stays, group);
    for (size_t i = 0; i < times; ++i) {
      Join("flapping", group);
      Leave("flapping");
    }
    return View(group)->history->size();
  };
  EXPECT_EQ(flap("a", 60), 60);
  EXPECT_EQ(flap("b", 40), 40);
  // A group that has none keeps one; others keep what they have.
  EXPECT_EQ(flap("c", 5), 1);
  EXPECT_EQ(flap("a", 5), 60);
}

}  // namespace
}  // namespace rmq
