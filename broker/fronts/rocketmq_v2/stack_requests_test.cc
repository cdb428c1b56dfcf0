#include "broker/fronts/rocketmq_v2/stack_requests.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/client_threads.h"
#include "broker/fronts/rocketmq_v2/due_calls.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

namespace v2 = ::apache::rocketmq::v2;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StackRequestsTest : public ::testing::Test {
 protected:
  CallStatus Begin(absl::string_view client_id, const void* stream) {
    return requests_.Begin(
        client_id, stream, now_,
        [this](const CallStatus& status, const std::string& text) {
          told_.push_back(status.ok() ? text : status.message);
          last_code_ = status.code;
        },
        &nonce_);
  }
  static v2::TelemetryCommand Trace(absl::string_view nonce,
                                    absl::string_view text) {
    v2::TelemetryCommand command;
    command.mutable_thread_stack_trace()->set_nonce(std::string(nonce));
    command.mutable_thread_stack_trace()->set_thread_stack_trace(
        std::string(text));
    return command;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  DueCalls due_calls_{nullptr};
  StackRequests requests_{&due_calls_};
  int stream_ = 0;
  int other_stream_ = 0;
  std::string nonce_;
  std::vector<std::string> told_;
  absl::StatusCode last_code_ = absl::StatusCode::kOk;
};

TEST_F(StackRequestsTest, ARequestEndsEvenIfItIsDueAtOnce) {
  // The timer fires while the request is being begun.
  DueCalls* calls = nullptr;
  DueCalls due_at_once([&calls](absl::Time at) { calls->Run(at); });
  calls = &due_at_once;
  StackRequests requests(&due_at_once);
  int answers = 0;
  EXPECT_TRUE(requests
                  .Begin(
                      "c1", &stream_, now_,
                      [&answers](const CallStatus& status, const std::string&) {
                        EXPECT_FALSE(status.ok());
                        ++answers;
                      },
                      &nonce_)
                  .ok());
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(requests.size(), 0);
  EXPECT_EQ(due_at_once.NextDue(), absl::InfiniteFuture());
}

TEST_F(StackRequestsTest, AnAnswerIsPassedOnOnce) {
  ASSERT_TRUE(Begin("c1", &stream_).ok());
  requests_.Answer("c1", &stream_, Trace(nonce_, "main\n  at x"));
  requests_.Answer("c1", &stream_, Trace(nonce_, "again"));
  due_calls_.Run(now_ + kStackTraceLimit);
  EXPECT_THAT(told_, ElementsAre("main\n  at x"));
  EXPECT_EQ(requests_.size(), 0);
}

TEST_F(StackRequestsTest, WhatNobodyHasAskedTheStreamIsIgnored) {
  ASSERT_TRUE(Begin("c1", &stream_).ok());
  requests_.Answer("c2", &stream_, Trace(nonce_, "of another client"));
  requests_.Answer("c1", &other_stream_, Trace(nonce_, "of another stream"));
  requests_.Answer("c1", &stream_, Trace("77", "of another request"));
  requests_.Answer("c1", &stream_, Trace("", "of none"));
  requests_.EndOf("c1", &other_stream_);
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(requests_.size(), 1);
}

TEST_F(StackRequestsTest, AClientThatSaysNothingIsTheOperatorsErrorInTime) {
  ASSERT_TRUE(Begin("c1", &stream_).ok());
  due_calls_.Run(now_ + kStackTraceLimit - absl::Nanoseconds(1));
  EXPECT_THAT(told_, IsEmpty());
  due_calls_.Run(now_ + kStackTraceLimit);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("\"c1\" has not answered")));
  EXPECT_EQ(last_code_, absl::StatusCode::kAborted);
}

TEST_F(StackRequestsTest, AnAnswerWithoutAStackTellsWhatTheClientSays) {
  ASSERT_TRUE(Begin("c1", &stream_).ok());
  v2::TelemetryCommand command;
  command.mutable_thread_stack_trace()->set_nonce(nonce_);
  command.mutable_status()->set_code(v2::UNSUPPORTED);
  command.mutable_status()->set_message("not here");
  requests_.Answer("c1", &stream_, command);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("UNSUPPORTED \"not here\"")));
}

TEST_F(StackRequestsTest, TheEndOfTheStreamEndsTheRequest) {
  ASSERT_TRUE(Begin("c1", &stream_).ok());
  requests_.EndOf("c1", &stream_);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("has ended its stream")));
  EXPECT_EQ(last_code_, absl::StatusCode::kAborted);
}

TEST_F(StackRequestsTest, AClientIsAskedOnceAtATime) {
  ASSERT_TRUE(Begin("c1", &stream_).ok());
  EXPECT_EQ(Begin("c1", &stream_).code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(requests_.size(), 1);
  due_calls_.Run(now_ + kStackTraceLimit);
  EXPECT_TRUE(Begin("c1", &stream_).ok());
}

TEST_F(StackRequestsTest, AHundredClientsAreAskedAndOneMoreIsTooMany) {
  for (size_t i = 0; i < StackRequests::kMost; ++i) {
    ASSERT_TRUE(Begin(absl::StrCat("c", i), &stream_).ok());
  }
  EXPECT_THAT(Begin("one more", &stream_).message, HasSubstr("at most 100"));
  requests_.EndOf("c0", &stream_);
  EXPECT_TRUE(Begin("one more", &stream_).ok());
}

}  // namespace
}  // namespace rmq
