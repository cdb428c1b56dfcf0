// A client whose brokers come from a source that a string names.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/testing/client_fixture.h"
#include "client/testing/scripted_broker.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClientResolverTest : public ClientTest {
 protected:
  ClientResolverTest() {
    options_.brokers.clear();
    options_.discovery.file_interval = absl::Milliseconds(100);
    std::remove(path_.c_str());
  }

  // A file of one broker, put in the place of the one that was.
  void PutFile(const std::string& address) {
    const std::string beside = path_ + ".new";
    std::FILE* const file = std::fopen(beside.c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fprintf(file, "{\"brokers\": [{\"address\": \"%s\"}]}",
                 address.c_str());
    ASSERT_EQ(std::fclose(file), 0);
    ASSERT_EQ(std::rename(beside.c_str(), path_.c_str()), 0);
  }

  const std::string path_ = absl::StrCat(::testing::TempDir(), "/brokers");
};

TEST_F(ClientResolverTest, AFixedListIsJoined) {
  options_.resolver = absl::StrCat("static:///", broker_.address());
  MakeOnline();
  EXPECT_EQ(client_->Health()[0].broker.address, broker_.address());
}

TEST_F(ClientResolverTest, ANameIsJoinedAtItsAddresses) {
  const std::string address = broker_.address();
  options_.resolver =
      absl::StrCat("dns:///localhost", address.substr(address.rfind(':')));
  MakeOnline();
}

TEST_F(ClientResolverTest, AFileIsFollowed) {
  ScriptedBroker other;
  PutFile(broker_.address());
  options_.resolver = absl::StrCat("file://", path_);
  MakeOnline();
  PutFile(other.address());
  other.AwaitStreams(1);
  broker_.AwaitFrames(1, ScriptedBroker::Unregistrations);
  broker_.AwaitEndedStreams(1);
}

TEST_F(ClientResolverTest, ASourceThatIsAwayKeepsNoClientFromBeginning) {
  options_.resolver = absl::StrCat("file://", path_);
  Client& client = Make();
  ASSERT_THAT(client.RegisterConsumer(Orders()), IsOk());
  EXPECT_THAT(client.Start(), IsOk());
  EXPECT_THAT(client.Health(), IsEmpty());
  PutFile(broker_.address());
  callbacks_.AwaitChanges(1);
}

TEST_F(ClientResolverTest, AStringThatIsNoResolverIsAnErrorOfCreate) {
  options_.resolver = "127.0.0.1:10911";
  EXPECT_THAT(Client::Create(options_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("resolver must be")));
}

}  // namespace
}  // namespace rmq
