#include "common/etcd/etcd_options.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

EtcdOptions With(std::vector<std::string> endpoints) {
  EtcdOptions options;
  options.endpoints = std::move(endpoints);
  return options;
}

TEST(EtcdOptionsTest, OneToSixteenEndpointsAreTaken) {
  EXPECT_THAT(With({}).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("1 to 16 endpoints \"host:port\", got 0")));
  std::vector<std::string> endpoints;
  while (endpoints.size() < 16) {
    endpoints.push_back(absl::StrCat("etcd-", endpoints.size(), ":2379"));
  }
  EXPECT_THAT(With(endpoints).Validate(), IsOk());
  endpoints.push_back("one-more:2379");
  EXPECT_THAT(
      With(endpoints).Validate(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 17")));
}

TEST(EtcdOptionsTest, AnEndpointIsAHostAndAPort) {
  for (const char* const good :
       {"localhost:1", "10.0.0.1:65535", "[::1]:2379", "a_b.c-d:2379"}) {
    EXPECT_THAT(With({good}).Validate(), IsOk()) << good;
  }
  for (const char* const bad :
       {"", "etcd", "etcd:", ":2379", "etcd:0", "etcd:65536", "etcd:+1",
        "http://etcd:2379", "[]:2379", "::1:2379", "a b:2379"}) {
    EXPECT_THAT(With({bad}).Validate(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr(absl::StrCat("got \"", bad, "\""))))
        << bad;
  }
}

TEST(EtcdOptionsTest, AnEndpointIsNamedOnce) {
  EXPECT_THAT(With({"a:1", "b:1", "a:1"}).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("twice, got \"a:1\"")));
}

TEST(EtcdOptionsTest, AUserHasAPasswordFile) {
  EtcdOptions options = With({"a:1"});
  options.user = "broker";
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got only etcd_user \"broker\"")));
  options.password_file = "/etc/password";
  EXPECT_THAT(options.Validate(), IsOk());
  options.user.clear();
  EXPECT_THAT(
      options.Validate(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("got only etcd_password_file \"/etc/password\"")));
}

TEST(EtcdOptionsTest, ACallHasSomeTime) {
  EtcdOptions options = With({"a:1"});
  options.call_timeout = absl::Milliseconds(100);
  EXPECT_THAT(options.Validate(), IsOk());
  options.call_timeout -= absl::Nanoseconds(1);
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("call_timeout")));
  options.call_timeout = absl::InfiniteDuration();
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("call_timeout")));
}

}  // namespace
}  // namespace rmq
