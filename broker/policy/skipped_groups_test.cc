#include "broker/policy/skipped_groups.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SkippedGroupsTest : public ::testing::Test {
 protected:
  bool Note(absl::string_view group, absl::string_view client_id,
            SkipReason reason = SkipReason::kNoSuchGroup,
            GroupKind kind = GroupKind::kConsumer) {
    now_ += absl::Seconds(1);
    return skipped_.Note({group, kind, reason}, client_id, now_);
  }
  std::vector<std::string> Of(absl::string_view group, size_t max = 10) {
    std::vector<std::string> texts;
    for (const SkippedClient& client : skipped_.Of(group, max)) {
      texts.push_back(absl::StrCat(Name(client.kind), " ", client.client_id,
                                   " ", Name(client.reason), " ",
                                   client.times));
    }
    return texts;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  SkippedGroups skipped_;
};

TEST_F(SkippedGroupsTest, AGroupTellsWhoWasPassedOverTheLastOneFirst) {
  Note("orders", "a");
  Note("others", "b");
  Note("orders", "c", SkipReason::kPullConsumerRejected);
  EXPECT_THAT(Of("orders"), ElementsAre("consumer c PULL_CONSUMER_REJECTED 1",
                                        "consumer a NO_SUCH_GROUP 1"));
  EXPECT_THAT(Of("orders", 1), SizeIs(1));
  EXPECT_THAT(Of("unknown"), IsEmpty());
}

TEST_F(SkippedGroupsTest, AClientThatGoesOnIsOneEntryWithTheLastTime) {
  EXPECT_TRUE(Note("orders", "a"));
  EXPECT_TRUE(Note("orders", "b"));
  EXPECT_FALSE(Note("orders", "a"));
  EXPECT_THAT(Of("orders"), ElementsAre("consumer a NO_SUCH_GROUP 2",
                                        "consumer b NO_SUCH_GROUP 1"));
  EXPECT_EQ(skipped_.Of("orders", 1)[0].last, now_);
}

TEST_F(SkippedGroupsTest, AnotherReasonIsNews) {
  Note("orders", "a");
  EXPECT_TRUE(Note("orders", "a", SkipReason::kTooManyGroups));
  EXPECT_FALSE(Note("orders", "a", SkipReason::kTooManyGroups));
  EXPECT_THAT(Of("orders"), ElementsAre("consumer a TOO_MANY_GROUPS 3"));
}

TEST_F(SkippedGroupsTest, GroupsOfBothKindsAreTwo) {
  Note("orders", "a");
  EXPECT_TRUE(
      Note("orders", "a", SkipReason::kProducerRejected, GroupKind::kProducer));
  EXPECT_THAT(Of("orders"), ElementsAre("producer a PRODUCER_REJECTED 1",
                                        "consumer a NO_SUCH_GROUP 1"));
}

TEST_F(SkippedGroupsTest, OfVeryManyTheLastOnesAreKept) {
  Note("orders", "first");
  Note("orders", "second");
  for (size_t i = 2; i < SkippedGroups::kMost; ++i) {
    Note("others", absl::StrCat("c", i));
  }
  Note("orders", "first");
  EXPECT_THAT(Of("orders"), SizeIs(2));
  Note("others", "one more");
  EXPECT_THAT(Of("orders"), ElementsAre("consumer first NO_SUCH_GROUP 2"));
  EXPECT_TRUE(Note("orders", "second"));
  EXPECT_THAT(Of("others", 2 * SkippedGroups::kMost),
              SizeIs(SkippedGroups::kMost - 2));
}

}  // namespace
}  // namespace rmq
