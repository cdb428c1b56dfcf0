// The Python client of the README, run as it stands against the real broker.
#include <signal.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kExpiry = absl::Seconds(3);

class PythonClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Runs({"python3", "-c",
               "from grpc import insecure_channel; import google.protobuf"})) {
      GTEST_SKIP() << "Python's grpcio or protobuf is not installed "
                      "(tools/setup --all)";
    }
    stubs_ = absl::StrCat(::testing::TempDir(), "/python_stubs");
    (void)mkdir(stubs_.c_str(), 0700);
    // Python's own protoc where it is there, for it fits its protobuf.
    std::vector<std::string> protoc = {"python3", "-m", "grpc_tools.protoc"};
    std::string plugin;
    if (!Runs({"python3", "-c", "import grpc_tools.protoc"})) {
      plugin = FindProgram("grpc_python_plugin");
      if (plugin.empty() || FindProgram("protoc").empty()) {
        GTEST_SKIP() << "neither Python's grpcio-tools nor protoc with "
                        "grpc_python_plugin is installed (tools/setup)";
      }
      protoc = {"protoc",
                absl::StrCat("--plugin=protoc-gen-grpc_python=", plugin)};
    }
    for (const std::string& argument :
         {absl::StrCat("-I", RunfilePath("proto")),
          absl::StrCat("--python_out=", stubs_),
          absl::StrCat("--grpc_python_out=", stubs_),
          std::string("rocketmq/clientmanager/v1/client_manager.proto")}) {
      protoc.push_back(argument);
    }
    const auto generated = RunToEnd({protoc});
    ASSERT_THAT(generated, IsOk());
    ASSERT_EQ(generated->exit_code, 0) << generated->err;

    auto broker = BrokerProcess::Start(
        "127.0.0.1:0",
        {absl::StrCat("--channel_expiry=", absl::FormatDuration(kExpiry))});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    auto client = ChildProcess::Start(
        {{"python3", RunfilePath("tests/end_to_end/connect_client.py"),
          broker_->address(), "orders"},
         {absl::StrCat("PYTHONPATH=", stubs_)}});
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    client_id_ = absl::StrCat("python@", client_->pid());
    ASSERT_TRUE(
        Becomes([this] { return LastMembers(); }, ElementsAre(client_id_)))
        << client_->err();
  }

  static bool Runs(const std::vector<std::string>& command) {
    const absl::StatusOr<ProcessOutcome> outcome = RunToEnd({command});
    return outcome.ok() && outcome->exit_code == 0;
  }

  // Those of the last whole line "members: a b" that the client printed.
  std::vector<std::string> LastMembers() const {
    const std::vector<std::string> lines = absl::StrSplit(client_->out(), '\n');
    if (lines.size() < 2) return {};
    return absl::StrSplit(
        absl::StripPrefix(lines[lines.size() - 2], "members: "), ' ');
  }

  const std::string& stubs() const { return stubs_; }
  BrokerProcess& broker() { return *broker_; }
  ChildProcess& client() { return *client_; }
  const std::string& client_id() const { return client_id_; }

 private:
  std::string stubs_;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<ChildProcess> client_;
  std::string client_id_;
};

TEST_F(PythonClientTest, IsToldWhenAnotherClientJoinsAndIsGoneWhenItEnds) {
  ASSERT_TRUE(
      SendHeartbeat(broker().address(), ConsumerHeartbeat("another", "orders"))
          .ok());
  EXPECT_TRUE(Becomes([this] { return LastMembers(); },
                      UnorderedElementsAre(client_id(), "another")));

  client().Signal(SIGKILL);
  EXPECT_TRUE(Becomes([this] { return broker().ReasonsOfLeaving(client_id()); },
                      ElementsAre("DISCONNECTED")));
}

TEST_F(PythonClientTest, ItsHeartbeatsKeepItRegisteredBeyondTheExpiry) {
  // How long it has been heard of.
  const auto heard = [this] {
    const auto connections = broker().ConsumerConnections("orders");
    if (!connections.ok() || connections->connections_size() != 1) {
      return absl::ZeroDuration();
    }
    const pb::Connection& connection = connections->connections(0);
    return absl::Seconds(connection.last_heard_at().seconds() -
                         connection.connected_at().seconds());
  };
  EXPECT_TRUE(Becomes(heard, ::testing::Gt(kExpiry + absl::Seconds(1))))
      << client().err();
  EXPECT_THAT(broker().ReasonsOfLeaving(client_id()), IsEmpty());
}

TEST_F(PythonClientTest, AClientThatAcknowledgesIsToldWhoCameAndWhoWent) {
  const auto holder = ChildProcess::Start(
      {{"python3", RunfilePath("tests/end_to_end/membership_client.py"),
        broker().address(), "held"},
       {absl::StrCat("PYTHONPATH=", stubs())}});
  ASSERT_THAT(holder, IsOk());
  const std::string id = absl::StrCat("python@", (*holder)->pid());
  const auto last_line = [&holder] {
    const std::vector<std::string> lines =
        absl::StrSplit((*holder)->out(), '\n');
    return lines.size() < 2 ? "" : lines[lines.size() - 2];
  };
  EXPECT_TRUE(Becomes(last_line,
                      AllOf(HasSubstr(" complete members: "), HasSubstr(id))))
      << (*holder)->err();
  ASSERT_TRUE(
      SendHeartbeat(broker().address(), ConsumerHeartbeat("another", "held"))
          .ok());
  EXPECT_TRUE(Becomes(
      last_line, HasSubstr(absl::StrCat(" +another members: another ", id))));
  // Unary clients expire.
  EXPECT_TRUE(Becomes(
      last_line, HasSubstr(absl::StrCat(" -another EXPIRED members: ", id))));
}

TEST_F(PythonClientTest, AClientWhoseIdIsThereAlreadyReadsTheListItself) {
  RawStream other(broker().address());
  ASSERT_TRUE(other.Send(ConsumerHeartbeat("same-id", "held")));
  pb::BrokerFrame reply;
  ASSERT_TRUE(other.Receive(&reply));
  const auto holder = ChildProcess::Start(
      {{"python3", RunfilePath("tests/end_to_end/membership_client.py"),
        broker().address(), "held", "same-id"},
       {absl::StrCat("PYTHONPATH=", stubs())}});
  ASSERT_THAT(holder, IsOk());
  EXPECT_TRUE(Becomes([&holder] { return (*holder)->out(); },
                      HasSubstr(" listed members: same-id\n")))
      << (*holder)->err();
}

TEST_F(PythonClientTest, AKickedClientIsToldWhy) {
  pb::KickClientsRequest request;
  request.set_language(pb::LANGUAGE_CODE_PYTHON);
  request.set_reason("bad release");
  const auto kicked = AdminClient(broker().address(), absl::Seconds(10))
                          .Ask<pb::KickClientsResponse>(request);
  ASSERT_THAT(kicked, IsOk());
  EXPECT_EQ(kicked->kicked(), 1);
  EXPECT_TRUE(Becomes([this] { return broker().ReasonsOfLeaving(client_id()); },
                      ElementsAre("KICKED")));
  EXPECT_TRUE(Becomes([this] { return client().err(); },
                      HasSubstr("KICKED: taken out by an operator: bad "
                                "release")));
}

TEST_F(PythonClientTest, CompressedHeartbeatsAreHeartbeats) {
  const auto outcome = RunToEnd(
      {{"python3", RunfilePath("tests/end_to_end/compressed_client.py"),
        broker().address()},
       {absl::StrCat("PYTHONPATH=", stubs())}});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_code, 0) << outcome->err;
  EXPECT_EQ(outcome->out,
            "unary and stream: gzip\nunary and stream: deflate\n");
}

}  // namespace
}  // namespace rmq
