#include "tools/cmctl/answer.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

bool IsText(const AnswerPart& part) { return part.columns.empty(); }

bool HaveSameColumns(const AnswerPart& a, const AnswerPart& b) {
  return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(),
                    b.columns.end(),
                    [](const AnswerColumn& x, const AnswerColumn& y) {
                      return x.header == y.header;
                    });
}

// Merges the parts of brokers: tables of the same columns, and the texts that
// are the first, second, ... of their answers.
class MergedParts {
 public:
  void Add(const std::string& broker, const std::vector<AnswerPart>& parts) {
    size_t texts = 0;
    for (const AnswerPart& part : parts) {
      if (IsText(part)) {
        AddText(broker, part, texts++);
      } else {
        AddTable(broker, part);
      }
    }
  }

  std::vector<AnswerPart> Take() {
    std::vector<AnswerPart> parts;
    for (AnswerPart& part : parts_) {
      if (!IsText(part)) {
        part.columns.insert(part.columns.begin(), {"BROKER"});
        for (AnswerColumn& column : part.columns) {
          if (column.shown == Shown::kWideOrMerged) {
            column.shown = Shown::kAlways;
          }
        }
        if (part.name_column >= 0) ++part.name_column;
        part.has_header = true;
      } else if (part.text.empty()) {
        continue;  // It was an empty line.
      }
      part.gap = !parts.empty();
      parts.push_back(std::move(part));
    }
    return parts;
  }

 private:
  // Whether the line names the broker already.
  static bool IsAbout(absl::string_view line, absl::string_view broker) {
    return absl::ConsumePrefix(&line, broker) &&
           (line.empty() || line[0] == ' ' || line[0] == ':');
  }

  void AddText(const std::string& broker, const AnswerPart& part,
               size_t number) {
    size_t seen = 0;
    auto place = parts_.begin();
    for (; place != parts_.end(); ++place) {
      if (IsText(*place) && seen++ == number) break;
    }
    if (place == parts_.end()) {
      parts_.push_back(TextPart("", part.gap));
      place = parts_.end() - 1;
    }
    for (const absl::string_view line : absl::StrSplit(part.text, '\n')) {
      if (line.empty()) continue;
      absl::StrAppend(&place->text,
                      IsAbout(line, broker) ? "" : absl::StrCat(broker, ": "),
                      line, "\n");
    }
  }

  void AddTable(const std::string& broker, const AnswerPart& part) {
    auto place = std::find_if(parts_.begin(), parts_.end(),
                              [&part](const AnswerPart& other) {
                                return HaveSameColumns(part, other);
                              });
    if (place == parts_.end()) {
      parts_.push_back(part);
      place = parts_.end() - 1;
      place->rows.clear();
    }
    for (std::vector<std::string> row : part.rows) {
      row.insert(row.begin(), EscapeControls(broker));
      place->rows.push_back(std::move(row));
    }
  }

  std::vector<AnswerPart> parts_;
};

}  // namespace

AnswerPart TextPart(absl::string_view text, bool gap) {
  AnswerPart part;
  part.text = std::string(text);
  part.name_column = -1;
  part.gap = gap;
  return part;
}

int FindColumn(const AnswerPart& part, absl::string_view header) {
  for (size_t i = 0; i < part.columns.size(); ++i) {
    if (part.columns[i].header == header) return static_cast<int>(i);
  }
  return -1;
}

std::string BrokerError(absl::string_view broker, const absl::Status& status) {
  // The messages name addresses.
  const bool is_named = absl::StrContains(broker, ":") &&
                        absl::StrContains(status.message(), broker);
  return absl::StrCat(
      is_named ? "" : absl::StrCat(broker, ": "), status.message(),
      absl::IsDeadlineExceeded(status) ? " (see --timeout)" : "");
}

Answer MergeAnswers(const std::vector<BrokerAnswer>& answers, int nothing,
                    int not_whole) {
  Answer merged;
  MergedParts parts;
  std::vector<std::string> answered;
  std::vector<std::string> errors;
  bool is_whole = true;
  for (const BrokerAnswer& each : answers) {
    const absl::Status& status = each.answer.status();
    if (status.ok()) {
      parts.Add(each.broker, each.answer->parts);
      JsonMembers members = {{"broker", JsonString(each.broker)}};
      members.insert(members.end(), each.answer->json.begin(),
                     each.answer->json.end());
      answered.push_back(JsonObject(members));
      merged.exit_code = std::max(merged.exit_code, each.answer->exit_code);
      for (const std::string& error : each.answer->errors) {
        merged.errors.push_back(absl::StrCat(each.broker, ": ", error));
      }
      continue;
    }
    merged.errors.push_back(BrokerError(each.broker, status));
    errors.push_back(JsonObject(
        {{"broker", JsonString(each.broker)},
         {"code", JsonString(absl::StatusCodeToString(status.code()))},
         {"message", JsonString(status.message())}}));
    is_whole = is_whole && absl::IsNotFound(status);
  }
  merged.parts = parts.Take();
  merged.json = {{"brokers", JsonArray(answered)},
                 {"errors", JsonArray(errors)}};
  if (answered.empty()) {
    merged.exit_code = nothing;
  } else if (!is_whole) {
    merged.exit_code = not_whole;
  }
  return merged;
}

}  // namespace rmq::cmctl
