#include "broker/config/config_file.h"

#include <fstream>
#include <ios>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/config/broker_options.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "common/status_matchers.h"
#include "common/text_fields.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kNoFlag = [](absl::string_view) { return false; };

class ConfigTextTest : public ::testing::Test {
 protected:
  // Sets the options that the text sets, and `places_`.
  absl::Status Apply(const std::string& text) {
    absl::StatusOr<ConfigText> parsed = ParseConfigText(
        "broker.textproto", text,
        [](absl::string_view name) { return name == "check_config"; });
    if (!parsed.ok()) return parsed.status();
    places_ = std::move(parsed->places);
    return ApplyConfig(parsed->config, &options_);
  }

  BrokerController::Options options_;
  GroupPolicy::Options& policy_ = options_.policy;
  ConsumerIdsNotifier::Options& notifier_ = options_.notifier;
  ConfigPlaces places_;
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

struct BadText {
  const char* text;
  const char* error;
};

TEST_F(ConfigTextTest, AnErrorHasThePlaceOfTheTokenThatIsWrong) {
  for (const BadText& bad : std::vector<BadText>{
           {"enable_property_filter: maybe\nmax_auto_created_groups: 1",
            "1:25: Invalid value for boolean field \"enable_property_filter\". "
            "Value: \"maybe\"."},
           {"# a comment\n\n  max_auto_created_groups: many",
            "3:28: Expected integer, got: many"},
           {"subscription_groups {\n  group: 'a'\n  no_such: 1\n}",
            "3:3: Message type "
            "\"rocketmq.clientmanager.v1.SubscriptionGroupConfig\" has no "
            "field "
            "named \"no_such\"."},
           {"topics { topic: 't' topic: 'u' }",
            "1:21: Non-repeated field \"topic\" is specified multiple times."},
           {"topics { topic: 't'\n",
            "2:1: the file ends in the middle of a field: Expected identifier, "
            "got: its end"},
           {"enable_property_filter:",
            "1:24: the file ends in the middle of a field: Expected "
            "identifier, "
            "got: its end"},
           {"}\n", "1:1: Expected identifier, got: }"},
           {"topics { topic: 't\n }",
            "1:19: a text in quotes must end with its quote in the same line, "
            "and does not"},
           {"topics { topic: 't",
            "1:19: a text in quotes must end with its quote in the same line, "
            "and does not"}}) {
    EXPECT_THAT(
        Apply(bad.text),
        StatusIs(kInvalid, std::string("broker.textproto:") + bad.error))
        << bad.text;
  }
}

TEST_F(ConfigTextTest, AFieldThatIsAFlagIsNamedAsSuch) {
  EXPECT_THAT(Apply("\nchannel_expiry: 5s\nenable_property_filter: true"),
              StatusIs(kInvalid,
                       "broker.textproto:2:1: channel_expiry is a flag: "
                       "--channel_expiry; in the file it stands in registry "
                       "{ }"));
  EXPECT_THAT(Apply("server { enable_property_filter: true }"),
              StatusIs(kInvalid,
                       "broker.textproto:1:10: enable_property_filter is a "
                       "flag: --enable_property_filter; in the file it stands "
                       "outside of all braces"));
  EXPECT_THAT(Apply("check_config: true"),
              StatusIs(kInvalid,
                       "broker.textproto:1:1: check_config is a flag: "
                       "--check_config; it cannot stand in the file"));
}

TEST_F(ConfigTextTest, ASettingStandsInTheMessageOfItsPart) {
  ASSERT_THAT(Apply("registry { channel_expiry: '90s' max_channels: 7 }\n"
                    "server {\n  threads: 2\n  address: '127.0.0.1:1' }\n"
                    "notify { settle: '0' }"),
              IsOk());
  EXPECT_EQ(options_.table.channel_expiry, absl::Seconds(90));
  EXPECT_EQ(options_.table.max_channels, 7u);
  EXPECT_EQ(options_.server.threads, 2);
  EXPECT_EQ(options_.server.address, "127.0.0.1:1");
  EXPECT_EQ(options_.settle, absl::ZeroDuration());
}

TEST_F(ConfigTextTest, ThePlaceOfEachSettingIsKnown) {
  ASSERT_THAT(Apply("enable_property_filter: true\n"
                    "server {\n  threads: 2 nap: '1ms' }"),
              IsOk());
  ASSERT_EQ(places_.size(), 3u);
  EXPECT_EQ(places_["enable_property_filter"].line, 0);
  EXPECT_EQ(places_["threads"].line, 2);
  EXPECT_EQ(places_["threads"].column, 2);
  EXPECT_EQ(places_["nap"].column, 13);
}

TEST_F(ConfigTextTest, AMessageOfAPartStandsThereOnce) {
  EXPECT_THAT(Apply("server { threads: 2 }\nserver { nap: '1ms' }"),
              StatusIs(kInvalid,
                       "broker.textproto:2:1: server stands there twice, "
                       "first in line 1"));
}

TEST_F(ConfigTextTest, ATextThatIsNoTimeIsRefused) {
  EXPECT_THAT(Apply("registry { channel_expiry: '5' }"),
              StatusIs(kInvalid,
                       "channel_expiry must be a time such as 30s, got \"5\""));
}

TEST_F(ConfigTextTest, AConsistencyThatIsNoneIsToldWithItsGroup) {
  EXPECT_THAT(
      Apply("subscription_groups { group: 'a' subscription_consistency: 7\n"
            "  inconsistency_grace: 'soon' }"),
      StatusIs(kInvalid,
               "broker.textproto:1:34: subscription group \"a\": "
               "subscription_consistency must be REPORT or REJECT, got 7\n"
               "broker.textproto:2:3: subscription group \"a\": "
               "inconsistency_grace must be a time such as 10m, got \"soon\""));
}

TEST_F(ConfigTextTest, AllErrorsAreToldAtOnceInTheirOrder) {
  EXPECT_THAT(
      Apply("enable_property_filter: maybe\n"
            "subscription_groups { group: 'a' }\n"
            "subscription_groups {\n"
            "  group: 'b c'\n"
            "  retry_queue_nums: -1\n"
            "}\n"
            "subscription_groups { group: 'a' }\n"
            "topics: [ { topic: 't' }, { topic: 't' write_queue_nums: -2 } ]\n"
            "channel_expiry: '5s'\n"
            "enable_register_producer: true\n"
            "max_auto_created_groups: 0\n"
            "enable_register_producer: false\n"),
      StatusIs(
          kInvalid,
          "broker.textproto:1:25: Invalid value for boolean field "
          "\"enable_property_filter\". Value: \"maybe\".\n"
          "broker.textproto:4:3: subscription group \"b c\": group must be 1 "
          "to "
          "120 letters, digits, '%', '|', '_' and '-'\n"
          "broker.textproto:5:3: subscription group \"b c\": retry_queue_nums "
          "must not be negative, got -1\n"
          "broker.textproto:7:23: subscription group \"a\" stands there twice, "
          "first in line 2\n"
          "broker.textproto:8:29: topic \"t\" stands there twice, first in "
          "line "
          "8\n"
          "broker.textproto:8:40: topic \"t\": write_queue_nums must not be "
          "negative, got -2\n"
          "broker.textproto:9:1: channel_expiry is a flag: --channel_expiry; "
          "in "
          "the file it stands in registry { }\n"
          "broker.textproto:11:1: max_auto_created_groups must be at least 1, "
          "got 0\n"
          "broker.textproto:12:1: enable_register_producer stands there twice, "
          "first in line 10"));
}

TEST_F(ConfigTextTest, OfVeryManyErrorsTheFirstAreToldAndTheOthersCounted) {
  std::string text;
  for (size_t i = 0; i < kMaxTextErrors; ++i) text += "no: 1\n";
  absl::Status status = Apply(text);
  EXPECT_THAT(status, StatusIs(kInvalid, HasSubstr("broker.textproto:20:1: ")));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("more")));
  status = Apply(text + "no: 1\nno: 1\n");
  EXPECT_THAT(status, StatusIs(kInvalid, EndsWith("broker.textproto: and 2 "
                                                  "errors more")));
}

TEST_F(ConfigTextTest, FieldsMayBeSeparatedInAnyWayThatTheTextFormatKnows) {
  ASSERT_THAT(Apply("enable_property_filter: false, "
                    "max_auto_created_groups: 7; "
                    "topics: < topic: 'a' 'b' > # no: 1\n"
                    "topics { topic: 'c'; perm: 4 } "
                    "subscription_groups: [ { group: 'd' } ]"),
              IsOk());
  EXPECT_FALSE(policy_.enable_property_filter);
  EXPECT_EQ(policy_.max_auto_created_groups, 7u);
  ASSERT_EQ(policy_.topics.size(), 2u);
  EXPECT_EQ(policy_.topics[0].topic, "ab");
  EXPECT_EQ(policy_.topics[1].perm, 4);
  EXPECT_EQ(policy_.subscription_groups.size(), 1u);
}

TEST(ConfigFileTest, AFileThatIsNotThereIsNamed) {
  EXPECT_THAT(ReadConfigFile("/no/such/file", kNoFlag),
              StatusIs(absl::StatusCode::kNotFound,
                       "cannot read config file /no/such/file: No such file or "
                       "directory"));
}

absl::Status StatusOfFile(const std::string& path) {
  return ReadConfigFile(path, kNoFlag).status();
}

TEST(ConfigFileTest, AFolderIsRefusedWithTheReason) {
  const std::string folder = ::testing::TempDir();
  EXPECT_THAT(
      StatusOfFile(folder),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               "cannot read config file " + folder + ": Is a directory"));
}

TEST(ConfigFileTest, AFileThatFailsToBeReadIsRefusedWithTheReason) {
  // Page 0 of a process is never mapped.
  EXPECT_THAT(StatusOfFile("/proc/self/mem"),
              StatusIs(absl::StatusCode::kUnknown,
                       "cannot read config file /proc/self/mem: "
                       "Input/output error"));
}

TEST(ConfigFileTest, AFileWithoutEndIsRefused) {
  EXPECT_THAT(StatusOfFile("/dev/zero"),
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
  const absl::StatusOr<ConfigText> file = ReadConfigFile(path, kNoFlag);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->config.topics_size(), 20'000);
}

TEST(ConfigFileTest, AFileOfOtherBytesIsRefusedInOneLine) {
  const std::string path = ::testing::TempDir() + "/binary";
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  std::ofstream(path, std::ios::binary) << bytes;
  const absl::Status status = StatusOfFile(path);
  EXPECT_THAT(status, StatusIs(kInvalid, path + ":1:1: the byte 0x00: this is "
                                                "no text"));
  for (const char byte : std::string(status.message())) {
    EXPECT_TRUE(absl::ascii_isprint(byte)) << int{byte};
  }
}

}  // namespace
}  // namespace rmq
