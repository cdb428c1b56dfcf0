#include "client/discovery/make_resolver.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/recording_listener.h"
#include "client/discovery/resolver_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(10);

std::shared_ptr<ResolverSource> Made(const std::string& uri,
                                     const DiscoveryOptions& options = {}) {
  absl::StatusOr<std::shared_ptr<ResolverSource>> resolver =
      MakeResolver(uri, options);
  EXPECT_THAT(resolver.status(), IsOk());
  return *resolver;
}

// A file of one broker, put in the place of the one that was.
void PutFile(const std::string& path, const std::string& address) {
  const std::string beside = path + ".new";
  std::FILE* const file = std::fopen(beside.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fprintf(file, "{\"brokers\": [{\"address\": \"%s\"}]}", address.c_str());
  ASSERT_EQ(std::fclose(file), 0);
  ASSERT_EQ(std::rename(beside.c_str(), path.c_str()), 0);
}

TEST(MakeResolverTest, AFixedListIsToldAtOnce) {
  const std::shared_ptr<ResolverSource> resolver = Made("static:///a:1,b:2");
  const auto listener = std::make_shared<RecordingListener>();
  resolver->AddListener(listener);
  EXPECT_THAT(listener->lists(), ElementsAre("a:1,b:2"));
  EXPECT_THAT(listener->brokers(), ElementsAre(BrokerEntry{"", 0, "a:1"},
                                               BrokerEntry{"", 0, "b:2"}));
  const ResolverStatus status = resolver->Status();
  EXPECT_EQ(status.source, "static:///a:1,b:2");
  EXPECT_EQ(status.brokers, 2);
  EXPECT_GT(status.learned_at, absl::FromUnixSeconds(0));
}

TEST(MakeResolverTest, AFileIsToldAtOnceAndAnewWhenItHasChanged) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/followed");
  PutFile(path, "a:1");
  DiscoveryOptions options;
  options.file_interval = absl::Milliseconds(100);
  const std::shared_ptr<ResolverSource> resolver =
      Made(absl::StrCat("file://", path), options);
  const auto listener = std::make_shared<RecordingListener>();
  resolver->AddListener(listener);
  EXPECT_THAT(listener->lists(), ElementsAre("a:1"));
  PutFile(path, "b:1");
  EXPECT_TRUE(listener->Await("b:1"));
}

TEST(MakeResolverTest, TheAddressesOfANameAreTold) {
  const auto resolver = Made("dns:///localhost:7");
  const auto brokers = AwaitBrokers(resolver.get(), kPatience);
  ASSERT_THAT(brokers.status(), IsOk());
  EXPECT_THAT(*brokers, Each(AnyOf(BrokerEntry{"", 0, "127.0.0.1:7"},
                                   BrokerEntry{"", 0, "[::1]:7"})));
}

TEST(MakeResolverTest, AStringThatIsNoResolverIsRefused) {
  EXPECT_THAT(MakeResolver("a:1", {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("resolver must be")));
}

TEST(MakeResolverTest, OptionsThatDoNotValidateAreRefused) {
  DiscoveryOptions options;
  options.file_interval = absl::ZeroDuration();
  EXPECT_THAT(
      MakeResolver("static:///a:1", options).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("file_interval")));
}

TEST(AwaitBrokersTest, AListThatIsThereIsReturned) {
  const auto brokers = AwaitBrokers(Made("static:///a:1").get(), kPatience);
  ASSERT_THAT(brokers.status(), IsOk());
  EXPECT_THAT(*brokers, ElementsAre(BrokerEntry{"", 0, "a:1"}));
}

TEST(AwaitBrokersTest, AnErrorThatDoesNotPassIsNotWaitedFor) {
  const auto resolver = Made("file:///nowhere/brokers");
  EXPECT_THAT(
      AwaitBrokers(resolver.get(), absl::InfiniteDuration()).status(),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/brokers")));
}

// A source that tells nothing but its error.
class SilentSource final : public ResolverSource {
 public:
  explicit SilentSource(absl::Status error) : error_(std::move(error)) {}
  void AddListener(std::weak_ptr<Listener>) override {}
  ResolverStatus Status() const override {
    ResolverStatus status;
    status.source = "silent:///";
    status.error = error_;
    return status;
  }

 private:
  const absl::Status error_;
};

TEST(AwaitBrokersTest, AnErrorThatMayPassIsToldAtTheEnd) {
  SilentSource source(absl::UnavailableError("away"));
  EXPECT_THAT(AwaitBrokers(&source, absl::Milliseconds(50)).status(),
              StatusIs(absl::StatusCode::kUnavailable, "away"));
}

TEST(AwaitBrokersTest, ASourceThatSaysNothingExceedsTheDeadline) {
  SilentSource source(absl::OkStatus());
  EXPECT_THAT(AwaitBrokers(&source, absl::Milliseconds(50)).status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("silent:/// has told no brokers")));
}

}  // namespace
}  // namespace rmq
