#include "tools/cmctl/broker_connection.h"

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/command_line.h"

namespace rmq::cmctl {
namespace {

using ::testing::HasSubstr;

class BrokerConnectionTest : public ::testing::Test {
 protected:
  BrokerConnectionTest() {
    variables_["RMQ_CONFIG"] = config_;
    std::ofstream(config_) << R"(
      use: "prod"
      brokers { name: "prod" address: "prod:1" tls_ca: "/prod/ca"
                tls_server_name: "prod.example" credentials_file: "/prod/c" }
      brokers { name: "test" address: "127.0.0.1:2" })";
  }
  ~BrokerConnectionTest() override { std::remove(config_.c_str()); }

  // The connection of "groups" with these options.
  CommandLine Find(const std::vector<std::string>& options) {
    CommandLine line;
    EXPECT_THAT(Try(options, &line), IsOk());
    return line;
  }
  absl::Status Try(std::vector<std::string> options, CommandLine* line) {
    options.push_back("groups");
    absl::StatusOr<CommandLine> parsed = ParseCommandLine(options);
    if (!parsed.ok()) return parsed.status();
    *line = *std::move(parsed);
    return FindConnection(
        [this](const std::string& name) { return variables_[name]; }, line);
  }
  std::string Error(const std::vector<std::string>& options) {
    CommandLine line;
    const absl::Status status = Try(options, &line);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(status.message());
  }

  // A cluster with the brokers a:0, a:1 and b:0.
  void WriteCluster() {
    std::ofstream(cluster_.substr(cluster_.find("///") + 2)) << R"({"brokers": [
      {"name": "a", "id": 0, "address": "h:1"},
      {"name": "a", "id": 1, "address": "h:2"},
      {"name": "b", "id": 0, "address": "h:3"}]})";
  }

  const std::string cluster_ =
      "--cluster=file://" + testing::TempDir() + "/connection_cluster";
  const std::string config_ = testing::TempDir() + "/connection_brokers";
  std::map<std::string, std::string> variables_;
};

TEST_F(BrokerConnectionTest, WithoutAnyWordTheBrokerIsOnThisMachine) {
  variables_.clear();
  const CommandLine line = Find({});
  EXPECT_EQ(line.broker().address, "127.0.0.1:10911");
  EXPECT_FALSE(line.broker().security.tls.has_value());
  EXPECT_FALSE(line.broker().security.credentials.has_value());
}

TEST_F(BrokerConnectionTest, TheBrokerThatTheFileUsesIsAsked) {
  const CommandLine line = Find({});
  EXPECT_EQ(line.broker().address, "prod:1");
  ASSERT_TRUE(line.broker().security.tls.has_value());
  EXPECT_EQ(line.broker().security.tls->ca_file, "/prod/ca");
  EXPECT_EQ(line.broker().security.tls->server_name, "prod.example");
  ASSERT_TRUE(line.broker().security.credentials.has_value());
  EXPECT_EQ(line.broker().security.credentials->credentials_file, "/prod/c");
}

TEST_F(BrokerConnectionTest, ABrokerIsAskedByItsName) {
  const CommandLine line = Find({"--broker=test"});
  EXPECT_EQ(line.broker().address, "127.0.0.1:2");
  EXPECT_FALSE(line.broker().security.tls.has_value());
  EXPECT_THAT(Error({"--broker=other"}),
              HasSubstr(absl::StrCat("the name of a broker in ", config_,
                                     ", got \"other\"")));
  // A name and an id are for brokers of a cluster.
  EXPECT_THAT(Error({"--broker=localhost:0"}),
              HasSubstr(", got \"localhost:0\""));
}

TEST_F(BrokerConnectionTest, AnAddressHasNothingOfTheFile) {
  EXPECT_EQ(Find({"--broker=h:3"}).broker().address, "h:3");
  EXPECT_FALSE(Find({"--broker=h:3"}).broker().security.tls.has_value());
  EXPECT_EQ(Find({"--broker=unix:/run/b"}).broker().address, "unix:/run/b");
}

TEST_F(BrokerConnectionTest,
       AnOptionCountsBeforeAVariableAndThatBeforeTheFile) {
  EXPECT_EQ(Find({}).broker().security.tls->ca_file, "/prod/ca");
  variables_["RMQ_TLS_CA"] = "/variable/ca";
  EXPECT_EQ(Find({}).broker().security.tls->ca_file, "/variable/ca");
  EXPECT_EQ(Find({"--tls_ca=/option/ca"}).broker().security.tls->ca_file,
            "/option/ca");
  EXPECT_EQ(Find({}).broker().security.tls->server_name, "prod.example");
  variables_["RMQ_BROKER"] = "test";
  EXPECT_EQ(Find({}).broker().address, "127.0.0.1:2");
  EXPECT_EQ(Find({"--broker=h:3"}).broker().address, "h:3");
}

TEST_F(BrokerConnectionTest, AllOptionsAreTaken) {
  const CommandLine line = Find(
      {"--broker=h:3", "--tls_ca=system", "--tls_cert=/cert", "--tls_key=/key",
       "--tls_server_name=name", "--credentials_file=/c"});
  ASSERT_TRUE(line.broker().security.tls.has_value());
  EXPECT_EQ(line.broker().security.tls->ca_file, "");
  EXPECT_EQ(line.broker().security.tls->cert_file, "/cert");
  EXPECT_EQ(line.broker().security.tls->key_file, "/key");
  EXPECT_EQ(line.broker().security.tls->server_name, "name");
  EXPECT_EQ(line.broker().security.credentials->credentials_file, "/c");
}

TEST_F(BrokerConnectionTest, SeveralBrokersAreEachSecuredAsTheFileSays) {
  const CommandLine line = Find({"--broker=prod,h:3", "--broker=test"});
  ASSERT_EQ(line.brokers.size(), 3);
  EXPECT_EQ(line.brokers[0].label, "prod");
  EXPECT_EQ(line.brokers[0].address, "prod:1");
  EXPECT_EQ(line.brokers[0].security.tls->ca_file, "/prod/ca");
  EXPECT_EQ(line.brokers[1].label, "h:3");
  EXPECT_FALSE(line.brokers[1].security.tls.has_value());
  EXPECT_EQ(line.brokers[2].label, "test");
  EXPECT_EQ(line.brokers[2].address, "127.0.0.1:2");
  variables_["RMQ_BROKER"] = "test,prod";
  EXPECT_EQ(Find({}).brokers.size(), 2);
}

TEST_F(BrokerConnectionTest, ABrokerIsNamedOnceAndTheyAreNotTooMany) {
  EXPECT_THAT(Error({"--broker=test,127.0.0.1:2"}),
              HasSubstr("--broker names 127.0.0.1:2 twice"));
  std::string many = "h:1";
  for (size_t i = 2; i <= kMostBrokers; ++i) absl::StrAppend(&many, ",h:", i);
  EXPECT_EQ(Find({"--broker=" + many}).brokers.size(), kMostBrokers);
  EXPECT_THAT(Error({"--broker=h:9999," + many}),
              HasSubstr("--broker must name at most 64 brokers, got 65"));
}

TEST_F(BrokerConnectionTest, AClustersBrokersAreThoseThatItsSourceNames) {
  const CommandLine line =
      Find({"--cluster=static:///h:1,h:2", "--tls_ca=/ca"});
  ASSERT_EQ(line.brokers.size(), 2);
  EXPECT_EQ(line.brokers[0].label, "h:1");
  EXPECT_EQ(line.brokers[1].address, "h:2");
  EXPECT_EQ(line.brokers[1].security.tls->ca_file, "/ca");
  variables_["RMQ_CLUSTER"] = "static:///h:5";
  EXPECT_EQ(Find({}).brokers[0].address, "h:5");
  EXPECT_EQ(Find({"--broker=h:3"}).brokers[0].address, "h:3");
}

TEST_F(BrokerConnectionTest, TheCertificatesOfANamesAddressesAreOfTheName) {
  CommandLine line = Find({"--cluster=dns:///localhost:7", "--tls_ca=/ca"});
  ASSERT_GE(line.brokers.size(), 1);
  EXPECT_EQ(line.brokers[0].security.tls->server_name, "localhost");
  line = Find({"--cluster=dns:///localhost:7", "--tls_server_name=n"});
  EXPECT_EQ(line.brokers[0].security.tls->server_name, "n");
  line = Find({"--cluster=static:///h:7", "--tls_ca=/ca"});
  EXPECT_EQ(line.brokers[0].security.tls->server_name, "");
}

TEST_F(BrokerConnectionTest, HowEtcdIsAskedIsChecked) {
  EXPECT_THAT(Error({"--cluster=etcd:///c"}),
              HasSubstr("--cluster: etcd must have 1 to 16 endpoints"));
  EXPECT_THAT(Error({"--cluster=etcd:///c", "--etcd=h"}), HasSubstr("\"h\""));
  EXPECT_THAT(Error({"--cluster=etcd:///c", "--etcd=h:1", "--etcd_user=me"}),
              HasSubstr("password"));
  // Nobody is there.
  CommandLine line;
  variables_["RMQ_ETCD"] = "127.0.0.1:1";
  const absl::Status status =
      Try({"--cluster=etcd:///c", "--timeout=50ms"}, &line);
  EXPECT_THAT(status.message(),
              HasSubstr("the brokers of etcd:///c are not known"));
}

TEST_F(BrokerConnectionTest, BesideAClusterABrokerIsOneOfItsOwn) {
  WriteCluster();
  CommandLine line = Find({cluster_, "--broker=b"});
  ASSERT_EQ(line.brokers.size(), 1);
  EXPECT_EQ(line.brokers[0].label, "b:0");
  EXPECT_EQ(line.brokers[0].address, "h:3");
  EXPECT_EQ(line.cluster, nullptr);
  line = Find({cluster_, "--broker=a:1,h:3"});
  ASSERT_EQ(line.brokers.size(), 2);
  EXPECT_EQ(line.brokers[0].address, "h:2");
  EXPECT_EQ(line.brokers[1].label, "b:0");
  EXPECT_EQ(Find({cluster_, "--broker=a"}).brokers.size(), 2);
  EXPECT_THAT(Error({cluster_, "--broker=b,b:0"}),
              HasSubstr("--broker names b:0 twice"));
  EXPECT_THAT(Error({"--cluster=h:1"}), HasSubstr("--cluster: "));
}

TEST_F(BrokerConnectionTest, ABrokerThatTheClusterDoesNotListIsNotFound) {
  WriteCluster();
  CommandLine line;
  EXPECT_THAT(Try({cluster_, "--broker=c"}, &line),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("lists no broker \"c\" at present, but a:0, "
                                 "a:1, b:0;")));
}

TEST_F(BrokerConnectionTest,
       ABrokerThatIsKnownNeedsNoClusterThatTheEnvironmentNames) {
  WriteCluster();
  variables_["RMQ_CLUSTER"] = cluster_.substr(cluster_.find('=') + 1);
  EXPECT_EQ(Find({"--broker=test"}).broker().address, "127.0.0.1:2");
  EXPECT_EQ(Find({"--broker=h:9"}).broker().address, "h:9");
  EXPECT_EQ(Find({"--broker=b"}).broker().address, "h:3");
  EXPECT_EQ(Find({"--broker=a:0"}).broker().address, "h:1");
}

TEST_F(BrokerConnectionTest, AClusterGoesOnToListItsBrokers) {
  WriteCluster();
  EXPECT_NE(Find({cluster_}).cluster, nullptr);
  EXPECT_EQ(Find({"--broker=h:1,h:2"}).cluster, nullptr);
  // Who comes later must not get credentials in plain text.
  variables_["RMQ_CREDENTIALS_FILE"] = "/c";
  EXPECT_EQ(Find({"--cluster=static:///127.0.0.1:1"}).cluster, nullptr);
  EXPECT_NE(Find({cluster_, "--tls_ca=/ca"}).cluster, nullptr);
  EXPECT_NE(Find({cluster_, "--allow_insecure_credentials=true"}).cluster,
            nullptr);
}

TEST_F(BrokerConnectionTest, AClusterThatCannotBeReadIsNoBadUsage) {
  CommandLine line;
  const absl::Status status =
      Try({"--cluster=file:///no/such/file", "--timeout=50ms"}, &line);
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(),
              HasSubstr("the brokers of file:///no/such/file are not known"));
}

TEST_F(BrokerConnectionTest, ACertificateAndItsKeyAreGivenTogether) {
  EXPECT_THAT(Error({"--tls_cert=/cert"}),
              HasSubstr("--tls_cert and --tls_key must be given together"));
}

TEST_F(BrokerConnectionTest, CredentialsDoNotLeaveTheMachineInPlainText) {
  EXPECT_THAT(Error({"--broker=h:3", "--credentials_file=/c"}),
              HasSubstr("give --tls_ca, or "
                        "--allow_insecure_credentials=true"));
  Find({"--broker=127.0.0.1:3", "--credentials_file=/c"});
  Find({"--broker=h:3", "--credentials_file=/c",
        "--allow_insecure_credentials=true"});
}

TEST_F(BrokerConnectionTest, AFileOfBrokersThatIsAskedForMustBeGood) {
  EXPECT_THAT(Error({"--config=/no/such"}), HasSubstr("/no/such"));
  std::ofstream(config_) << "brokers {";
  EXPECT_THAT(Error({}), HasSubstr(absl::StrCat(config_, ":1:")));
}

TEST_F(BrokerConnectionTest, AWrongFileOfBrokersStopsNobodyWhoNeedsItNot) {
  std::ofstream(config_) << "brokers {";
  EXPECT_EQ(Find({"--broker=h:3"}).broker().address, "h:3");
  EXPECT_EQ(Find({"--broker=h:3,unix:/run/b"}).brokers.size(), 2);
  EXPECT_EQ(Find({"--cluster=static:///h:1"}).broker().address, "h:1");
  WriteCluster();
  EXPECT_EQ(Find({cluster_, "--broker=b"}).broker().address, "h:3");
  variables_["RMQ_BROKER"] = "h:4";
  EXPECT_EQ(Find({}).broker().address, "h:4");
  // A name may be one of the file's.
  const std::string wrong = absl::StrCat(config_, ":1:");
  EXPECT_THAT(Error({"--broker=prod"}), HasSubstr(wrong));
  EXPECT_THAT(Error({"--broker=h:3,prod"}), HasSubstr(wrong));
  variables_["RMQ_CLUSTER"] = "static:///h:5";
  EXPECT_THAT(Error({"--broker=prod"}), HasSubstr(wrong));
  EXPECT_EQ(Find({"--broker=h:3"}).broker().address, "h:3");
  EXPECT_EQ(Find({}).broker().address, "h:5");
}

TEST_F(BrokerConnectionTest, TheFileStandsInTheUsersConfiguration) {
  variables_.clear();
  EXPECT_EQ(
      ConfigFile({},
                 [this](const std::string& name) { return variables_[name]; }),
      "");
  variables_["HOME"] = "/home/me";
  const Environment environment = [this](const std::string& name) {
    return variables_[name];
  };
  EXPECT_EQ(ConfigFile({}, environment), "/home/me/.config/rocketmq/brokers");
  variables_["XDG_CONFIG_HOME"] = "/xdg";
  EXPECT_EQ(ConfigFile({}, environment), "/xdg/rocketmq/brokers");
  EXPECT_EQ(Find({}).broker().address, "127.0.0.1:10911");  // It is not there.
}

TEST_F(BrokerConnectionTest, PathsAreWhereTheUserStands) {
  variables_["BUILD_WORKING_DIRECTORY"] = "/here";
  const CommandLine line =
      Find({"--broker=h:3", "--tls_ca=ca", "--credentials_file=/c"});
  EXPECT_EQ(line.broker().security.tls->ca_file, "/here/ca");
  EXPECT_EQ(line.broker().security.credentials->credentials_file, "/c");
}

}  // namespace
}  // namespace rmq::cmctl
