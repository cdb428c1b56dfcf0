// cmctl against two brokers that answer by script, and others that do not.
#include <atomic>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "common/rpc/credentials/credentials_source.h"
#include "gmock/gmock.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "tools/cmctl/ask_brokers.h"
#include "tools/cmctl/fake_broker.h"
#include "tools/cmctl/run_command.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class FakeServer {
 public:
  FakeServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                             &port_);
    builder.RegisterService(&admin_);
    builder.RegisterService(&client_manager_);
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() { server_->Shutdown(); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  FakeAdmin admin_;
  FakeClientManager client_manager_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

class SeveralBrokersTest : public ::testing::Test {
 protected:
  Outcome Run(std::vector<std::string> arguments) const {
    arguments.push_back(
        absl::StrCat("--broker=", one_.address(), ",", two_.address()));
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = RunCommand(arguments, out, err);
    return {exit_code, out.str(), err.str()};
  }

  FakeServer one_;
  FakeServer two_;
};

TEST_F(SeveralBrokersTest, EachRowStandsBehindItsBroker) {
  const Outcome outcome = Run({"groups", "--kind=producer"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out, StartsWith("BROKER"));
  for (const FakeServer* const broker : {&one_, &two_}) {
    EXPECT_THAT(outcome.out, HasSubstr(absl::StrCat(broker->address(),
                                                    "  producer  producers0")));
  }
  EXPECT_EQ(outcome.err, "");
}

TEST_F(SeveralBrokersTest, ABrokerThatIsAwayIsSaidAndTheOthersAreShown) {
  // Port 1 (tcpmux) is nobody's.
  const Outcome outcome = Run({"ids", "orders", "--broker=127.0.0.1:1"});
  EXPECT_EQ(outcome.exit_code, kExitNotWhole);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr(one_.address()), HasSubstr(two_.address()),
                    Not(HasSubstr("127.0.0.1:1 "))));
  EXPECT_EQ(outcome.err,
            "cannot reach 127.0.0.1:1: connection refused; is the broker "
            "running?\n");
}

TEST(ForEachAtOnceTest, AllBeginBeforeTheFirstEnds) {
  auto* const all_have_begun = new absl::Barrier(3);
  std::atomic<int> done{0};
  ForEachAtOnce(3, [&](size_t) {
    if (all_have_begun->Block()) delete all_have_begun;
    ++done;
  });
  EXPECT_EQ(done, 3);
}

TEST_F(SeveralBrokersTest, BrokersThatAreSilentAreEachSaid) {
  const Outcome outcome =
      Run({"connections", "silent", "--kind=producer", "--timeout=50ms"});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_THAT(
      outcome.err,
      AllOf(HasSubstr(absl::StrCat("no answer from ", one_.address())),
            HasSubstr(absl::StrCat("no answer from ", two_.address()))));
}

TEST_F(SeveralBrokersTest, WhatNoBrokerHasExitsWithOne) {
  const Outcome outcome = Run({"connections", "nobody"});
  EXPECT_EQ(outcome.exit_code, kExitError);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            absl::StrCat(one_.address(),
                         ": no consumer group \"nobody\" is registered\n",
                         two_.address(),
                         ": no consumer group \"nobody\" is registered\n"));
}

TEST_F(SeveralBrokersTest, JsonAndYamlHaveAnObjectForEachBroker) {
  Outcome outcome = Run({"topics", "-o", "json"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("{\n\"brokers\": ["),
                    HasSubstr(absl::StrCat("\"broker\": \"", two_.address())),
                    HasSubstr("\"errors\": []")));
  outcome = Run({"topics", "-o", "yaml"});
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith(absl::StrCat("brokers:\n  - broker: \"",
                                            one_.address(), "\"\n")),
                    HasSubstr("    topics:\n      - topic: topic0\n"),
                    HasSubstr("\nerrors: []\n")));
}

TEST_F(SeveralBrokersTest, RowsAreSortedAcrossBrokers) {
  const Outcome outcome = Run({"topics", "--sort=-topic", "-o", "name"});
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_EQ(outcome.out, "topic4\ntopic3\ntopic2\ntopic1\ntopic0\n");
  EXPECT_EQ(Run({"topics", "--sort=size"}).exit_code, kExitUsage);
}

TEST_F(SeveralBrokersTest, SeveralBrokersAreNotDrainedByAccident) {
  const std::string both =
      absl::StrCat("2 (", one_.address(), ", ", two_.address(), ")");
  Outcome outcome = Run({"drain"});
  EXPECT_EQ(outcome.exit_code, kExitUsage);
  EXPECT_EQ(outcome.err,
            absl::StrCat("drain is about one broker, got ", both,
                         ": name one by --broker, or give --one-by-one or "
                         "--all\n"));
  outcome = Run({"drain", "--cancel"});
  EXPECT_EQ(outcome.exit_code, kExitUsage);
  EXPECT_EQ(outcome.err,
            absl::StrCat("drain is about one broker, got ", both,
                         ": name one by --broker, or give --all\n"));
}

TEST_F(SeveralBrokersTest, AWatchFromARevisionIsOfOneBroker) {
  const Outcome outcome = Run({"watch", "--from=7"});
  EXPECT_EQ(outcome.exit_code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "--from is a revision of one broker: name that one by --broker\n");
}

}  // namespace
}  // namespace rmq::cmctl
