#include "broker/config/broker_options.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/config/settings.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

namespace pb = ::rocketmq::clientmanager::v1;

TEST(BrokerOptionsTest, TheDefaultsValidate) {
  EXPECT_THAT(DefaultBrokerOptions().Validate(), IsOk());
}

TEST(BrokerOptionsTest, EverySettingIsAnOption) {
  BrokerController::Options options = DefaultBrokerOptions();
  options.settle = absl::Seconds(1);
  options.table.max_channels_per_address = 1;
  options.table.max_statement_changes_per_address = 7;
  options.policy.max_auto_created_groups_per_address = 1;
  const pb::BrokerConfig config = ConfigOf(options);
  for (const Setting& setting : AllSettings()) {
    EXPECT_TRUE(GetSetting(setting, config).has_value()) << setting.name();
  }
}

TEST(BrokerOptionsTest, WhatIsAppliedIsWhatIsReadBack) {
  // Each setting and list with a value that is not its default.
  pb::BrokerConfig config;
  for (const Setting& setting : AllSettings()) {
    const auto type = setting.field->cpp_type();
    if (type == google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
      const pb::BrokerConfig before = ConfigOf(DefaultBrokerOptions());
      SetSetting(setting,
                 *GetSetting(setting, before) == "true" ? "false" : "true",
                 &config);
    } else {
      // A number, a text, and, with its unit, a time.
      SetSetting(setting, "7", &config);
    }
  }
  for (const char* const time :
       {"nap", "slow_reader_limit", "drain_timeout", "channel_expiry",
        "min_channel_expiry", "max_channel_expiry", "housekeeping_period",
        "notify_window", "settle", "kick_hold", "auth_date_window",
        "rocketmq5_lost_expiry", "etcd_lease"}) {
    SetSetting(*FindSetting(time), "7s", &config);
  }
  SetSetting(*FindSetting("duplicate_client_id_policy"), "oldest_wins",
             &config);
  SetSetting(*FindSetting("rocketmq5_assignment"), "queues", &config);
  SetSetting(*FindSetting("rocketmq5_assignment_strategy"), "consistent_hash",
             &config);
  SetSetting(*FindSetting("tls_client_cert"), "optional", &config);
  SetSetting(*FindSetting("auth"), "log", &config);
  pb::SubscriptionGroupConfig* const group = config.add_subscription_groups();
  group->set_group("g");
  group->set_notify_consumer_ids_changed_enable(false);
  group->set_retry_queue_nums(7);
  group->set_subscription_consistency(pb::SubscriptionGroupConfig::REJECT);
  group->set_inconsistency_grace("7m");
  pb::TopicConfig* const topic = config.add_topics();
  topic->set_topic("t");
  topic->set_read_queue_nums(7);
  topic->set_write_queue_nums(8);
  topic->set_perm(2);
  topic->set_topic_sys_flag(1);
  topic->set_order(true);

  BrokerController::Options options = DefaultBrokerOptions();
  ASSERT_THAT(ApplyConfig(config, &options), IsOk());
  EXPECT_EQ(ConfigOf(options).DebugString(), config.DebugString());
}

TEST(BrokerOptionsTest, WhatAConfigDoesNotSetStaysAsItIs) {
  BrokerController::Options options;
  options.table.max_channels = 7;
  pb::BrokerConfig config;
  config.mutable_server()->set_threads(3);
  ASSERT_THAT(ApplyConfig(config, &options), IsOk());
  EXPECT_EQ(options.table.max_channels, 7u);
  EXPECT_EQ(options.server.threads, 3);
  EXPECT_FALSE(options.settle.has_value());
}

TEST(BrokerOptionsTest, APolicyThatIsNoneIsTold) {
  BrokerController::Options options;
  pb::BrokerConfig config;
  config.mutable_registry()->set_duplicate_client_id_policy("newest");
  EXPECT_THAT(ApplyConfig(config, &options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "duplicate_client_id_policy must be report, newest_wins "
                       "or oldest_wins, got \"newest\""));
}

TEST(BrokerOptionsTest, WordsForAssignmentsThatAreNoneAreTold) {
  BrokerController::Options options;
  pb::BrokerConfig config;
  config.mutable_rocketmq5()->set_rocketmq5_assignment("all");
  config.mutable_rocketmq5()->set_rocketmq5_assignment_strategy("circle");
  EXPECT_THAT(
      ApplyConfig(config, &options),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "rocketmq5_assignment must be empty or queues, got \"all\"\n"
               "rocketmq5_assignment_strategy must be averagely or "
               "consistent_hash, got \"circle\""));
}

TEST(BrokerOptionsTest, AWordForClientsCertificatesThatIsNoneIsTold) {
  pb::BrokerConfig config;
  SetSetting(*FindSetting("tls_client_cert"), "on", &config);
  BrokerController::Options options;
  EXPECT_THAT(
      ApplyConfig(config, &options),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          "tls_client_cert must be off, optional or required, got \"on\""));
}

TEST(BrokerOptionsTest, TimesThatAreNoneAreToldTogether) {
  BrokerController::Options options;
  pb::BrokerConfig config;
  config.mutable_registry()->set_channel_expiry("5");
  config.mutable_server()->set_nap("soon");
  EXPECT_THAT(ApplyConfig(config, &options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "nap must be a time such as 30s, got \"soon\"\n"
                       "channel_expiry must be a time such as 30s, got \"5\""));
}

TEST(BrokerOptionsTest, AGraceIsZeroToItsBound) {
  const auto validate = [](const std::string& grace) {
    BrokerController::Options options;
    pb::BrokerConfig config;
    pb::SubscriptionGroupConfig* const group = config.add_subscription_groups();
    group->set_group("orders");
    group->set_inconsistency_grace(grace);
    EXPECT_THAT(ApplyConfig(config, &options), IsOk()) << grace;
    return options.Validate();
  };
  const absl::Duration most = absl::Hours(24 * 365);
  const absl::Duration moment = absl::Nanoseconds(1);
  EXPECT_THAT(validate("0"), IsOk());
  EXPECT_THAT(validate(absl::FormatDuration(most)), IsOk());
  for (const absl::Duration bad : {-moment, most + moment}) {
    EXPECT_THAT(validate(absl::FormatDuration(bad)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("inconsistency_grace must be 0 to ")));
  }
}

}  // namespace
}  // namespace rmq
