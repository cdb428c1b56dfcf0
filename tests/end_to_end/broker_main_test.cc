// The broker's binary: its flags, its signals, its exit codes. What clients see
// of a broker that goes down is tested in tests/end_to_end.

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/server/test_broker.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/status_matchers.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;
using ::testing::SizeIs;
using ::testing::StartsWith;

ProcessOutcome RunBroker(const std::vector<std::string>& flags) {
  ChildProcess::Options options;
  options.command = {RunfilePath("broker/broker")};
  options.command.insert(options.command.end(), flags.begin(), flags.end());
  absl::StatusOr<ProcessOutcome> outcome = RunToEnd(std::move(options));
  EXPECT_THAT(outcome, IsOk());
  return outcome.ok() ? *std::move(outcome) : ProcessOutcome{};
}

TEST(BrokerMainTest, VersionIsOneLine) {
  const ProcessOutcome outcome = RunBroker({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out,
            absl::StrCat("rocketmq-client-manager broker ", kVersion, "\n"));
}

TEST(BrokerMainTest, HelpShowsTheFlagsWithTheirUnitsAndDefaults) {
  const ProcessOutcome outcome = RunBroker({"--help"});
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("--address (host:port to listen on"),
                    HasSubstr("default: \"127.0.0.1:10911\""),
                    HasSubstr("--channel_expiry"), HasSubstr("like 120s"),
                    HasSubstr("default: 2m"), HasSubstr("brokerId")));
  for (const char* signal :
       {"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"}) {
    EXPECT_THAT(outcome.out, HasSubstr(signal));
  }
  EXPECT_THAT(outcome.out, Not(HasSubstr("--v (")));
}

TEST(BrokerMainTest, WhatIsNoFlagIsRefused) {
  const ProcessOutcome outcome = RunBroker({"start"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "broker: takes flags only, got \"start\" (see --help)\n");
}

TEST(BrokerMainTest, AFlagThatDoesNotParseIsRefusedByName) {
  for (const char* flag :
       {"--channel_expiry=90", "--threads=many", "--max_channels=-1",
        "--allow_insecure_remote=perhaps", "--no_such_flag=1"}) {
    const ProcessOutcome outcome = RunBroker({flag});
    EXPECT_EQ(outcome.exit_code, 1) << flag;
    const std::string name(flag + 2, std::string(flag).find('=') - 2);
    EXPECT_THAT(outcome.err, HasSubstr(name)) << flag;
  }
}

TEST(BrokerMainTest, ADurationWithoutAUnitIsToldWithWhatToWrite) {
  const ProcessOutcome outcome = RunBroker({"--channel_expiry=5"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "broker: --channel_expiry=5 needs a unit: 5s\n");
}

struct BadFlag {
  std::string flag;
  std::string message;
};

TEST(BrokerMainTest, AValueThatMakesNoSenseIsOneLineThatNamesItsFlag) {
  for (const BadFlag& bad : std::vector<BadFlag>{
           {"--address=nowhere", "address must be host:port"},
           {"--address=0.0.0.0:0", "address must be a loopback address"},
           {"--metrics_address=nowhere", "metrics_address must be host:port"},
           {"--metrics_address=0.0.0.0:0",
            "metrics_address must be a loopback address"},
           {"--cluster=", "cluster must not be empty"},
           {"--broker_name=a b", "broker_name must be letters"},
           {"--channel_expiry=0", "channel_expiry must be positive, got 0"},
           {"--channel_expiry=-1s", "channel_expiry must be positive, got -1s"},
           {"--channel_expiry=inf", "channel_expiry must be at most"},
           {"--housekeeping_period=0", "housekeeping_period must be positive"},
           {"--notify_window=-1ms", "notify_window must be 0 to 10m"},
           {"--slow_reader_limit=0", "slow_reader_limit must be positive"},
           {"--drain_timeout=-1s", "drain_timeout must not be negative"},
           {"--threads=0", "threads must be 1 to 64, got 0"},
           {"--min_channel_expiry=0",
            "min_channel_expiry must be at least 1s, got 0"},
           {"--max_channel_expiry=1s", "max_channel_expiry must be"},
           {"--duplicate_client_id_policy=newest",
            "duplicate_client_id_policy must be report, newest_wins or "
            "oldest_wins, got \"newest\""},
           {"--max_channels=0", "max_channels must be at least 1, got 0"},
           {"--max_frame_bytes=1", "max_frame_bytes must be 1 KiB to 64 MiB"},
           {"--max_frame_rate=-1", "max_frame_rate must not be negative"},
           {"--max_client_id_bytes=0", "max_client_id_bytes must be at least"},
           {"--max_group_bytes=0", "max_group_bytes must be at least 1"},
           {"--max_topic_bytes=0", "max_topic_bytes must be at least 1"},
           {"--max_retry_topic_bytes=0", "max_retry_topic_bytes must be at"},
           {"--max_groups_per_client=0", "max_groups_per_client must be at"},
           {"--max_subscriptions_per_group=0",
            "max_subscriptions_per_group must be at least 1"},
           {"--max_auto_created_groups=0",
            "max_auto_created_groups must be at least 1"},
           {"--config=/no/such/file", "/no/such/file"},
           {"--config=/", "cannot read config file /: Is a directory"},
           {"--config=/proc/self/mem", "Input/output error"}}) {
    const ProcessOutcome outcome = RunBroker({bad.flag});
    EXPECT_EQ(outcome.exit_code, 1) << bad.flag;
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("broker: "), HasSubstr(bad.message)))
        << bad.flag;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1)
        << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

std::string WriteConfig(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/broker.textproto";
  std::ofstream(path) << text;
  return path;
}

TEST(BrokerMainTest, ACheckOfTheConfigurationTellsWhatHoldsAndStartsNothing) {
  const std::string path = WriteConfig(
      "enable_property_filter: false\nreject_pull_consumer_enable: true\n"
      "topics { topic: 't' }");
  const ProcessOutcome outcome =
      RunBroker({"--check_config", "--config=" + path,
                 "--enable_property_filter=true", "--channel_expiry=90s"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(
      outcome.out,
      AllOf(StartsWith("OK "), HasSubstr(" channel_expiry=1m30s "),
            HasSubstr(" config=" + path + " "),
            HasSubstr(" enable_property_filter=true "),
            HasSubstr(" reject_pull_consumer_enable=true "),
            HasSubstr(" max_auto_created_groups=100000 "),
            HasSubstr(" subscription_groups=0"), HasSubstr(" topics=1\n")));
}

TEST(BrokerMainTest, AFlagWinsOverTheFileAndTheFileOverTheDefault) {
  const std::string path = WriteConfig(
      "server { threads: 3 allow_insecure_remote: true }\n"
      "registry { channel_expiry: '90s' max_channels: 7 }\n"
      "topics { topic: 't' }");
  // A flag that says what the default says is given all the same.
  const ProcessOutcome outcome =
      RunBroker({"--print_config", "--config=" + path, "--channel_expiry=2m",
                 "--noallow_insecure_remote", "--nap=1ms"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(
      outcome.out,
      AllOf(HasSubstr("\nserver {\n"), HasSubstr("threads: 3  # file\n"),
            HasSubstr("allow_insecure_remote: false  # flag\n"),
            HasSubstr("nap: \"1ms\"  # flag\n"),
            HasSubstr("channel_expiry: \"2m\"  # flag\n"),
            HasSubstr("max_channels: 7  # file\n"),
            HasSubstr("drain_timeout: \"5s\"  # default\n"),
            HasSubstr("topics {\n  topic: \"t\"\n")));
}

TEST(BrokerMainTest, ASettleOfNothingIsNotGiven) {
  const ProcessOutcome outcome = RunBroker({"--print_config", "--settle="});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("settle: \"30s\"  # default\n"));
}

TEST(BrokerMainTest, AnAddressMayBeGivenSeveralTimes) {
  const ProcessOutcome outcome = RunBroker(
      {"--address=127.0.0.1:1", "--address=127.0.0.2:1", "--print_config"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out,
              HasSubstr("address: \"127.0.0.1:1,127.0.0.2:1\"  # flag\n"));
}

TEST(BrokerMainTest, TheSameAddressTwiceIsRefused) {
  const ProcessOutcome outcome = RunBroker(
      {"--address=127.0.0.1:1", "--address=127.0.0.1:1", "--check_config"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "broker: address must name each address once, got 127.0.0.1:1 "
            "twice\n");
}

TEST(BrokerMainTest, WhatIsPrintedIsAConfigurationThatSaysTheSame) {
  const std::vector<std::string> flags = {"--threads=3", "--settle=1s",
                                          "--cluster=c", "--metrics_address="};
  std::vector<std::string> print = flags;
  print.push_back("--print_config");
  const std::string path = WriteConfig(RunBroker(print).out);
  std::vector<std::string> check = flags;
  check.push_back("--check_config");
  const auto settings = [](std::string line) {
    return line.erase(line.find(" config="),
                      line.find(" drain_timeout=") - line.find(" config="));
  };
  EXPECT_EQ(settings(RunBroker({"--check_config", "--config=" + path}).out),
            settings(RunBroker(check).out));
}

TEST(BrokerMainTest, ASettingOfTheFileThatMakesNoSenseIsToldWithItsPlace) {
  const std::string path =
      WriteConfig("server {\n  threads: 0 nap: 'soon' }\n");
  EXPECT_EQ(RunBroker({"--check_config", "--config=" + path}).err,
            absl::StrCat("broker: ", path,
                         ":2:14: nap must be a time such as 30s, got \"soon\"\n"
                         "broker: ",
                         path, ":2:3: threads must be 1 to 64, got 0\n"));
  EXPECT_EQ(RunBroker({"--check_config", "--config=" + path, "--nap=1ms",
                       "--threads=65"})
                .err,
            "broker: threads must be 1 to 64, got 65\n");
}

TEST(BrokerMainTest, ACheckOfTheConfigurationReadsTheFileOfRules) {
  const std::string path = WriteConfig("users { name: 'a' secret: 's' }\n");
  const std::vector<std::string> flags = {"--check_config", "--auth=on",
                                          "--auth_file=" + path};
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(RunBroker(flags).exit_code, 0);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  const ProcessOutcome outcome = RunBroker(flags);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr(path));
}

TEST(BrokerMainTest, ACheckOfTheConfigurationTellsAllErrorsAtOnce) {
  const std::string path = WriteConfig(
      "channel_expiry: 5s\ntopics { topic: 't' }\ntopics { topic: 't' }");
  const ProcessOutcome outcome =
      RunBroker({"--check_config", "--config=" + path, "--threads=0",
                 "--drain_timeout=-1s"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(
      outcome.err,
      absl::StrCat("broker: ", path,
                   ":1:1: channel_expiry is a flag: --channel_expiry; in the "
                   "file it stands in registry { }\n"
                   "broker: ",
                   path,
                   ":3:10: topic \"t\" stands there twice, first in line 2\n"
                   "broker: threads must be 1 to 64, got 0\n"
                   "broker: drain_timeout must not be negative, got -1s\n"));
}

TEST(BrokerMainTest, TheLogTellsTheSettingsBesideTheAddress) {
  const std::string path = WriteConfig("enable_register_producer: false");
  const auto broker = BrokerProcess::Start(
      "127.0.0.1:0", {"--config=" + path, "--max_channels=1000000000"});
  ASSERT_THAT(broker, IsOk());
  EXPECT_TRUE(Becomes(
      [&] { return (*broker)->process().err(); },
      AllOf(
          ContainsRegex("\\] listening address=.*\n.*\\] settings .* config=" +
                        path + " .* enable_register_producer=false "),
          HasSubstr("open files may run out before there are "
                    "--max_channels"),
          HasSubstr(" max_channels=1000000000\n"))));
}

TEST(BrokerMainTest, EnoughOpenFilesAreNoWarning) {
  const auto broker = BrokerProcess::Start("127.0.0.1:0", {"--max_channels=1"});
  ASSERT_THAT(broker, IsOk());
  (*broker)->process().Signal(SIGTERM);
  EXPECT_THAT((*broker)->process().WaitForExit(kPatience), Optional(0));
  EXPECT_THAT((*broker)->process().err(), Not(HasSubstr("open files")));
}

class BrokerSignalTest : public ::testing::TestWithParam<int> {};

TEST_P(BrokerSignalTest, EndsTwoHundredStreamsAndTheBrokerWithZero) {
  constexpr int kStreams = 200;
  const auto broker = BrokerProcess::Start(
      "127.0.0.1:0", {"--channel_expiry=1h", "--drain_timeout=20s"});
  ASSERT_THAT(broker, IsOk());
  const auto connection = grpc::CreateChannel(
      (*broker)->address(), PlaintextChannelCredentials().Get());
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(std::make_unique<TestStream>(connection));
    ASSERT_TRUE(streams.back()->Write(
        FrameOf(ConsumerHeartbeat(absl::StrCat("c", i), "orders"))));
  }
  ASSERT_TRUE(Becomes([&] { return (*broker)->ConsumerIds("orders"); },
                      SizeIs(kStreams)));
  (*broker)->process().Signal(GetParam());
  // Not one waits for the drain's timeout.
  EXPECT_THAT((*broker)->process().WaitForExit(absl::Seconds(15)), Optional(0));
  for (const auto& stream : streams) {
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, BrokerSignalTest,
                         ::testing::Values(SIGTERM, SIGINT, SIGQUIT));

TEST(BrokerMainTest, SignalsThatStopNothingAreLoggedAndChangeNothing) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  ChildProcess& process = (*broker)->process();
  TestStream stream(grpc::CreateChannel((*broker)->address(),
                                        PlaintextChannelCredentials().Get()));
  ASSERT_FALSE(stream.Call(ConsumerHeartbeat("c1", "orders")).has_status());
  for (const auto& [signal, message] :
       {std::make_pair(SIGHUP,
                       "] reloading rules and certificates; the configuration "
                       "stays as it is signal=Hangup\n"),
        std::make_pair(SIGUSR1, "] ignored signal=\"User defined signal 1\"\n"),
        std::make_pair(SIGUSR2,
                       "] ignored signal=\"User defined signal 2\"\n")}) {
    process.Signal(signal);
    EXPECT_TRUE(Becomes([&] { return process.err(); }, HasSubstr(message)));
  }
  EXPECT_FALSE(stream.Call(ConsumerHeartbeat("c1", "orders")).has_status());
  process.Signal(SIGTERM);
  EXPECT_THAT(process.WaitForExit(kPatience), Optional(0));
}

TEST(BrokerMainTest, ASecondSignalStopsAtOnce) {
  const auto broker = BrokerProcess::Start(
      "127.0.0.1:0",
      {"--channel_expiry=1h", "--drain_timeout=1h",
       "--reject_pull_consumer_enable=true", "--max_groups_per_client=2000"});
  ASSERT_THAT(broker, IsOk());
  // A client that does not read holds up the drain.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  TestStream slow(grpc::CreateCustomChannel(
      (*broker)->address(), PlaintextChannelCredentials().Get(), arguments));
  ASSERT_FALSE(slow.Call(ConsumerHeartbeat("slow", "orders")).has_status());
  ASSERT_TRUE(slow.Write(FrameOf(LargeAnswerHeartbeat("slow", "others"))));
  EXPECT_EQ(slow.ReadPush(), "others");
  ASSERT_TRUE(Becomes([&] { return (*broker)->ConsumerIds("others"); },
                      ElementsAre("slow")));

  ChildProcess& process = (*broker)->process();
  process.Signal(SIGTERM);
  ASSERT_TRUE(
      Becomes([&] { return process.err(); }, HasSubstr("] stopping signal=")));
  EXPECT_EQ(process.WaitForExit(absl::Milliseconds(200)), absl::nullopt);
  process.Signal(SIGTERM);
  EXPECT_THAT(process.WaitForExit(kPatience), Optional(1));
  EXPECT_THAT(process.err(), HasSubstr("] stopping at once"));
}

TEST(BrokerMainTest, AGroupThatIsPassedOverIsALineOfTheLogOnceAClient) {
  const auto broker = BrokerProcess::Start(
      "127.0.0.1:0", {"--auto_create_subscription_group=false"});
  ASSERT_THAT(broker, IsOk());
  ChildProcess& process = (*broker)->process();
  TestStream stream(grpc::CreateChannel((*broker)->address(),
                                        PlaintextChannelCredentials().Get()));
  for (int i = 0; i < 3; ++i) {
    stream.Call(ConsumerHeartbeat("c1", "orders"));
  }
  process.Signal(SIGTERM);
  EXPECT_THAT(process.WaitForExit(kPatience), Optional(0));
  const std::string log = process.err();
  EXPECT_THAT(log, HasSubstr("] skipped kind=consumer group=orders "
                             "client_id=c1 reason=NO_SUCH_GROUP message="));
  EXPECT_THAT(log.substr(log.find("] skipped ") + 1),
              Not(HasSubstr("] skipped ")));
}

// A broker whose log does not go to the test.
class RedirectedBroker {
 public:
  // `before` and `redirections` are a shell's.
  explicit RedirectedBroker(const std::string& redirections,
                            const std::string& before = "") {
    ChildProcess::Options options;
    options.command = {
        "/bin/sh",
        "-c",
        absl::StrCat(before, "exec \"$0\" \"$@\" ", redirections),
        RunfilePath("broker/broker"),
        "--address=" + address_,
        "--metrics_address=" + metrics_address_,
        "--drain_timeout=20s"};
    absl::StatusOr<std::unique_ptr<ChildProcess>> process =
        ChildProcess::Start(std::move(options));
    EXPECT_THAT(process, IsOk());
    process_ = *std::move(process);
    connection_ =
        grpc::CreateChannel(address_, PlaintextChannelCredentials().Get());
    EXPECT_TRUE(Becomes([this] { return connection_->GetState(true); },
                        GRPC_CHANNEL_READY));
  }

  ChildProcess& process() { return *process_; }
  const std::shared_ptr<grpc::Channel>& connection() { return connection_; }

  // Each client makes a line of the log that it joined.
  bool AnswersClients(int clients) {
    for (int i = 0; i < clients; ++i) {
      TestStream stream(connection_);
      if (stream.Call(ConsumerHeartbeat(absl::StrCat("c", i), "orders"))
              .has_status()) {
        return false;
      }
    }
    return true;
  }

  std::string Metrics() const {
    httplib::Client client("http://" + metrics_address_);
    const httplib::Result result = client.Get("/metrics");
    return result == nullptr ? "" : result->body;
  }

  // What a standard descriptor is.
  std::string Descriptor(int fd) const {
    std::error_code error;
    return std::filesystem::read_symlink(
               absl::StrCat("/proc/", process_->pid(), "/fd/", fd), error)
        .string();
  }

 private:
  const std::string address_ = UnusedAddress();
  const std::string metrics_address_ = UnusedAddress();
  std::unique_ptr<ChildProcess> process_;
  std::shared_ptr<grpc::Channel> connection_;
};

// Descriptor 3 is a full pipe that nobody reads.
std::string FullPipe() {
  const std::string fifo = absl::StrCat(::testing::TempDir(), "/full_pipe");
  return absl::StrCat("rm -f '", fifo, "'; mkfifo '", fifo, "'; exec 3<>'",
                      fifo, "'; head -c 65536 /dev/zero >&3; ");
}

constexpr int kClients = 50;

TEST(BrokerLogTest, AReaderThatStallsHoldsUpNoClientAndNoStop) {
  RedirectedBroker broker("2>&3", FullPipe());
  EXPECT_TRUE(broker.AnswersClients(kClients));
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) {
    broker.process().Signal(signal);
  }
  EXPECT_TRUE(broker.AnswersClients(kClients));
  TestStream open(broker.connection());
  EXPECT_FALSE(open.Call(ConsumerHeartbeat("open", "orders")).has_status());
  broker.process().Signal(SIGTERM);
  EXPECT_THAT(broker.process().WaitForExit(absl::Seconds(15)), Optional(0));
}

TEST(BrokerLogTest, AReaderThatStallsDoesNotHoldUpTheSecondSignal) {
  RedirectedBroker broker("2>&3", FullPipe());
  ASSERT_TRUE(broker.AnswersClients(kClients));
  broker.process().Signal(SIGSTOP);  // So that both are there at once.
  broker.process().Signal(SIGTERM);
  broker.process().Signal(SIGINT);
  broker.process().Signal(SIGCONT);
  EXPECT_THAT(broker.process().WaitForExit(absl::Seconds(15)), Optional(1));
}

TEST(BrokerLogTest, AReaderThatStallsDoesNotHoldUpARefusalToStart) {
  ChildProcess::Options options;
  options.command = {"/bin/sh", "-c",
                     FullPipe() + "exec \"$0\" --threads=0 2>&3",
                     RunfilePath("broker/broker")};
  const absl::StatusOr<ProcessOutcome> outcome = RunToEnd(std::move(options));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_code, 1);
}

TEST(BrokerLogTest, AReaderThatEndsEndsNobodyElse) {
  const std::string fifo = absl::StrCat(::testing::TempDir(), "/read_once");
  RedirectedBroker broker(absl::StrCat("2>'", fifo, "'"),
                          absl::StrCat("rm -f '", fifo, "'; mkfifo '", fifo,
                                       "'; head -n 1 '", fifo, "' & "));
  EXPECT_TRUE(broker.AnswersClients(kClients));
  EXPECT_TRUE(Becomes([&] { return broker.process().out(); },
                      HasSubstr("] listening address=")));
  EXPECT_TRUE(broker.AnswersClients(kClients));
  broker.process().Signal(SIGTERM);
  EXPECT_THAT(broker.process().WaitForExit(absl::Seconds(15)), Optional(0));
}

TEST(BrokerLogTest, LinesThatAFullDiskRefusesAreCounted) {
  RedirectedBroker broker("2>/dev/full");
  EXPECT_TRUE(broker.AnswersClients(kClients));
  EXPECT_TRUE(Becomes([&] { return broker.Metrics(); },
                      ContainsRegex("\nrocketmq_client_manager_log_lines_"
                                    "dropped_total\\{[^}]*\\} [1-9][0-9]+\n")));
  broker.process().Signal(SIGTERM);
  EXPECT_THAT(broker.process().WaitForExit(absl::Seconds(15)), Optional(0));
}

TEST(BrokerLogTest, ClosedStandardDescriptorsAreOpenedOnNothing) {
  struct Closed {
    std::string redirections;
    std::vector<int> descriptors;
  };
  for (const Closed& closed : std::vector<Closed>{
           {"2>&-", {2}}, {"<&-", {0}}, {"<&- >&- 2>&-", {0, 1, 2}}}) {
    RedirectedBroker broker(closed.redirections);
    EXPECT_TRUE(broker.AnswersClients(kClients)) << closed.redirections;
    for (const int fd : closed.descriptors) {
      EXPECT_EQ(broker.Descriptor(fd), "/dev/null") << closed.redirections;
    }
    broker.process().Signal(SIGTERM);
    EXPECT_THAT(broker.process().WaitForExit(absl::Seconds(15)), Optional(0));
  }
}

TEST(BrokerLogTest, AFailureBeforeTheStartIsToldThoughStdoutIsClosed) {
  ChildProcess::Options options;
  options.command = {"/bin/sh", "-c", "exec \"$0\" --threads=0 <&- >&-",
                     RunfilePath("broker/broker")};
  const absl::StatusOr<ProcessOutcome> outcome = RunToEnd(std::move(options));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_code, 1);
  EXPECT_EQ(outcome->err, "broker: threads must be 1 to 64, got 0\n");
}

}  // namespace
}  // namespace rmq
