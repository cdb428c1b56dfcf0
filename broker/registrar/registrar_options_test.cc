#include "broker/registrar/registrar_options.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RegistrarOptions With(const std::string& etcd) {
  RegistrarOptions options;
  options.etcd = etcd;
  return options;
}

absl::Status Validate(const RegistrarOptions& options) {
  return options.Validate(/*allow_insecure=*/false);
}

TEST(RegistrarOptionsTest, WithoutEtcdNothingIsOn) {
  RegistrarOptions options;
  options.etcd_lease = absl::ZeroDuration();
  EXPECT_FALSE(options.is_on());
  EXPECT_THAT(Validate(options), IsOk());
}

TEST(RegistrarOptionsTest, EndpointsHaveCommasBetween) {
  EXPECT_THAT(With("a:1,b:2").Etcd().endpoints, ElementsAre("a:1", "b:2"));
  EXPECT_THAT(Validate(With("a:1,b:2")), IsOk());
  EXPECT_THAT(Validate(With("a:1,")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("etcd must be \"host:port\"")));
}

TEST(RegistrarOptionsTest, ALeaseIsTwoSecondsToTenMinutesInWholeSeconds) {
  RegistrarOptions options = With("a:1");
  for (const absl::Duration good : {absl::Seconds(2), absl::Minutes(10)}) {
    options.etcd_lease = good;
    EXPECT_THAT(Validate(options), IsOk()) << good;
  }
  for (const absl::Duration bad :
       {absl::Seconds(1), absl::Minutes(10) + absl::Seconds(1),
        absl::Milliseconds(2500), absl::InfiniteDuration()}) {
    options.etcd_lease = bad;
    EXPECT_THAT(Validate(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("etcd_lease must be")))
        << bad;
  }
}

TEST(RegistrarOptionsTest, EachSettingOfTlsTurnsItOn) {
  EXPECT_FALSE(With("a:1").Etcd().tls.has_value());
  for (bool RegistrarOptions::*const flag : {&RegistrarOptions::etcd_tls}) {
    RegistrarOptions options = With("a:1");
    options.*flag = true;
    EXPECT_TRUE(options.Etcd().tls.has_value());
  }
  for (std::string RegistrarOptions::*const file :
       {&RegistrarOptions::etcd_tls_ca, &RegistrarOptions::etcd_tls_cert,
        &RegistrarOptions::etcd_tls_key,
        &RegistrarOptions::etcd_tls_server_name}) {
    RegistrarOptions options = With("a:1");
    options.*file = "x";
    EXPECT_TRUE(options.Etcd().tls.has_value());
  }
}

TEST(RegistrarOptionsTest, AnErrorOfTlsNamesTheSetting) {
  RegistrarOptions options = With("a:1");
  options.etcd_tls_cert = "cert.pem";
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got only etcd_tls_cert \"cert.pem\"")));
}

TEST(RegistrarOptionsTest, AllEndpointsAreAskedWithinAThirdOfTheLease) {
  RegistrarOptions options = With("a:1,b:1,c:1");
  options.etcd_lease = absl::Seconds(9);
  EXPECT_EQ(options.Etcd().call_timeout, absl::Seconds(1));
  options.etcd_lease = absl::Minutes(10);
  EXPECT_EQ(options.Etcd().call_timeout, absl::Seconds(3));
  options.etcd = "a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8";
  options.etcd_lease = absl::Seconds(2);
  EXPECT_EQ(options.Etcd().call_timeout, absl::Milliseconds(100));
}

TEST(RegistrarOptionsTest, APasswordGoesToOtherMachinesByTlsOnly) {
  RegistrarOptions options = With("127.0.0.1:2379,etcd:2379");
  options.etcd_user = "broker";
  options.etcd_password_file = "/etc/password";
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("etcd_user must go with TLS to etcd "
                                 "(etcd_tls), unless etcd is on this machine, "
                                 "got \"etcd:2379\"; allow_insecure_remote "
                                 "allows it")));
  EXPECT_THAT(options.Validate(/*allow_insecure=*/true), IsOk());
  options.etcd = "127.0.0.1:2379,[::1]:2379,localhost:2379";
  EXPECT_THAT(Validate(options), IsOk());
  options.etcd = "etcd:2379";
  options.etcd_tls = true;
  EXPECT_THAT(Validate(options), IsOk());
}

TEST(RegistrarOptionsTest, FilesThatAreWrongAreToldByTheirSettings) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  RegistrarOptions options = With("a:1");
  EXPECT_THAT(options.CheckFiles(now), IsOk());
  options.etcd_user = "broker";
  options.etcd_password_file = "/nowhere/password";
  EXPECT_THAT(options.CheckFiles(now).message(),
              HasSubstr("/nowhere/password"));
  options.etcd_tls_ca = "/nowhere/ca.pem";
  EXPECT_THAT(
      options.CheckFiles(now),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("etcd_tls_ca"), HasSubstr("/nowhere/ca.pem"))));
  options.etcd.clear();
  EXPECT_THAT(options.CheckFiles(now), IsOk());
}

TEST(RegistrarOptionsTest, APrefixIsAPath) {
  RegistrarOptions options = With("a:1");
  options.etcd_prefix = "clients";
  EXPECT_THAT(Validate(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("etcd_prefix must be")));
}

}  // namespace
}  // namespace rmq
