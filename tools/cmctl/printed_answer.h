// What a command prints of a broker's answer, for tests.
#ifndef TOOLS_CMCTL_PRINTED_ANSWER_H_
#define TOOLS_CMCTL_PRINTED_ANSWER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

// The message of protobuf's text format.
template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

// When the answers come: 23:14:20 at a zone an hour before UTC.
inline TableTime AnsweredAt() {
  return {absl::FromUnixSeconds(1'700'000'060), absl::FixedTimeZone(3600)};
}

// What a command prints if the broker answers with `answers`, in turn, and
// NotFound after these.
inline std::string Print(
    const std::vector<std::string>& arguments,
    const std::vector<const google::protobuf::Message*>& answers) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  EXPECT_THAT(line, IsOk());
  size_t asked = 0;
  const Ask ask = [&](const google::protobuf::Message&)
      -> absl::StatusOr<std::unique_ptr<google::protobuf::Message>> {
    if (asked == answers.size()) return absl::NotFoundError("not there");
    std::unique_ptr<google::protobuf::Message> answer(answers[asked]->New());
    answer->CopyFrom(*answers[asked++]);
    return answer;
  };
  const absl::StatusOr<Answer> answer =
      line->command->run(*line, ask, AnsweredAt());
  EXPECT_THAT(answer, IsOk());
  return answer.ok() ? ShowAnswer(*answer, line->output) : "";
}
inline std::string PrintJson(
    std::vector<std::string> arguments,
    const std::vector<const google::protobuf::Message*>& answers) {
  arguments.push_back("--output=json");
  return Print(arguments, answers);
}

// JSON in a form that does not depend on the order of an object's members.
inline std::string Normal(const std::string& json) {
  google::protobuf::Struct object;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &object).ok())
      << json;
  return object.DebugString();
}

// A channel that was heard three seconds ago.
inline rocketmq::clientmanager::v1::Channel OneChannel() {
  return Parse<rocketmq::clientmanager::v1::Channel>(R"pb(
    channel_id: 12
    remote_address: "10.0.0.1:40000"
    stream: true
    writable: true
    opened_at { seconds: 1700000000 }
    last_heard_at { seconds: 1700000057 }
  )pb");
}

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_PRINTED_ANSWER_H_
