#include "broker/logging/client_event_logger.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/kv.h"
#include "common/simulated_clock.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// What glog is told, without its prefix.
class LogLines final : public google::LogSink {
 public:
  LogLines() { google::AddLogSink(this); }
  ~LogLines() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity /*severity*/, const char* /*full_filename*/,
            const char* /*base_filename*/, int /*line*/,
            const google::LogMessageTime& /*time*/, const char* message,
            size_t length) override {
    lines_.emplace_back(message, length);
  }
  using google::LogSink::send;

  // The lines since the last call.
  std::vector<std::string> Take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

class ClientEventLoggerTest : public ::testing::Test {
 protected:
  FakeClientChannelPtr OpenStream(absl::string_view address = "127.0.0.1:50001",
                                  absl::string_view principal = "") {
    auto channel = std::make_shared<FakeClientChannel>(
        ClientChannel::Kind::kStream, address);
    EXPECT_TRUE(table_->Open(channel, clock_.TimeNow(), principal).ok());
    return channel;
  }
  // The i-th of many addresses.
  static std::string Address(int i) {
    return absl::StrCat("10.", i >> 16, ".", (i >> 8) & 255, ".", i & 255,
                        ":1");
  }
  void Register(ClientChannel& channel, const TestStatement& stated) {
    const BuiltStatement statement(stated);
    table_->Register(channel, statement.Admitted(), clock_.TimeNow());
  }
  // That many clients join, each from an address, and with a line, of its own.
  void Join(int clients) {
    for (int i = 0; i < clients; ++i) {
      Register(*OpenStream(Address(i)),
               TestStatement(absl::StrCat("c", i)).Consumer("orders"));
    }
  }
  // That many clients of one user join from as many addresses.
  void JoinAs(absl::string_view user, int clients) {
    for (int i = 0; i < clients; ++i) {
      Register(*OpenStream(Address(i), user),
               TestStatement(absl::StrCat(user, i)).As(user).Consumer("g"));
    }
  }

  LogLines log_;
  SimulatedClock clock_;
  std::unique_ptr<ClientEventLogger> logger_ =
      std::make_unique<ClientEventLogger>(&clock_);
  std::unique_ptr<ClientTable> table_ = std::make_unique<ClientTable>(
      ClientTable::Options(), std::vector<ClientEventListener*>{logger_.get()});
};

TEST_F(ClientEventLoggerTest, AJoinAndALeaveAreOneLineEach) {
  const auto channel = OpenStream();
  const std::string where = absl::StrCat(
      Kv("channel", channel->id()), Kv("remote", channel->remote_address()));
  Register(*channel, TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(
      log_.Take(),
      ElementsAre("joined kind=consumer group=orders client_id=c1" + where));
  table_->Close(*channel, RemovalReason::kDisconnected, clock_.TimeNow());
  EXPECT_THAT(log_.Take(),
              ElementsAre("left kind=consumer group=orders client_id=c1" +
                          where + " reason=DISCONNECTED"));
}

TEST_F(ClientEventLoggerTest, LabelsEndALineIfThereAreAny) {
  const auto channel = OpenStream();
  Register(*channel, TestStatement("c1")
                         .Consumer("orders")
                         .Label("host", "h 1")
                         .Label("zone", "a"));
  EXPECT_THAT(log_.Take(),
              ElementsAre(EndsWith(" labels=\"host=h 1,zone=a\"")));
  table_->Close(*channel, RemovalReason::kExpired, clock_.TimeNow());
  EXPECT_THAT(
      log_.Take(),
      ElementsAre(EndsWith(" reason=EXPIRED labels=\"host=h 1,zone=a\"")));
}

TEST_F(ClientEventLoggerTest, OfLongLabelsALineHasTheBeginning) {
  const auto most = ClientEventLogger::kMaxLabelBytes;
  Register(*OpenStream(), TestStatement("c1").Consumer("orders").Label(
                              "k", std::string(most - 2, 'v')));
  EXPECT_THAT(log_.Take(), ElementsAre(EndsWith("vvv")));
  Register(*OpenStream(), TestStatement("c1").Consumer("orders").Label(
                              "k", std::string(most - 1, 'v')));
  EXPECT_THAT(log_.Take(), ElementsAre(EndsWith("vvv...")));
}

TEST_F(ClientEventLoggerTest, AllGroupsOfAHeartbeatAreOneLine) {
  const auto channel = OpenStream();
  TestStatement stated("c1");
  for (int i = 0; i < 256; ++i) stated.Consumer(absl::StrCat("g", i));
  Register(*channel, stated);
  EXPECT_THAT(log_.Take(),
              ElementsAre(StartsWith("joined kind=consumer groups=256 "
                                     "group=g0,g1,g2,... client_id=c1")));
}

TEST_F(ClientEventLoggerTest, UpToThreeGroupsAreNamedInFull) {
  Register(*OpenStream(),
           TestStatement("c1").Consumer("a").Consumer("b").Consumer("c"));
  EXPECT_THAT(log_.Take(), ElementsAre(HasSubstr(" groups=3 group=a,b,c ")));
}

TEST_F(ClientEventLoggerTest, BothKindsAreOneLine) {
  const auto channel = OpenStream();
  Register(*channel,
           TestStatement("c1").Consumer("orders").Producer("payments"));
  EXPECT_THAT(log_.Take(),
              ElementsAre(StartsWith("joined kind=consumer,producer groups=2 "
                                     "group=orders,payments client_id=c1")));
  table_->Close(*channel, RemovalReason::kExpired, clock_.TimeNow());
  EXPECT_THAT(log_.Take(), ElementsAre(AllOf(StartsWith("left "),
                                             EndsWith(" reason=EXPIRED"))));
}

TEST_F(ClientEventLoggerTest, AProducerIsOfThatKind) {
  Register(*OpenStream(), TestStatement("c1").Producer("payments"));
  EXPECT_THAT(log_.Take(),
              ElementsAre(StartsWith("joined kind=producer group=payments ")));
}

TEST_F(ClientEventLoggerTest, AReplacementIsOneLineForEachOfTheTwoStreams) {
  const TestStatement stated =
      TestStatement("c1").Incarnation(7).Consumer("a").Consumer("b").Consumer(
          "c");
  const auto older = OpenStream();
  Register(*older, stated);
  log_.Take();
  const auto newer = OpenStream();
  Register(*newer, stated);
  EXPECT_THAT(log_.Take(),
              ::testing::UnorderedElementsAre(
                  AllOf(StartsWith("joined kind=consumer groups=3 group="),
                        HasSubstr(Kv("channel", newer->id()) + " ")),
                  AllOf(StartsWith("replaced kind=consumer groups=3 group="),
                        HasSubstr(Kv("channel", older->id()) + " "),
                        EndsWith(" reason=REPLACED"))));
}

TEST_F(ClientEventLoggerTest, EachChannelThatAScanExpiresHasItsLine) {
  Join(20);
  log_.Take();
  clock_.Advance(absl::Hours(1));
  table_->BeginScan(clock_.TimeNow());
  std::vector<ClientChannelPtr> ended;
  EXPECT_FALSE(table_->ScanSome(clock_.TimeNow(), 1000, &ended));
  EXPECT_THAT(log_.Take(), AllOf(SizeIs(20), Each(EndsWith("=EXPIRED"))));
}

TEST_F(ClientEventLoggerTest, AHeartbeatThatChangesNothingIsNoLine) {
  const auto channel = OpenStream();
  Register(*channel, TestStatement("c1").Consumer("orders"));
  log_.Take();
  Register(*channel, TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(ClientEventLoggerTest, ABurstOfLinesIsWrittenAndNotOneMore) {
  Join(ClientEventLogger::kBurst);
  EXPECT_EQ(logger_->lines_left_out(), 0);
  Join(1);
  EXPECT_EQ(logger_->lines_left_out(), 1);
  EXPECT_THAT(log_.Take(), AllOf(SizeIs(ClientEventLogger::kBurst),
                                 Each(StartsWith("joined "))));
}

TEST_F(ClientEventLoggerTest, OneUserCannotTakeTheLinesOfOthers) {
  JoinAs("thief", 2 * ClientEventLogger::kBurst);
  EXPECT_THAT(log_.Take(), SizeIs(ClientEventLogger::kBurst / 2));
  JoinAs("pay", ClientEventLogger::kBurst / 2);
  EXPECT_THAT(log_.Take(), Contains(HasSubstr(" client_id=pay"))
                               .Times(ClientEventLogger::kBurst / 2));
}

TEST_F(ClientEventLoggerTest, NorCanAnonymousClientsOfOneAddress) {
  for (int i = 0; i < ClientEventLogger::kBurst; ++i) {
    Register(*OpenStream("10.0.0.1:1"),
             TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  EXPECT_THAT(log_.Take(), SizeIs(ClientEventLogger::kBurst / 2));
  Join(1);
  EXPECT_THAT(log_.Take(), Contains(StartsWith("joined ")));
}

TEST_F(ClientEventLoggerTest, TheNextLineIsPrecededByHowManyWereLeftOut) {
  Join(ClientEventLogger::kBurst + 40'000);
  log_.Take();
  clock_.Advance(absl::Seconds(1) / ClientEventLogger::kLinesPerSecond);
  Join(2);
  EXPECT_THAT(log_.Take(),
              ElementsAre("left out 40000 membership lines per_second=200",
                          StartsWith("joined ")));
  clock_.Advance(absl::Seconds(1));
  Join(ClientEventLogger::kLinesPerSecond);
  EXPECT_THAT(log_.Take(),
              AllOf(SizeIs(ClientEventLogger::kLinesPerSecond + 1),
                    Contains(StartsWith("left out 1 membership lines"))));
  EXPECT_EQ(logger_->lines_left_out(), 40'001);
}

TEST_F(ClientEventLoggerTest, WhileLinesAreLeftOutThatIsToldOnceASecond) {
  const absl::Duration step =
      absl::Seconds(1) / ClientEventLogger::kLinesPerSecond;
  Join(ClientEventLogger::kBurst + 1);
  log_.Take();
  // Of two that join, one has a line.
  for (absl::Duration passed; passed < ClientEventLogger::kTellPeriod;
       passed += step) {
    clock_.Advance(step);
    Join(2);
  }
  EXPECT_THAT(log_.Take(), AllOf(SizeIs(ClientEventLogger::kLinesPerSecond + 1),
                                 Contains(StartsWith("left out ")).Times(1)));
  clock_.Advance(step);
  Join(1);
  EXPECT_THAT(log_.Take(),
              ElementsAre("left out 200 membership lines per_second=200",
                          StartsWith("joined ")));
}

TEST_F(ClientEventLoggerTest, TheEndTellsHowManyWereLeftOut) {
  Join(ClientEventLogger::kBurst + 5);
  log_.Take();
  table_.reset();
  logger_.reset();
  EXPECT_THAT(log_.Take(),
              ElementsAre(StartsWith("left out 5 membership lines")));
}

TEST_F(ClientEventLoggerTest, ASecondProcessWithAClientIdHasALine) {
  Register(*OpenStream(), TestStatement("c1").Incarnation(1).Producer("p"));
  log_.Take();
  Register(*OpenStream(), TestStatement("c1").Incarnation(2).Producer("p"));
  EXPECT_THAT(log_.Take(),
              ElementsAre("duplicate client_id=c1 channel=2 "
                          "remote=127.0.0.1:50001 other=127.0.0.1:50001",
                          StartsWith("joined ")));
}

TEST_F(ClientEventLoggerTest, WarningsTakeNoLinesFromOthers) {
  const auto stated = TestStatement("c1").Producer("p");
  Register(*OpenStream(), TestStatement(stated).Incarnation(1));
  for (int i = 0; i <= ClientEventLogger::kWarningBurst; ++i) {
    Register(*OpenStream(Address(i)), TestStatement(stated).Incarnation(i + 2));
  }
  const auto is_warning = [](const std::string& line) {
    return absl::StartsWith(line, "duplicate ");
  };
  std::vector<std::string> lines = log_.Take();
  EXPECT_EQ(absl::c_count_if(lines, is_warning),
            ClientEventLogger::kWarningBurst);
  EXPECT_EQ(lines.size(), 2 * ClientEventLogger::kWarningBurst + 2);
  EXPECT_EQ(logger_->lines_left_out(), 1);
  clock_.Advance(absl::Seconds(1) / ClientEventLogger::kWarningsPerSecond);
  Register(*OpenStream(), TestStatement(stated).Incarnation(1000));
  EXPECT_THAT(log_.Take(),
              ElementsAre("left out 1 warnings per_second=10",
                          StartsWith("duplicate "), StartsWith("joined ")));
}

TEST_F(ClientEventLoggerTest, OneUserCannotTakeTheWarningsOfOthers) {
  const auto use = [this](absl::string_view user, int processes) {
    for (int i = 0; i <= processes; ++i) {
      Register(*OpenStream(Address(i), user),
               TestStatement(user).As(user).Incarnation(i + 1).Producer("p"));
    }
    return absl::c_count_if(log_.Take(), [](const std::string& line) {
      return absl::StartsWith(line, "duplicate ");
    });
  };
  EXPECT_EQ(use("thief", ClientEventLogger::kWarningBurst),
            ClientEventLogger::kWarningBurst / 2);
  EXPECT_EQ(use("pay", 5), 5);
}

TEST_F(ClientEventLoggerTest, AGroupHasALineWhenItsMembersDifferAndWhenNot) {
  Register(*OpenStream(), TestStatement("c1").Consumer("g", {{"t", 1, "a"}}));
  const FakeClientChannelPtr odd = OpenStream();
  log_.Take();
  Register(*odd, TestStatement("c2").Consumer("g", {{"t", 1, "b"}}));
  EXPECT_THAT(
      log_.Take(),
      ElementsAre(StartsWith("joined "),
                  "inconsistent group=g difference=\"topic t: 1 of 2 members "
                  "states TAG b, 1 of 2 members states TAG a\""));
  Register(*odd, TestStatement("c2").Consumer("g", {{"t", 2, "a"}}));
  EXPECT_THAT(log_.Take(), ElementsAre("consistent group=g"));
}

}  // namespace
}  // namespace rmq
