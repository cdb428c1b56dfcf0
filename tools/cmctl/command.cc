#include "tools/cmctl/command.h"

namespace rmq::cmctl {

const std::string& CommandLine::value(absl::string_view name) const {
  static const std::string& none = *new std::string;
  const auto found = values.find(name);
  return found == values.end() ? none : found->second;
}

const std::vector<std::string>& CommandLine::list(
    absl::string_view name) const {
  static const auto& none = *new std::vector<std::string>;
  const auto found = lists.find(name);
  return found == lists.end() ? none : found->second;
}

}  // namespace rmq::cmctl
