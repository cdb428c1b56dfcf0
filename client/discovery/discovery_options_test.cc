#include "client/discovery/discovery_options.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

MATCHER_P(IsInvalid, message, "") {
  return ::testing::ExplainMatchResult(
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)), arg,
      result_listener);
}

TEST(DiscoveryOptionsTest, TheDefaultsAreGood) {
  EXPECT_THAT(DiscoveryOptions().Validate(), IsOk());
}

TEST(DiscoveryOptionsTest, TimesAreBetweenATenthOfASecondAndADay) {
  for (absl::Duration DiscoveryOptions::*time :
       {&DiscoveryOptions::file_interval, &DiscoveryOptions::dns_interval,
        &DiscoveryOptions::dns_timeout}) {
    DiscoveryOptions options;
    for (absl::Duration good : {absl::Milliseconds(100), absl::Hours(24)}) {
      options.*time = good;
      EXPECT_THAT(options.Validate(), IsOk());
    }
    for (absl::Duration bad :
         {absl::Milliseconds(99), absl::Hours(24) + absl::Milliseconds(1),
          absl::InfiniteDuration(), -absl::Seconds(1)}) {
      options.*time = bad;
      EXPECT_THAT(options.Validate(),
                  IsInvalid("must be between 100ms and 24h, got " +
                            absl::FormatDuration(bad)));
    }
  }
}

TEST(DiscoveryOptionsTest, EtcdsEndpointsAreAddresses) {
  DiscoveryOptions options;
  options.etcd_endpoints = {"a:1", "b:2"};
  EXPECT_THAT(options.Validate(), IsOk());
  options.etcd_endpoints = {"a:1", "b"};
  EXPECT_THAT(options.Validate(), IsInvalid("etcd_endpoints: "));
  EXPECT_THAT(options.Validate(), IsInvalid("got \"b\""));
}

TEST(DiscoveryOptionsTest, EtcdsPrefixIsAPath) {
  DiscoveryOptions options;
  options.etcd_prefix = "/a/b";
  EXPECT_THAT(options.Validate(), IsOk());
  for (const char* bad : {"", "/", "a", "/a/"}) {
    options.etcd_prefix = bad;
    EXPECT_THAT(options.Validate(), IsInvalid("etcd_prefix must begin with"));
  }
}

TEST(DiscoveryOptionsTest, AUserOfEtcdHasAPassword) {
  DiscoveryOptions options;
  options.etcd_user = "clients";
  EXPECT_THAT(options.Validate(), IsInvalid("given together"));
  options.etcd_password_file = "/etc/password";
  EXPECT_THAT(options.Validate(), IsOk());
  options.etcd_user = "";
  EXPECT_THAT(options.Validate(), IsInvalid("given together"));
}

TEST(DiscoveryOptionsTest, AStayIsBetweenNothingAndADayOrWithoutAnEnd) {
  DiscoveryOptions options;
  for (absl::Duration good :
       {absl::ZeroDuration(), absl::Hours(24), absl::InfiniteDuration()}) {
    options.etcd_unlisted_stay = good;
    EXPECT_THAT(options.Validate(), IsOk());
  }
  for (absl::Duration bad :
       {-absl::Nanoseconds(1), absl::Hours(24) + absl::Seconds(1),
        -absl::InfiniteDuration()}) {
    options.etcd_unlisted_stay = bad;
    EXPECT_THAT(
        options.Validate(),
        IsInvalid(
            "etcd_unlisted_stay must be between 0 and 24h, or infinite, got " +
            absl::FormatDuration(bad)));
  }
}

TEST(DiscoveryOptionsTest, TheTlsOfEtcdIsChecked) {
  DiscoveryOptions options;
  options.etcd_tls.emplace().cert_file = "/cert-without-key";
  EXPECT_THAT(options.Validate(), IsInvalid("key_file"));
}

}  // namespace
}  // namespace rmq
