#include "broker/registry/statement_form.h"

#include <algorithm>

#include "absl/container/btree_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace rmq {
namespace {

constexpr absl::string_view kTag = "TAG";
// Of an expression in a message.
constexpr size_t kShownBytes = 64;

std::string TagsOf(absl::string_view expression) {
  if (expression.empty() || expression == "*") return "*";
  absl::btree_set<absl::string_view> tags;
  for (absl::string_view tag : absl::StrSplit(expression, "||")) {
    tag = absl::StripAsciiWhitespace(tag);
    if (!tag.empty()) tags.insert(tag);
  }
  return absl::StrJoin(tags, " || ");
}

// At most kShownBytes, with everything but printable ASCII escaped.
std::string Shown(absl::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kShownBytes)) {
    if (absl::ascii_isprint(static_cast<unsigned char>(c))) {
      shown.push_back(c);
    } else {
      absl::StrAppendFormat(&shown, "\\x%02x", static_cast<unsigned char>(c));
    }
  }
  if (text.size() > kShownBytes) {
    absl::StrAppend(&shown, "... (", text.size(), " bytes)");
  }
  return shown;
}

std::string States(const StatementSide& side, absl::string_view what) {
  return absl::StrCat(side.who, side.is_plural ? " state " : " states ", what);
}

std::string States(const StatementSide& side,
                   const StatementForm::Topic* topic) {
  if (topic == nullptr) {
    return absl::StrCat(
        side.who, side.is_plural ? " do not state it" : " does not state it");
  }
  return States(side, absl::StrCat(Shown(topic->expression_type), " ",
                                   Shown(topic->expression)));
}

// Collects differences: keeps the first one, and counts the others.
class Differences {
 public:
  Differences(const StatementSide& a, const StatementSide& b) : a_(a), b_(b) {}

  // `a` and `b` are what the sides state of `what`.
  template <typename T>
  void Add(absl::string_view what, const T& a, const T& b) {
    if (count_++ > 0) return;
    first_ = absl::StrCat(what, ": ", States(a_, a), ", ", States(b_, b));
  }

  std::string ToString() const {
    if (count_ <= 1) return first_;
    return absl::StrCat(first_, "; and ", count_ - 1, " more difference",
                        count_ == 2 ? "" : "s");
  }

 private:
  const StatementSide& a_;
  const StatementSide& b_;
  std::string first_;
  size_t count_ = 0;
};

}  // namespace

StatementForm::Topic FormOf(absl::string_view topic,
                            absl::string_view expression,
                            absl::string_view expression_type) {
  const bool is_tag = expression_type.empty() || expression_type == kTag;
  expression = absl::StripAsciiWhitespace(expression);
  return {std::string(topic), std::string(is_tag ? kTag : expression_type),
          is_tag ? TagsOf(expression) : std::string(expression)};
}

std::string DescribeDifference(const StatementSide& a, const StatementSide& b) {
  Differences differences(a, b);
  if (a.form.message_model != b.form.message_model) {
    differences.Add("message model", Name(a.form.message_model),
                    Name(b.form.message_model));
  }
  if (a.form.consume_type != b.form.consume_type) {
    differences.Add("consume type", Name(a.form.consume_type),
                    Name(b.form.consume_type));
  }
  auto in_a = a.form.topics.begin();
  auto in_b = b.form.topics.begin();
  while (in_a != a.form.topics.end() || in_b != b.form.topics.end()) {
    const bool is_a =
        in_b == b.form.topics.end() ||
        (in_a != a.form.topics.end() && in_a->topic <= in_b->topic);
    const bool is_b =
        in_a == a.form.topics.end() ||
        (in_b != b.form.topics.end() && in_b->topic <= in_a->topic);
    const StatementForm::Topic* const topic_a = is_a ? &*in_a++ : nullptr;
    const StatementForm::Topic* const topic_b = is_b ? &*in_b++ : nullptr;
    if (is_a && is_b && *topic_a == *topic_b) continue;
    const std::string& topic = (is_a ? topic_a : topic_b)->topic;
    differences.Add(absl::StrCat("topic ", topic), topic_a, topic_b);
  }
  return differences.ToString();
}

const StatementForm& StatementFormPool::Hold(StatementForm form) {
  const auto held = holders_.try_emplace(std::move(form), 0).first;
  ++held->second;
  return held->first;
}

void StatementFormPool::Release(const StatementForm& form) {
  const auto held = holders_.find(form);
  if (--held->second == 0) holders_.erase(held);
}

}  // namespace rmq
