// What a command shows: for people as text and tables, for programs as JSON.
//
// A command makes an Answer, and does not know in which form it is shown:
// MergeAnswers() makes one of those of several brokers, and ShowAnswer()
// (answer_view.h) shows it in the form that the user asked for.
#ifndef TOOLS_CMCTL_ANSWER_H_
#define TOOLS_CMCTL_ANSWER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cmctl/message_json.h"

namespace rmq::cmctl {

// When a column is shown.
enum class Shown {
  kAlways,
  kWide,          // With --output=wide.
  kWideOrMerged,  // Then, and if several brokers were asked.
};

struct AnswerColumn {
  std::string header;
  Shown shown = Shown::kAlways;
};

// Lines of text, or a table.
struct AnswerPart {
  // With their ends. Empty: the part is a table.
  std::string text;
  std::vector<AnswerColumn> columns;
  // Each row has a cell for each column. What came from clients is escaped.
  std::vector<std::vector<std::string>> rows;
  // Stands, as a line, in the place of a table without rows; "": the header
  // alone does.
  std::string if_empty;
  // False: the rows of one broker stand there without a header.
  bool has_header = true;
  // The column whose cells --output=name prints; -1: none of this part.
  int name_column = 0;
  // An empty line stands before the part, unless it is the first one.
  bool gap = false;
};

struct Answer {
  std::vector<AnswerPart> parts;
  JsonMembers json;
  // What is said on standard error, each a line.
  std::vector<std::string> errors;
  int exit_code = 0;
};

AnswerPart TextPart(absl::string_view text, bool gap = false);

// The column's index; -1 if the part has none of that header.
int FindColumn(const AnswerPart& part, absl::string_view header);

// Rows beside each other under a new first column, BROKER, by the brokers'
// order; lines of text behind their broker's name. A broker that has not what
// was looked for (NotFound), or did not answer, is an error line. In JSON each
// broker's answer is an object of the array `brokers`, with its name as
// `broker`, and the others are in the array `errors`.
//
// The exit code is `not_whole` if a broker did not answer or refused, `nothing`
// if none has what was looked for, else the largest of the answers.
struct BrokerAnswer {
  std::string broker;
  absl::StatusOr<Answer> answer;
};
Answer MergeAnswers(const std::vector<BrokerAnswer>& answers, int nothing,
                    int not_whole);

// "BROKER: the error"; without BROKER if the message names it.
std::string BrokerError(absl::string_view broker, const absl::Status& status);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_ANSWER_H_
