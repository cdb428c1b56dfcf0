#include "common/security/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

absl::Status Failed() {
  return absl::UnavailableError(
      absl::StrCat("cannot keep a file in memory: ",
                   std::generic_category().message(errno)));
}

// Returns a descriptor, or -1, and errno is set.
int Make(absl::string_view content, int64_t generation) {
  const int fd = memfd_create("memory_file", MFD_CLOEXEC);
  if (fd < 0) return -1;
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written <= 0) break;
    content.remove_prefix(static_cast<size_t>(written));
  }
  const std::array<timespec, 2> times = {timespec{generation, 0},
                                         timespec{generation, 0}};
  if (content.empty() && futimens(fd, times.data()) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

absl::StatusOr<MemoryFile> MemoryFile::Create(absl::string_view content) {
  MemoryFile file(Make(content, 1));
  if (file.fd_ < 0 || access(file.path().c_str(), R_OK) != 0) return Failed();
  return file;
}

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) close(fd_);
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), generation_(other.generation_) {}

std::string MemoryFile::path() const {
  return absl::StrCat("/proc/self/fd/", fd_);
}

absl::Status MemoryFile::Replace(absl::string_view content) {
  const int fd = Make(content, generation_ + 1);
  if (fd < 0) return Failed();
  const bool replaced = dup3(fd, fd_, O_CLOEXEC) == fd_;
  const absl::Status status = replaced ? absl::OkStatus() : Failed();
  close(fd);
  if (replaced) ++generation_;
  return status;
}

}  // namespace rmq
