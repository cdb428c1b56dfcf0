#include "client/discovery/resolver_uri.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Scheme = ResolverUri::Scheme;

ResolverUri Parsed(absl::string_view text) {
  const absl::StatusOr<ResolverUri> uri = ParseResolverUri(text);
  EXPECT_THAT(uri.status(), IsOk()) << text;
  return uri.ok() ? *uri : ResolverUri();
}

void ExpectRefused(absl::string_view text, absl::string_view rule) {
  EXPECT_THAT(
      ParseResolverUri(text).status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("resolver "), HasSubstr(std::string(rule)))))
      << text;
}

TEST(ResolverUriTest, EachFormIsTakenInItsParts) {
  EXPECT_EQ(Parsed("static:///a:1,[::1]:2"),
            (ResolverUri{Scheme::kStatic, "", "a:1,[::1]:2"}));
  EXPECT_EQ(Parsed("file:///etc/rocketmq/brokers"),
            (ResolverUri{Scheme::kFile, "", "/etc/rocketmq/brokers"}));
  EXPECT_EQ(Parsed("dns:///brokers.example.com:10911"),
            (ResolverUri{Scheme::kDns, "", "brokers.example.com:10911"}));
  EXPECT_EQ(Parsed("etcd:///east"), (ResolverUri{Scheme::kEtcd, "", "east"}));
  EXPECT_EQ(Parsed("etcd://e1:2379,e2:2379/east"),
            (ResolverUri{Scheme::kEtcd, "e1:2379,e2:2379", "east"}));
}

TEST(ResolverUriTest, WhatWasTakenIsWrittenAsItWas) {
  for (const char* text : {"static:///a:1,b:2", "file:///a b/%20,c",
                           "dns:///a.b:1", "etcd:///c", "etcd://e:1/c"}) {
    EXPECT_EQ(Parsed(text).ToString(), text);
  }
}

TEST(ResolverUriTest, OtherFormsAreRefusedWithThoseThatAreAllowed) {
  for (const char* text : {"", "a:1", "a:1,b:2", "/etc/brokers", "static",
                           "static:", "static:/a:1", "static://", "dns://a:1",
                           "file://", "STATIC:///a:1", " static:///a:1",
                           "zookeeper:///a:1", "https://a/b", "://a/b"}) {
    ExpectRefused(text,
                  "must be \"static:///HOST:PORT,...\", \"file:///PATH\"");
    ExpectRefused(text, absl::StrCat("got \"", text, "\""));
  }
}

TEST(ResolverUriTest, OnlyEtcdsServersCanBeNamed) {
  for (const char* text :
       {"static://a:1/b:2", "file://host/path", "dns://8.8.8.8/a.b:1"}) {
    ExpectRefused(text, "three slashes");
  }
  ExpectRefused("etcd://e1/c", "\"host:port\", got \"e1\"");
  ExpectRefused("etcd://e1:1,/c", "etcd's endpoints: ");
  ExpectRefused("etcd://e1:1,e1:1/c", "must not name an address twice");
}

TEST(ResolverUriTest, AFixedListHasDifferentAddressesAndAtLeastOne) {
  ExpectRefused("static:///", "\"host:port\", got \"\"");
  ExpectRefused("static:///a:1,", "\"host:port\", got \"\"");
  ExpectRefused("static:///a:1, b:2", "\"host:port\", got \" b:2\"");
  ExpectRefused("static:///a", "\"host:port\", got \"a\"");
  ExpectRefused("static:///a:0", "\"host:port\", got \"a:0\"");
  ExpectRefused("static:///a:1,a:1", "must not name an address twice");
}

TEST(ResolverUriTest, AFixedListHasAtMost1024Addresses) {
  std::string text = "static:///a:1";
  for (int port = 2; port <= 1024; ++port) absl::StrAppend(&text, ",a:", port);
  Parsed(text);
  absl::StrAppend(&text, ",a:1025");
  EXPECT_THAT(
      ParseResolverUri(text).status(),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("brokers")));
}

TEST(ResolverUriTest, AFileIsNamedByAnAbsolutePathOfAtMost4095Bytes) {
  const std::string longest(4094, 'x');
  Parsed(absl::StrCat("file:///", longest));
  ExpectRefused(absl::StrCat("file:///x", longest), "name a file");
  ExpectRefused("file:///", "name a file");
  ExpectRefused("file:///etc/", "name a file");
  ExpectRefused(absl::string_view("file:///a\0b", 11), "name a file");
}

TEST(ResolverUriTest, ANameOfTheDnsHasAPortAndIsNoAddress) {
  Parsed("dns:///a:65535");
  const std::string longest(253, 'x');
  Parsed(absl::StrCat("dns:///", longest, ":1"));
  ExpectRefused(absl::StrCat("dns:///x", longest, ":1"), "have one name");
  ExpectRefused("dns:///", "\"host:port\", got \"\"");
  ExpectRefused("dns:///a", "\"host:port\", got \"a\"");
  ExpectRefused("dns:///a:65536", "\"host:port\", got \"a:65536\"");
  ExpectRefused("dns:///a:1,b:1", "have one name");
  ExpectRefused("dns:///10.0.0.1:1", "have one name");
  ExpectRefused("dns:///[::1]:1", "have one name");
}

TEST(ResolverUriTest, AClusterHasOneTo255PrintableCharactersAndNoSlash) {
  const std::string longest(255, 'x');
  Parsed(absl::StrCat("etcd:///", longest));
  ExpectRefused(absl::StrCat("etcd:///x", longest), "name of a cluster");
  ExpectRefused("etcd:///", "name of a cluster");
  ExpectRefused("etcd:///a/b", "name of a cluster");
  ExpectRefused("etcd:///a b", "name of a cluster");
  ExpectRefused("etcd:///\xc3\xa4", "name of a cluster");
}

TEST(ResolverUriTest, TheBrokersOfANameHaveCertificatesOfThatName) {
  EXPECT_EQ(ServerNameOf(Parsed("dns:///brokers.example.com:1")),
            "brokers.example.com");
  EXPECT_EQ(ServerNameOf(Parsed("static:///brokers.example.com:1")), "");
  EXPECT_EQ(ServerNameOf(Parsed("etcd:///brokers.example.com:1")), "");
}

TEST(ResolverUriTest, ALongValueIsShortenedInTheError) {
  const absl::Status status =
      ParseResolverUri(std::string(100'000, 'x')).status();
  EXPECT_LT(status.message().size(), 500);
}

}  // namespace
}  // namespace rmq
