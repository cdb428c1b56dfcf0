#include "common/etcd/etcd_client.h"

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/etcd/etcd_options.h"
#include "common/etcd/scripted_etcd.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kLong = absl::Seconds(20);

class EtcdClientTest : public ::testing::Test {
 protected:
  // A client of the servers.
  std::unique_ptr<EtcdClient> Client(
      const std::vector<std::string>& endpoints,
      const std::function<void(EtcdOptions*)>& change = [](EtcdOptions*) {}) {
    EtcdOptions options;
    options.endpoints = endpoints;
    change(&options);
    EXPECT_THAT(options.Validate(), IsOk());
    auto client = EtcdClient::Create(options, &RealClock());
    EXPECT_THAT(client, IsOk());
    return *std::move(client);
  }
  // A file of the mode, with the text.
  static std::string File(const std::string& text, mode_t mode = 0600) {
    std::string path = absl::StrCat(::testing::TempDir(), "/password");
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  static std::function<void(EtcdOptions*)> As(const std::string& user,
                                              const std::string& file) {
    return [=](EtcdOptions* options) {
      options->user = user;
      options->password_file = file;
    };
  }

  ScriptedEtcd etcd_;
};

TEST_F(EtcdClientTest, WhatIsPutIsThereUntilItsLeaseEnds) {
  const auto client = Client({etcd_.address()});
  const auto lease = client->GrantLease(absl::Seconds(10));
  ASSERT_THAT(lease, IsOk());
  EXPECT_THAT(client->KeepLeaseAlive(*lease), IsOk());
  auto put = client->PutIf("/p/a", 0, "1", *lease);
  ASSERT_THAT(put, IsOk());
  EXPECT_TRUE(*put);
  auto got = client->Get("/p/a");
  ASSERT_THAT(got, IsOk());
  ASSERT_TRUE(got->has_value());
  EXPECT_EQ((*got)->value, "1");
  EXPECT_EQ((*got)->lease, *lease);
  put = client->PutIf("/p/a", 0, "2", *lease);
  ASSERT_THAT(put, IsOk());
  EXPECT_FALSE(*put);
  put = client->PutIf("/p/a", (*got)->mod_revision, "2", *lease);
  ASSERT_THAT(put, IsOk());
  EXPECT_TRUE(*put);
  EXPECT_THAT(client->RevokeLease(*lease), IsOk());
  got = client->Get("/p/a");
  ASSERT_THAT(got, IsOk());
  EXPECT_FALSE(got->has_value());
  EXPECT_THAT(client->KeepLeaseAlive(*lease),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EtcdClientTest, AListingHasThePrefixAndNoMoreThanItMay) {
  etcd_.Put("/p/a", "1");
  etcd_.Put("/p/b", "2");
  etcd_.Put("/p0", "no");
  const auto client = Client({etcd_.address()});
  const auto listing = client->List("/p/", 2);
  ASSERT_THAT(listing, IsOk());
  ASSERT_EQ(listing->values.size(), 2u);
  EXPECT_EQ(listing->values[1].key, "/p/b");
  EXPECT_EQ(listing->values[1].value, "2");
  EXPECT_THAT(client->List("/p/", 1),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("at most 1 keys under \"/p/\", got 2")));
}

TEST_F(EtcdClientTest, AWatchTellsChangesAndWaitsForThem) {
  const auto client = Client({etcd_.address()});
  const auto listing = client->List("/p/", 10);
  ASSERT_THAT(listing, IsOk());
  const auto watch = client->Watch("/p/", listing->revision + 1);
  ASSERT_THAT(watch, IsOk());
  auto changes = (*watch)->Next(absl::Milliseconds(1));
  ASSERT_THAT(changes, IsOk());
  EXPECT_THAT(*changes, IsEmpty());
  etcd_.Put("/p/a", "1");
  changes = (*watch)->Next(kLong);
  ASSERT_THAT(changes, IsOk());
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ(changes->front().value->value, "1");
  etcd_.Delete("/p/a");
  changes = (*watch)->Next(kLong);
  ASSERT_THAT(changes, IsOk());
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ(changes->front().key, "/p/a");
  EXPECT_FALSE(changes->front().value.has_value());
}

TEST_F(EtcdClientTest, AWatchFromACompactedRevisionIsOutOfRange) {
  const auto client = Client({etcd_.address()});
  etcd_.Put("/p/a", "1");
  etcd_.Compact();
  const auto watch = client->Watch("/p/", 1);
  ASSERT_THAT(watch, IsOk());
  EXPECT_THAT((*watch)->Next(kLong),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("compacted")));
}

TEST_F(EtcdClientTest, EveryCallAsksForALeader) {
  const auto client = Client({etcd_.address()});
  ASSERT_THAT(client->Get("/p/a"), IsOk());
  ASSERT_THAT(client->Watch("/p/", 1), IsOk());
  ASSERT_THAT(client->KeepLeaseAlive(*client->GrantLease(absl::Seconds(10))),
              IsOk());
  EXPECT_THAT(etcd_.leaders_asked(), Each(true));
}

TEST_F(EtcdClientTest, TheNextEndpointIsAskedWhenOneIsAwayOrHasNoLeader) {
  ScriptedEtcd other;
  other.Put("/p/a", "there");
  const std::string away = [] { return ScriptedEtcd().address(); }();
  const auto client = Client({away, etcd_.address(), other.address()});
  etcd_.Fail(absl::UnavailableError("etcdserver: no leader"));
  const auto got = client->Get("/p/a");
  ASSERT_THAT(got, IsOk());
  EXPECT_TRUE(got->has_value());
  const size_t calls = etcd_.leaders_asked().size();
  ASSERT_THAT(client->Get("/p/a"), IsOk());
  EXPECT_EQ(etcd_.leaders_asked().size(), calls);
}

TEST_F(EtcdClientTest, AMemberThatDoesNotAnswerIsLeftInTime) {
  ScriptedEtcd other;
  etcd_.Hang();
  const auto client = Client({etcd_.address(), other.address()}, [](auto* o) {
    o->call_timeout = absl::Milliseconds(200);
  });
  EXPECT_THAT(client->Get("/p/a"), IsOk());
  EXPECT_THAT(client->Watch("/p/", 1), IsOk());
}

TEST_F(EtcdClientTest, AnEndpointIsLeftForWhatAnotherMayNotSay) {
  for (const absl::Status& error :
       {absl::UnknownError("not a primary lessor"),
        absl::InternalError("RST_STREAM"), absl::UnimplementedError(""),
        absl::DataLossError("etcdserver: corrupt cluster"),
        absl::ResourceExhaustedError("etcdserver: too many requests"),
        absl::FailedPreconditionError(
            "etcdserver: rpc not supported for learner"),
        absl::FailedPreconditionError("etcdserver: not capable")}) {
    ScriptedEtcd etcd;
    ScriptedEtcd other;
    other.Put("/p/a", "there");
    const auto client = Client({etcd.address(), other.address()});
    etcd.Fail(error);
    for (int i = 0; i < 2; ++i) {
      const auto got = client->Get("/p/a");
      ASSERT_THAT(got, IsOk()) << error;
      EXPECT_TRUE(got->has_value()) << error;
    }
    EXPECT_EQ(etcd.leaders_asked().size(), 1u) << error;
  }
}

TEST_F(EtcdClientTest, ErrorsThatOthersWouldRepeatAreToldWithTheEndpoint) {
  ScriptedEtcd other;
  const auto client = Client({etcd_.address(), other.address()});
  etcd_.Fail(absl::FailedPreconditionError("etcdserver: role is not granted"));
  EXPECT_THAT(client->GrantLease(absl::Seconds(10)),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  etcd_.Fail(absl::ResourceExhaustedError(
      "etcdserver: mvcc: database space exceeded"));
  EXPECT_THAT(client->GrantLease(absl::Seconds(10)),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("database space exceeded"),
                             HasSubstr(etcd_.address()))));
  EXPECT_THAT(other.leaders_asked(), IsEmpty());
}

TEST_F(EtcdClientTest, AUserAuthenticatesOnceAndAnewWhenTheTokenIsForgotten) {
  etcd_.Allow("broker", "secret");
  const auto client = Client({etcd_.address()}, As("broker", File("secret\n")));
  ASSERT_THAT(client->Get("/p/a"), IsOk());
  ASSERT_THAT(client->Get("/p/a"), IsOk());
  EXPECT_EQ(etcd_.tokens(), 1);
  etcd_.ForgetTokens();
  ASSERT_THAT(client->KeepLeaseAlive(*client->GrantLease(absl::Seconds(10))),
              IsOk());
  ASSERT_THAT(client->Watch("/p/", 1), IsOk());
  EXPECT_EQ(etcd_.tokens(), 2);
}

TEST_F(EtcdClientTest, AWatchAndARenewalThatFindTheTokenForgottenGetANewOne) {
  etcd_.Allow("broker", "secret");
  etcd_.RenewForUsersOnly();
  const auto client = Client({etcd_.address()}, As("broker", File("secret")));
  const auto lease = client->GrantLease(absl::Seconds(10));
  ASSERT_THAT(lease, IsOk());
  etcd_.ForgetTokens();
  EXPECT_THAT(client->KeepLeaseAlive(*lease), IsOk());
  EXPECT_EQ(etcd_.tokens(), 2);
  etcd_.ForgetTokens();
  EXPECT_THAT(client->Watch("/p/", 1), IsOk());
  EXPECT_EQ(etcd_.tokens(), 3);
}

TEST_F(EtcdClientTest, AWrongPasswordIsToldAndAnotherOneInTheFileIsTaken) {
  etcd_.Allow("broker", "secret");
  const std::string file = File("wrong");
  const auto client = Client({etcd_.address()}, As("broker", file));
  EXPECT_THAT(client->Get("/p/a"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("invalid user ID or password")));
  File("secret");
  EXPECT_THAT(client->Get("/p/a"), IsOk());
}

TEST_F(EtcdClientTest, APasswordThatOthersMayReadIsNotTaken) {
  etcd_.Allow("broker", "secret");
  const auto client =
      Client({etcd_.address()}, As("broker", File("secret", 0644)));
  EXPECT_THAT(client->Get("/p/a").status().message(),
              HasSubstr("etcd_password_file"));
  EXPECT_EQ(etcd_.tokens(), 0);
}

TEST_F(EtcdClientTest, ALeaseIsKeptThoughThePasswordIsRefusedNow) {
  etcd_.Allow("broker", "secret");
  const auto client = Client({etcd_.address()}, As("broker", File("secret")));
  const auto lease = client->GrantLease(absl::Seconds(10));
  ASSERT_THAT(lease, IsOk());
  etcd_.Allow("broker", "another");
  etcd_.ForgetTokens();
  EXPECT_THAT(client->Get("/p/a"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(client->KeepLeaseAlive(*lease), IsOk());
}

TEST_F(EtcdClientTest, AuthenticationThatIsTurnedOnLaterIsMet) {
  const auto client = Client({etcd_.address()}, As("broker", File("secret")));
  ASSERT_THAT(client->Get("/p/a"), IsOk());
  etcd_.Allow("broker", "secret");
  EXPECT_THAT(client->Get("/p/a"), IsOk());
  EXPECT_EQ(etcd_.tokens(), 1);
}

TEST_F(EtcdClientTest, AFileOfThePasswordThatIsGoneIsNoLostLease) {
  etcd_.Allow("broker", "secret");
  const auto client =
      Client({etcd_.address()}, As("broker", "/nowhere/password"));
  EXPECT_THAT(client->RevokeLease(1),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("/nowhere/password")));
}

TEST_F(EtcdClientTest, AUserIsNoErrorWhereAuthenticationIsOff) {
  const auto client = Client({etcd_.address()}, As("broker", File("secret")));
  EXPECT_THAT(client->Get("/p/a"), IsOk());
}

TEST_F(EtcdClientTest, CancelEndsWhatBlocksAndWhatComesLater) {
  const auto client = Client({etcd_.address()});
  const auto watch = client->Watch("/p/", 1);
  ASSERT_THAT(watch, IsOk());
  std::thread canceller([&client] { client->Cancel(); });
  EXPECT_FALSE((*watch)->Next(absl::InfiniteDuration()).ok());
  canceller.join();
  EXPECT_THAT(client->Get("/p/a"), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(client->Watch("/p/", 1).ok());
}

TEST_F(EtcdClientTest, AServerThatEndsAWatchIsAnError) {
  const auto client = Client({etcd_.address()});
  const auto watch = client->Watch("/p/", 1);
  ASSERT_THAT(watch, IsOk());
  etcd_.EndWatches(absl::UnavailableError("etcdserver: no leader"));
  EXPECT_THAT((*watch)->Next(kLong),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no leader")));
}

}  // namespace
}  // namespace rmq
