// Known misconfigurations of brokers: how they show, what they mean, and what
// to do.
#ifndef TOOLS_CMCTL_DOCTOR_CHECKS_H_
#define TOOLS_CMCTL_DOCTOR_CHECKS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/cmctl/doctor_finders.h"

namespace rmq::cmctl {

// "ERROR", "WARNING", "NOTE".
absl::string_view Name(Severity severity);

struct Finding {
  // Names the check: "certificate".
  absl::string_view check;
  Severity severity;
  // The broker's label; empty: it is about several.
  std::string broker;
  // What was found.
  std::string what;
  // What it means, and what to do: sentences.
  absl::string_view meaning;
  absl::string_view remedy;
};

// A check, for the documentation.
struct CheckInfo {
  absl::string_view name;
  absl::string_view summary;
};
std::vector<CheckInfo> AllChecks();

// What is wrong, the worst first, then by check. Patients that could not be
// read are left out.
std::vector<Finding> Diagnose(const Patients& patients);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_DOCTOR_CHECKS_H_
