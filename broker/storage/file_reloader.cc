#include "broker/storage/file_reloader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// Differs whenever the file was replaced or written; 0 if there is none.
uint64_t StampOfFile(int directory, const char* path, struct stat* found) {
  if (fstatat(directory, path, found, 0) != 0) return 0;
  return absl::HashOf(found->st_dev, found->st_ino, found->st_size,
                      found->st_mode, found->st_mtim.tv_sec,
                      found->st_mtim.tv_nsec, found->st_ctim.tv_sec,
                      found->st_ctim.tv_nsec);
}

// The same for a file, or for a directory and its entries.
uint64_t StampOf(const std::string& path) {
  struct stat found;
  uint64_t stamp = StampOfFile(AT_FDCWD, path.c_str(), &found);
  if (stamp == 0 || !S_ISDIR(found.st_mode)) return stamp;
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return stamp;
  for (int i = 0; i < FileReloader::kMostEntries; ++i) {
    const dirent* const entry = readdir(directory);
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    // A sum, since the order in which entries are listed may change.
    stamp += absl::HashOf(name,
                          StampOfFile(dirfd(directory), entry->d_name, &found));
  }
  closedir(directory);
  return stamp;
}

uint64_t StampOfAll(const std::vector<std::string>& paths) {
  uint64_t stamp = 0;
  for (const std::string& path : paths) {
    stamp = absl::HashOf(stamp, StampOf(path));
  }
  return stamp;
}

}  // namespace

void FileReloader::Add(WatchedFiles files) {
  MutexLock lock(&mu_);
  State state;
  state.name = files.name;
  states_.push_back(std::move(state));
  const uint64_t stamp = StampOfAll(files.paths);
  entries_.push_back({std::move(files), stamp, stamp});
}

absl::Status FileReloader::Start() {
  if (!entries_.empty()) thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

void FileReloader::Stop(absl::Duration /*timeout*/) {
  alarm_.Stop();
  if (thread_.joinable()) thread_.join();
}

void FileReloader::ReloadNow() {
  {
    MutexLock lock(&mu_);
    is_asked_ = true;
  }
  alarm_.BringForward(absl::InfinitePast());
}

bool FileReloader::IsPending() const {
  MutexLock lock(&mu_);
  return !states_.empty() && (is_asked_ || is_loading_);
}

std::vector<FileReloader::State> FileReloader::States() const {
  MutexLock lock(&mu_);
  return states_;
}

void FileReloader::Loop() {
  while (
      alarm_.Await(&clock_, absl::InfinitePast(), clock_.TimeNow() + kPeriod)) {
    Look();
  }
}

void FileReloader::Look() {
  bool is_asked;
  {
    MutexLock lock(&mu_);
    is_asked = std::exchange(is_asked_, false);
    is_loading_ = is_asked;
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    const uint64_t stamp = StampOfAll(entry.files.paths);
    const bool is_still = stamp == std::exchange(entry.seen, stamp);
    if (!is_asked && (stamp == entry.stamp || !is_still)) continue;
    entry.stamp = stamp;
    const absl::Status status = entry.files.load();
    if (status.ok()) {
      LOG(INFO) << "reloaded" << Kv("name", entry.files.name);
    } else {
      LOG(ERROR) << "not reloaded: what was loaded before stays"
                 << Kv("name", entry.files.name)
                 << Kv("error", status.message());
    }
    MutexLock lock(&mu_);
    ++(status.ok() ? states_[i].loads : states_[i].failures);
    states_[i].last = status;
  }
  MutexLock lock(&mu_);
  is_loading_ = false;
}

}  // namespace rmq
