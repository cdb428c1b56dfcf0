#include "broker/fronts/identified_streams.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/rpc/server/authorizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class IdentifiedStreamsTest : public ::testing::Test {
 protected:
  class FakeStream final : public IdentifiedStreams::Stream {
   public:
    explicit FakeStream(std::vector<std::string>* asked) : asked_(*asked) {}
    void IdentifyAnew(CallerIdentity opened) override {
      asked_.push_back(opened.user);
    }

   private:
    std::vector<std::string>& asked_;
  };
  struct Opened {
    std::shared_ptr<FakeStream> stream;
    IdentifiedStreams::Ticket ticket;
  };

  Opened Open(const std::string& user) {
    auto stream = std::make_shared<FakeStream>(&asked_);
    const auto ticket = streams_.Add(stream, {user, /*generation=*/1});
    return {stream, ticket};
  }
  bool IsDue() { return streams_.NextDue() <= now_; }

  const absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  std::vector<std::string> asked_;
  std::vector<absl::Time> due_;
  IdentifiedStreams streams_{[this](absl::Time time) { due_.push_back(time); }};
};

TEST_F(IdentifiedStreamsTest, NobodyIsAskedWhileTheRulesStayTheSame) {
  const Opened stream = Open("pay");
  EXPECT_FALSE(IsDue());
  streams_.Run(now_);
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_THAT(due_, IsEmpty());
}

TEST_F(IdentifiedStreamsTest, NewRulesHaveAllAskedOnce) {
  const Opened first = Open("pay");
  const Opened second = Open("ship");
  streams_.NoteNewRules(now_);
  EXPECT_THAT(due_, ElementsAre(now_));
  EXPECT_TRUE(IsDue());
  streams_.Run(now_);
  EXPECT_THAT(asked_, ElementsAre("pay", "ship"));
  EXPECT_FALSE(IsDue());
  streams_.Run(now_);
  EXPECT_EQ(asked_.size(), 2);
  streams_.NoteNewRules(now_);
  streams_.Run(now_);
  EXPECT_EQ(asked_.size(), 4);
}

TEST_F(IdentifiedStreamsTest, WhoHasGoneAndWhoComesLaterIsNotAsked) {
  const Opened removed = Open("removed");
  Opened destroyed = Open("destroyed");
  const Opened stays = Open("stays");
  streams_.NoteNewRules(now_);
  const Opened later = Open("later");
  streams_.Remove(removed.ticket);
  destroyed.stream = nullptr;
  streams_.Run(now_);
  EXPECT_THAT(asked_, ElementsAre("stays"));
  EXPECT_FALSE(IsDue());
  EXPECT_EQ(streams_.size(), 3);
}

TEST_F(IdentifiedStreamsTest, APieceHasAThousand) {
  std::vector<Opened> all;
  for (size_t i = 0; i <= IdentifiedStreams::kMaxPiece; ++i) {
    all.push_back(Open(absl::StrCat(i)));
  }
  streams_.NoteNewRules(now_);
  streams_.Run(now_);
  EXPECT_EQ(asked_.size(), IdentifiedStreams::kMaxPiece);
  EXPECT_TRUE(IsDue());
  streams_.Run(now_);
  EXPECT_EQ(asked_.size(), IdentifiedStreams::kMaxPiece + 1);
  EXPECT_FALSE(IsDue());
}

TEST_F(IdentifiedStreamsTest, RulesThatComeInBetweenHaveAllAskedAgain) {
  std::vector<Opened> all;
  for (size_t i = 0; i < IdentifiedStreams::kMaxPiece + 1; ++i) {
    all.push_back(Open(absl::StrCat(i)));
  }
  streams_.NoteNewRules(now_);
  streams_.Run(now_);
  streams_.NoteNewRules(now_);
  streams_.Run(now_);
  streams_.Run(now_);
  EXPECT_EQ(asked_.size(), 2 * IdentifiedStreams::kMaxPiece + 1);
}

TEST_F(IdentifiedStreamsTest, WithoutStreamsNothingIsDue) {
  streams_.NoteNewRules(now_);
  EXPECT_FALSE(IsDue());
  streams_.Remove(1);
}

}  // namespace
}  // namespace rmq
