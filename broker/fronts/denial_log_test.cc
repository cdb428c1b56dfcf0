#include "broker/fronts/denial_log.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kMoment = absl::Nanoseconds(1);

// What glog was told last, without its prefix.
class LastLine final : public google::LogSink {
 public:
  LastLine() { google::AddLogSink(this); }
  ~LastLine() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity /*severity*/, const char* /*full_filename*/,
            const char* /*base_filename*/, int /*line*/,
            const google::LogMessageTime& /*time*/, const char* message,
            size_t length) override {
    text_ = std::string(message, length);
  }
  using google::LogSink::send;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class DenialLogTest : public ::testing::Test {
 protected:
  static Denial Of(absl::string_view user) {
    return {DenialReason::kNoRule, user,       "Group:g", "SUB",
            "10.0.0.1:5",          "Heartbeat"};
  }

  // The line that was written; empty if none was.
  std::string Note(const Denial& denial) {
    LastLine line;
    const bool was_written = log_.Note(denial, now_);
    EXPECT_EQ(was_written, !line.text().empty());
    return line.text();
  }
  bool Writes(absl::string_view user) { return !Note(Of(user)).empty(); }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  DenialLog log_;
};

TEST_F(DenialLogTest, ALineSaysWhoWasDeniedWhat) {
  EXPECT_THAT(Note(Of("pay")),
              Eq("denied principal=pay resource=Group:g action=SUB "
                 "address=10.0.0.1:5 method=Heartbeat reason=NO_RULE "
                 "denials=1"));
  EXPECT_EQ(log_.counters().value(DenialReason::kNoRule), 1);
}

TEST_F(DenialLogTest, APrincipalHasALineASecondWithHowManyThereWere) {
  EXPECT_TRUE(Writes("pay"));
  now_ += DenialLog::kPeriod - kMoment;
  EXPECT_FALSE(Writes("pay"));
  now_ += kMoment;
  EXPECT_THAT(Note(Of("pay")), HasSubstr(" denials=2"));
  EXPECT_EQ(log_.counters().value(DenialReason::kNoRule), 3);
}

TEST_F(DenialLogTest, WhoIsDeniedMuchHidesNobodyElse) {
  EXPECT_TRUE(Writes("pay"));
  EXPECT_FALSE(Writes("pay"));
  EXPECT_TRUE(Writes("ship"));
  EXPECT_TRUE(Writes(""));
  EXPECT_FALSE(Writes(""));
}

TEST_F(DenialLogTest, PrincipalsBeyondTheMostShareLines) {
  for (size_t i = 0; i < DenialLog::kMostPrincipals; ++i) {
    EXPECT_TRUE(Writes(absl::StrCat("user", i))) << i;
  }
  EXPECT_TRUE(Writes("one more"));
  EXPECT_FALSE(Writes("and another"));
  // The others may have lines again, and so make room.
  now_ += DenialLog::kPeriod;
  EXPECT_TRUE(Writes("one more"));
  EXPECT_TRUE(Writes("and another"));
}

TEST_F(DenialLogTest, OfWhoIsNotKnownTheLineSaysWhatWasClaimedAndWhatIsWrong) {
  Denial denial = {
      DenialReason::kUnauthenticated, "", "", "", "10.0.0.1:5", ""};
  const std::string claimed(DenialLog::kMostClaimedBytes, 'x');
  const std::string longer = claimed + "y";
  denial.claimed = longer;
  denial.why = "the signature is wrong";
  const std::string line = Note(denial);
  EXPECT_THAT(line, HasSubstr(absl::StrCat(" claimed=", claimed,
                                           " why=\"the signature is wrong\"")));
  EXPECT_THAT(line, Not(HasSubstr("xy")));
}

TEST_F(DenialLogTest, AClaimCannotForgeALine) {
  Denial denial = {DenialReason::kUnauthenticated, "", "", "", "", ""};
  denial.claimed = "a\nE1130 forged";
  denial.why = "no";
  EXPECT_THAT(Note(denial), HasSubstr(" claimed=\"a\\nE1130 forged\""));
}

TEST_F(DenialLogTest, WhileRulesAreTriedOutTheLineSaysSo) {
  Denial denial = Of("pay");
  denial.is_trial = true;
  EXPECT_THAT(Note(denial), HasSubstr("would be denied principal=pay"));
}

}  // namespace
}  // namespace rmq
