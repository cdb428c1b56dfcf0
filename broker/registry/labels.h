// What operators find a client by: its zone, host, application version.
#ifndef BROKER_REGISTRY_LABELS_H_
#define BROKER_REGISTRY_LABELS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rmq {

// One label of a statement. A view, valid for the call.
struct StatedLabel {
  absl::string_view key;
  absl::string_view value;
};

struct Label {
  std::string key;
  std::string value;
};

// In the order of their keys, each of which is there once.
using Labels = std::vector<Label>;
// Null if there are none.
using LabelsPtr = std::shared_ptr<const Labels>;

bool AreEqual(const LabelsPtr& labels, absl::Span<const StatedLabel> stated);

// `stated` is in the order of its keys.
LabelsPtr MakeLabels(absl::Span<const StatedLabel> stated);

// "host=h1,zone=a"; empty if there are none.
std::string ToString(const LabelsPtr& labels);

}  // namespace rmq

#endif  // BROKER_REGISTRY_LABELS_H_
