#include "broker/registry/labels.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace rmq {

bool AreEqual(const LabelsPtr& labels, absl::Span<const StatedLabel> stated) {
  if (labels == nullptr) return stated.empty();
  return std::equal(labels->begin(), labels->end(), stated.begin(),
                    stated.end(), [](const Label& a, const StatedLabel& b) {
                      return a.key == b.key && a.value == b.value;
                    });
}

LabelsPtr MakeLabels(absl::Span<const StatedLabel> stated) {
  if (stated.empty()) return nullptr;
  Labels labels;
  labels.reserve(stated.size());
  for (const StatedLabel& label : stated) {
    labels.push_back({std::string(label.key), std::string(label.value)});
  }
  return std::make_shared<const Labels>(std::move(labels));
}

std::string ToString(const LabelsPtr& labels) {
  std::string text;
  if (labels == nullptr) return text;
  for (const Label& label : *labels) {
    absl::StrAppend(&text, text.empty() ? "" : ",", label.key, "=",
                    label.value);
  }
  return text;
}

}  // namespace rmq
