#include "broker/logging/audit_log.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/simulated_clock.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What glog is told, without its prefix.
class LogLines final : public google::LogSink {
 public:
  LogLines() { google::AddLogSink(this); }
  ~LogLines() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity severity, const char* /*full_filename*/,
            const char* /*base_filename*/, int /*line*/,
            const google::LogMessageTime& /*time*/, const char* message,
            size_t length) override {
    lines_.push_back(
        absl::StrCat(severity == google::GLOG_WARNING ? "W " : "I ",
                     std::string(message, length)));
  }
  using google::LogSink::send;

  // The lines since the last call.
  std::vector<std::string> Take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

class AuditLogTest : public ::testing::Test {
 protected:
  void Kick(int times, absl::string_view host = "10.0.0.9") {
    for (int i = 0; i < times; ++i) {
      audit_.Write({"kicked", " kicked=3", host, /*changes=*/true, 3});
    }
  }
  void AskInVain(int times) {
    for (int i = 0; i < times; ++i) {
      audit_.Write({"kicked", " kicked=0", "10.0.0.9", /*changes=*/false});
    }
  }
  void Advance(absl::Duration by) { clock_.Advance(by); }
  // As a timer runs it.
  void Run() { audit_.Run(clock_.TimeNow()); }

  LogLines log_;
  SimulatedClock clock_;
  std::vector<absl::Time> woken_;
  AuditLog audit_{&clock_, [this](absl::Time due) { woken_.push_back(due); }};
};

TEST_F(AuditLogTest, ALineSaysWhatWasDone) {
  Kick(1);
  audit_.Write({"draining", " clients=3", "", true, 0, /*is_warning=*/false});
  EXPECT_THAT(log_.Take(),
              ElementsAre("W kicked kicked=3", "I draining clients=3"));
  EXPECT_THAT(woken_, IsEmpty());
}

TEST_F(AuditLogTest, AHundredChangesAtOnceHaveALineEachAndTheNextIsSummedUp) {
  Kick(AuditLog::kChangesBurst);
  EXPECT_THAT(log_.Take(), SizeIs(AuditLog::kChangesBurst));
  EXPECT_EQ(audit_.NextDue(), absl::InfiniteFuture());
  Kick(1);
  EXPECT_THAT(log_.Take(), IsEmpty());
  const absl::Time due = clock_.TimeNow() + absl::Seconds(1);
  EXPECT_EQ(audit_.NextDue(), due);
  EXPECT_THAT(woken_, ElementsAre(due));
}

TEST_F(AuditLogTest, SumsAreWrittenWithinASecond) {
  Kick(AuditLog::kChangesBurst);
  log_.Take();
  Kick(2, "10.0.0.9");
  Kick(1, "10.0.0.7");
  audit_.Write({"drain asked", "", "10.0.0.9", true, 0});
  Advance(AuditLog::kSumPeriod - absl::Nanoseconds(1));
  Run();
  EXPECT_THAT(log_.Take(), IsEmpty());
  Advance(absl::Nanoseconds(1));
  Run();
  EXPECT_THAT(log_.Take(),
              ElementsAre("W left out 4 audit lines changing=4 channels=9 "
                          "actions=\"drain asked (1), kicked (3)\" "
                          "hosts=\"10.0.0.7 (1), 10.0.0.9 (3)\""));
  EXPECT_THAT(woken_, SizeIs(1));
  Advance(absl::Minutes(1));
  Run();
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(AuditLogTest, FiveChangesASecondHaveALineEach) {
  Kick(AuditLog::kChangesBurst);
  log_.Take();
  for (int i = 0; i < 10 * AuditLog::kChangesPerSecond; ++i) {
    Advance(absl::Seconds(1) / AuditLog::kChangesPerSecond);
    Kick(1);
  }
  EXPECT_THAT(log_.Take(), SizeIs(10 * AuditLog::kChangesPerSecond));
}

TEST_F(AuditLogTest, WhatChangesNothingTakesNoLineOfAChange) {
  AskInVain(10'000);
  EXPECT_THAT(log_.Take(), SizeIs(AuditLog::kOthersBurst));
  Kick(1);
  EXPECT_THAT(log_.Take(), ElementsAre("W kicked kicked=3"));
  Advance(absl::Seconds(1));
  Run();
  EXPECT_THAT(
      log_.Take(),
      ElementsAre("W left out 9980 audit lines changing=0 channels=0 "
                  "actions=\"kicked (9980)\" hosts=\"10.0.0.9 (9980)\""));
}

TEST_F(AuditLogTest, EightAddressesAreNamedAndTheOthersCounted) {
  Kick(AuditLog::kChangesBurst);
  log_.Take();
  for (int i = 0; i < 10; ++i) Kick(1, absl::StrCat("10.0.0.", i));
  Kick(1, "10.0.0.0");
  Advance(absl::Seconds(1));
  Run();
  EXPECT_THAT(
      log_.Take(),
      ElementsAre("W left out 11 audit lines changing=11 channels=33 "
                  "actions=\"kicked (11)\" hosts=\"10.0.0.0 (2), 10.0.0.1 (1), "
                  "10.0.0.2 (1), 10.0.0.3 (1), 10.0.0.4 (1), 10.0.0.5 (1), "
                  "10.0.0.6 (1), 10.0.0.7 (1), others (2)\""));
}

TEST_F(AuditLogTest, AStopWritesTheSums) {
  Kick(AuditLog::kChangesBurst + 1);
  log_.Take();
  audit_.Finish(clock_.TimeNow());
  EXPECT_THAT(log_.Take(), SizeIs(1));
}

TEST_F(AuditLogTest, ALoopOfAnHourWritesSixLinesASecond) {
  for (int second = 0; second < 3600; ++second) {
    Kick(1000);
    Advance(absl::Seconds(1));
    Run();
  }
  EXPECT_LE(log_.Take().size(), 3600u * 6 + AuditLog::kChangesBurst);
}

}  // namespace
}  // namespace rmq
