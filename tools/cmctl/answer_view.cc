#include "tools/cmctl/answer_view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/cmctl/json_yaml.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

using Row = std::vector<std::string>;

bool IsShown(const AnswerColumn& column, bool wide) {
  return column.shown == Shown::kAlways || wide;
}

std::string ShowRows(const AnswerPart& part, bool wide) {
  if (part.rows.empty() && !part.if_empty.empty()) {
    return absl::StrCat(part.if_empty, "\n");
  }
  std::vector<Row> rows;
  const auto add = [&](const auto& cell_of) {
    Row& row = rows.emplace_back();
    for (size_t i = 0; i < part.columns.size(); ++i) {
      if (IsShown(part.columns[i], wide)) row.push_back(cell_of(i));
    }
  };
  if (part.has_header) add([&](size_t i) { return part.columns[i].header; });
  for (const Row& cells : part.rows) add([&](size_t i) { return cells[i]; });
  return rows.empty() ? "" : AlignColumns(rows);
}

std::string ShowText(const Answer& answer, bool wide) {
  std::string text;
  for (const AnswerPart& part : answer.parts) {
    if (part.gap && !text.empty()) text += "\n";
    text += part.columns.empty() ? part.text : ShowRows(part, wide);
  }
  return text;
}

// Each name once: several brokers, or channels, may have it.
std::string ShowNames(const Answer& answer) {
  std::string text;
  std::set<std::string> seen;
  for (const AnswerPart& part : answer.parts) {
    if (part.name_column < 0) continue;
    for (const Row& row : part.rows) {
      const std::string& name = row[part.name_column];
      if (seen.insert(name).second) absl::StrAppend(&text, name, "\n");
    }
  }
  return text;
}

// "CLIENT ID" for "client-id".
std::string Canonical(absl::string_view header) {
  std::string name = absl::AsciiStrToUpper(header);
  std::replace(name.begin(), name.end(), '-', ' ');
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// Seconds of "3h 12m ago"; false if the cell is no such time.
bool ParseAgo(absl::string_view cell, double* seconds) {
  if (!absl::ConsumeSuffix(&cell, " ago")) return false;
  *seconds = 0;
  for (absl::string_view part : absl::StrSplit(cell, ' ')) {
    if (part.empty()) return false;
    const char unit = part.back();
    double number = 0;
    if (!absl::SimpleAtod(part.substr(0, part.size() - 1), &number)) {
      return false;
    }
    switch (unit) {
      case 's': break;
      case 'm': number *= 60; break;
      case 'h': number *= 3600; break;
      case 'd': number *= 86400; break;
      default: return false;
    }
    *seconds += number;
  }
  return true;
}

// Numbers before texts.
std::tuple<int, double, absl::string_view> KeyOf(absl::string_view cell) {
  double number = 0;
  // Numbers are followed by a word in some cells: "12 stream".
  const absl::string_view first = cell.substr(0, cell.find(' '));
  if (ParseAgo(cell, &number)) return {0, number, ""};
  if (!first.empty() && absl::ascii_isdigit(first[0]) &&
      absl::SimpleAtod(first, &number)) {
    return {0, number, cell};
  }
  return {1, 0, cell};
}

}  // namespace

std::string ShowAnswer(const Answer& answer, OutputFormat output) {
  switch (output) {
    case OutputFormat::kTable: return ShowText(answer, /*wide=*/false);
    case OutputFormat::kWide: return ShowText(answer, /*wide=*/true);
    case OutputFormat::kJson: return JsonObject(answer.json);
    case OutputFormat::kYaml: return YamlOfJson(JsonObject(answer.json));
    case OutputFormat::kName: return ShowNames(answer);
  }
  return "";
}

absl::Status SortRows(absl::string_view column, Answer* answer) {
  absl::string_view name = column;
  const bool descends = absl::ConsumePrefix(&name, "-");
  const std::string wanted = Canonical(name);
  bool is_there = false;
  std::vector<std::string> columns;
  for (AnswerPart& part : answer->parts) {
    for (const AnswerColumn& each : part.columns) {
      if (std::find(columns.begin(), columns.end(), each.header) ==
          columns.end()) {
        columns.push_back(each.header);
      }
    }
    const int index = FindColumn(part, wanted);
    if (index < 0) continue;
    is_there = true;
    std::stable_sort(part.rows.begin(), part.rows.end(),
                     [index, descends](const Row& a, const Row& b) {
                       const bool a_empty = a[index] == "-";
                       const bool b_empty = b[index] == "-";
                       if (a_empty || b_empty) return !a_empty && b_empty;
                       return descends ? KeyOf(b[index]) < KeyOf(a[index])
                                       : KeyOf(a[index]) < KeyOf(b[index]);
                     });
  }
  if (is_there) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--sort must be one of the columns ", absl::StrJoin(columns, ", "),
      ", got \"", EscapeControls(column), "\""));
}

}  // namespace rmq::cmctl
