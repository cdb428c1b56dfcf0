#include "broker/config/settings.h"

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::Optional;

TEST(SettingsTest, NamesAreUniqueOverAllParts) {
  for (const Setting& setting : AllSettings()) {
    EXPECT_EQ(FindSetting(setting.name()), &setting);
  }
  EXPECT_EQ(FindSetting("topics"), nullptr);
  EXPECT_EQ(FindSetting("server"), nullptr);
}

TEST(SettingsTest, EverySettingIsOptionalSoThatItsAbsenceShows) {
  for (const Setting& setting : AllSettings()) {
    EXPECT_TRUE(setting.field->has_presence()) << setting.name();
  }
}

TEST(SettingsTest, ASettingIsSetAndReadAsText) {
  pb::BrokerConfig config;
  for (const auto& [name, text] :
       {std::make_pair("address", "127.0.0.1:1"),
        std::make_pair("enable_property_filter", "false"),
        std::make_pair("threads", "-3"),
        std::make_pair("max_unary_bytes_rate", "5000000000"),
        std::make_pair("max_channels", "18446744073709551615")}) {
    const Setting& setting = *FindSetting(name);
    EXPECT_EQ(GetSetting(setting, config), absl::nullopt) << name;
    EXPECT_TRUE(SetSetting(setting, text, &config)) << name;
    EXPECT_THAT(GetSetting(setting, config), Optional(std::string(text)));
  }
  EXPECT_EQ(config.server().threads(), -3);
  EXPECT_FALSE(config.enable_property_filter());
}

TEST(SettingsTest, TextThatStandsForNoValueSetsNothing) {
  pb::BrokerConfig config;
  for (const auto& [name, text] :
       {std::make_pair("enable_property_filter", "maybe"),
        std::make_pair("threads", "many"),
        std::make_pair("threads", "3000000000"),
        std::make_pair("max_channels", "-1")}) {
    EXPECT_FALSE(SetSetting(*FindSetting(name), text, &config)) << name;
    EXPECT_EQ(GetSetting(*FindSetting(name), config), absl::nullopt) << name;
  }
}

}  // namespace
}  // namespace rmq
