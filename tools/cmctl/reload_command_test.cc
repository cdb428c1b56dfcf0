#include "tools/cmctl/reload_command.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/exit_codes.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReloadCommandTest : public ::testing::Test {
 protected:
  // Of a broker that gives these answers, and the last one again and again.
  absl::StatusOr<Answer> Run(const std::vector<const char*>& answers) {
    const Command command = ReloadCommand();
    line_.command = &command;
    const Ask ask = [&](const google::protobuf::Message& request)
        -> absl::StatusOr<std::unique_ptr<google::protobuf::Message>> {
      asked_.push_back(
          static_cast<const pb::ReloadConfigRequest&>(request).show_only());
      auto response = std::make_unique<pb::ReloadConfigResponse>();
      const size_t answer = std::min(asked_.size(), answers.size()) - 1;
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
          answers[answer], response.get()));
      return {std::move(response)};
    };
    return command.run(line_, ask, {});
  }

  CommandLine line_;
  std::vector<bool> asked_;
};

TEST_F(ReloadCommandTest, WaitsForItsOwnLoadAndShowsIt) {
  const auto answer = Run({R"(files { name: "auth" } pending: true)",
                           R"(files { name: "auth" } pending: true)",
                           R"(files { name: "auth" loads: 1 })"});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(asked_, ElementsAre(false, true, true));
  EXPECT_EQ(answer->exit_code, kExitOk);
  EXPECT_THAT(answer->parts.at(0).rows,
              ElementsAre(ElementsAre("auth", "1", "0", "-")));
  EXPECT_THAT(answer->errors, IsEmpty());
}

TEST_F(ReloadCommandTest, ExitsWithAnErrorIfAFileWasNotTaken) {
  const auto answer = Run({R"(files { name: "auth" loads: 1 } pending: true)",
                           R"(files { name: "tls" loads: 2 }
                              files { name: "auth" failures: 1 error: "bad" })"});
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->exit_code, kExitError);
}

TEST_F(ReloadCommandTest, OfAnOlderBrokerTheStateBeforeTheLoadIsNotTheOutcome) {
  const auto answer =
      Run({R"(files { name: "auth" loads: 1 })",
           R"(files { name: "auth" loads: 1 failures: 1 error: "bad" })"});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(asked_, ElementsAre(false, true));
  EXPECT_EQ(answer->exit_code, kExitError);
  EXPECT_THAT(answer->parts.at(0).rows,
              ElementsAre(ElementsAre("auth", "1", "1", "bad")));
}

TEST_F(ReloadCommandTest, ABrokerWithoutFilesHasNothingToWaitFor) {
  const auto answer = Run({"pending: true", ""});
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->exit_code, kExitOk);
}

TEST_F(ReloadCommandTest, WhatIsPendingForTooLongIsAnError) {
  line_.timeout = absl::Milliseconds(1);
  const auto answer = Run({R"(files { name: "auth" } pending: true)"});
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->exit_code, kExitError);
  EXPECT_THAT(answer->errors, ElementsAre(HasSubstr("being read still")));
}

}  // namespace
}  // namespace rmq::cmctl
