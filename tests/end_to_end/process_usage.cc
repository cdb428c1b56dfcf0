#include "tests/end_to_end/process_usage.h"

#include <dirent.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

int CountEntries(const std::string& path) {
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return 0;
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count - 2;  // "." and "..".
}

}  // namespace

ProcessUsage UsageOf(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid);
  ProcessUsage usage;
  std::ifstream stat(folder + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return usage;
  // The program's name, in parentheses, may have spaces. After it, proc(5)
  // counts from field 3.
  std::istringstream words(line.substr(line.rfind(')') + 1));
  std::vector<std::string> fields;
  for (std::string field; words >> field;) fields.push_back(field);
  const auto field = [&fields](size_t number) {
    return std::stoll(fields.at(number - 3));
  };
  usage.cpu_seconds = static_cast<double>(field(14) + field(15)) /
                      static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.threads = static_cast<int>(field(20));
  usage.resident_kib = field(24) * sysconf(_SC_PAGESIZE) / 1024;
  usage.open_files = CountEntries(folder + "/fd");
  return usage;
}

}  // namespace rmq
