#include "client/client_labels.h"

#include <unistd.h>

#include "common/validation.h"

namespace rmq {

std::map<std::string, std::string> LabelsOf(const ClientOptions& options) {
  std::map<std::string, std::string> labels = options.labels;
  if (options.label_host_name) {
    char name[kMaxLabelValueBytes + 1] = {};
    if (gethostname(name, sizeof(name) - 1) == 0) {
      labels[ClientOptions::kHostLabel] = name;
    }
  }
  if (!options.application_version.empty()) {
    labels[ClientOptions::kApplicationVersionLabel] =
        options.application_version;
  }
  return labels;
}

}  // namespace rmq
