#include "common/file_changes.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace rmq {

FileChanges::FileChanges(std::vector<std::string> paths, Clock* clock)
    : paths_(std::move(paths)), clock_(*clock), looked_(clock->TimeNow()) {
  paths_.erase(std::remove(paths_.begin(), paths_.end(), ""), paths_.end());
  facts_ = Look();
}

bool FileChanges::HaveChanged() {
  const absl::Time now = clock_.TimeNow();
  if (now < looked_ + kPeriod) return false;
  looked_ = now;
  std::vector<Facts> facts = Look();
  return std::exchange(facts_, facts) != facts;
}

std::vector<FileChanges::Facts> FileChanges::Look() const {
  std::vector<Facts> all;
  all.reserve(paths_.size());
  for (const std::string& path : paths_) {
    struct stat facts;
    if (stat(path.c_str(), &facts) == 0) {
      all.push_back(std::make_tuple(facts.st_dev, facts.st_ino, facts.st_size,
                                    facts.st_mtim.tv_sec,
                                    facts.st_mtim.tv_nsec));
    } else {
      all.emplace_back();
    }
  }
  return all;
}

}  // namespace rmq
