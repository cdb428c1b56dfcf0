#include "broker/config_file.h"

#include <fstream>
#include <ios>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class ConfigTextTest : public ::testing::Test {
 protected:
  absl::Status Apply(const std::string& text) {
    return ApplyConfigText("broker.textproto", text, &policy_, &notifier_);
  }

  GroupPolicy::Options policy_;
  ConsumerIdsNotifier::Options notifier_;
};

TEST_F(ConfigTextTest, AnEmptyFileLeavesTheDefaults) {
  ASSERT_THAT(Apply(""), IsOk());
  EXPECT_TRUE(policy_.auto_create_subscription_group);
  EXPECT_TRUE(policy_.enable_property_filter);
  EXPECT_TRUE(policy_.enable_register_producer);
  EXPECT_FALSE(policy_.reject_pull_consumer_enable);
  EXPECT_TRUE(notifier_.enabled);
  EXPECT_TRUE(policy_.subscription_groups.empty());
}

TEST_F(ConfigTextTest, EverySwitchCanBeSet) {
  ASSERT_THAT(Apply("auto_create_subscription_group: false\n"
                    "max_auto_created_groups: 7\n"
                    "enable_property_filter: false\n"
                    "enable_register_producer: false\n"
                    "notify_consumer_ids_changed_enable: false\n"
                    "reject_pull_consumer_enable: true\n"),
              IsOk());
  EXPECT_FALSE(policy_.auto_create_subscription_group);
  EXPECT_EQ(policy_.max_auto_created_groups, 7u);
  EXPECT_FALSE(policy_.enable_property_filter);
  EXPECT_FALSE(policy_.enable_register_producer);
  EXPECT_FALSE(notifier_.enabled);
  EXPECT_TRUE(policy_.reject_pull_consumer_enable);
}

TEST_F(ConfigTextTest, AGroupHasNotificationAndOneRetryQueueUnlessItSaysSo) {
  ASSERT_THAT(Apply("subscription_groups { group: 'a' }\n"
                    "subscription_groups { group: 'b' retry_queue_nums: 0\n"
                    "  notify_consumer_ids_changed_enable: false }\n"),
              IsOk());
  ASSERT_EQ(policy_.subscription_groups.size(), 2u);
  EXPECT_TRUE(
      policy_.subscription_groups[0].notify_consumer_ids_changed_enable);
  EXPECT_EQ(policy_.subscription_groups[0].retry_queue_nums, 1);
  EXPECT_FALSE(
      policy_.subscription_groups[1].notify_consumer_ids_changed_enable);
  EXPECT_EQ(policy_.subscription_groups[1].retry_queue_nums, 0);
}

TEST_F(ConfigTextTest, ATopicHasSixteenQueuesUnlessItSaysSo) {
  ASSERT_THAT(Apply("topics { topic: 't' order: true read_queue_nums: 4 }"),
              IsOk());
  ASSERT_EQ(policy_.topics.size(), 1u);
  EXPECT_EQ(policy_.topics[0].read_queue_nums, 4);
  EXPECT_EQ(policy_.topics[0].write_queue_nums, 16);
  EXPECT_EQ(policy_.topics[0].perm, 6);
  EXPECT_TRUE(policy_.topics[0].order);
}

TEST_F(ConfigTextTest, AnUnknownFieldIsRefusedWithLineAndColumn) {
  EXPECT_THAT(
      Apply("reject_pull_consumer_enable: true\n  no_such_switch: 1\n"),
      StatusIs(kInvalid, ::testing::AllOf(StartsWith("broker.textproto:2:"),
                                          HasSubstr("no_such_switch"))));
}

TEST_F(ConfigTextTest, AFileWithAnErrorSetsNothing) {
  EXPECT_THAT(Apply("reject_pull_consumer_enable: true\n}\n"),
              StatusIs(kInvalid));
  EXPECT_FALSE(policy_.reject_pull_consumer_enable);
}

TEST_F(ConfigTextTest, AValueOfAnotherTypeIsRefusedWithLineAndColumn) {
  EXPECT_THAT(Apply("enable_property_filter: maybe"),
              StatusIs(kInvalid, StartsWith("broker.textproto:1:")));
}

TEST_F(ConfigTextTest, AGroupThatStandsThereTwiceIsRefusedByThePolicy) {
  ASSERT_THAT(Apply("subscription_groups { group: 'a' }\n"
                    "subscription_groups { group: 'a' }\n"),
              IsOk());
  EXPECT_THAT(policy_.Validate(),
              StatusIs(kInvalid, HasSubstr("\"a\" stands there twice")));
}

TEST(ConfigFileTest, AFileThatIsNotThereIsNamed) {
  GroupPolicy::Options policy;
  ConsumerIdsNotifier::Options notifier;
  EXPECT_THAT(ApplyConfigFile("/no/such/file", &policy, &notifier),
              StatusIs(absl::StatusCode::kNotFound,
                       "cannot read config file /no/such/file: No such file or "
                       "directory"));
}

absl::Status ApplyFile(const std::string& path) {
  GroupPolicy::Options policy;
  ConsumerIdsNotifier::Options notifier;
  return ApplyConfigFile(path, &policy, &notifier);
}

TEST(ConfigFileTest, AFolderIsRefusedWithTheReason) {
  const std::string folder = ::testing::TempDir();
  EXPECT_THAT(ApplyFile(folder), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          "cannot read config file " + folder +
                                              ": Is a directory"));
}

TEST(ConfigFileTest, AFileThatFailsToBeReadIsRefusedWithTheReason) {
  // Page 0 of a process is never mapped.
  EXPECT_THAT(ApplyFile("/proc/self/mem"),
              StatusIs(absl::StatusCode::kUnknown,
                       "cannot read config file /proc/self/mem: "
                       "Input/output error"));
}

TEST(ConfigFileTest, AFileWithoutEndIsRefused) {
  EXPECT_THAT(ApplyFile("/dev/zero"),
              StatusIs(kInvalid,
                       "config file /dev/zero must be at most 67108864 bytes"));
}

TEST(ConfigFileTest, AFileOfAnySizeBelowTheLimitIsReadWhole) {
  const std::string path = ::testing::TempDir() + "/long.textproto";
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += "topics { topic: 't" + std::to_string(i) + "' }\n";
  }
  std::ofstream(path) << text;
  GroupPolicy::Options policy;
  ConsumerIdsNotifier::Options notifier;
  ASSERT_THAT(ApplyConfigFile(path, &policy, &notifier), IsOk());
  EXPECT_EQ(policy.topics.size(), 20'000u);
}

TEST(ConfigFileTest, AFileOfOtherBytesIsRefusedInOneLine) {
  const std::string path = ::testing::TempDir() + "/binary";
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  std::ofstream(path, std::ios::binary) << bytes;
  const absl::Status status = ApplyFile(path);
  EXPECT_THAT(status, StatusIs(kInvalid, StartsWith(path + ":1:")));
  for (const char byte : std::string(status.message())) {
    EXPECT_TRUE(absl::ascii_isprint(byte)) << int{byte};
  }
}

}  // namespace
}  // namespace rmq
