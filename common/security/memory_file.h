// A file in memory, for libraries that read a secret from a path only.
#ifndef COMMON_SECURITY_MEMORY_FILE_H_
#define COMMON_SECURITY_MEMORY_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rmq {

// Has a path under /proc/self/fd, which this process alone can open, and which
// stays the same when the content is replaced. Who opens the path reads one
// content whole. Each content has another time of modification, in seconds, so
// a reader that opens the path twice can tell whether it has read one content.
//
// Readers need no care. Replace() is not thread-safe.
class MemoryFile {
 public:
  // Returns Unavailable if the system has no room, or no /proc.
  static absl::StatusOr<MemoryFile> Create(absl::string_view content);

  ~MemoryFile();
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&&) = delete;

  std::string path() const;

  // Replaces the content, in one step. Returns Unavailable, and leaves the
  // content as it is, if the system has no room.
  absl::Status Replace(absl::string_view content);

 private:
  explicit MemoryFile(int fd) : fd_(fd) {}

  int fd_;
  // Of the content; it is also its time of modification.
  int64_t generation_ = 1;
};

}  // namespace rmq

#endif  // COMMON_SECURITY_MEMORY_FILE_H_
