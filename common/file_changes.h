// Tells whether files have changed, for whoever reads them anew when he needs
// them.
#ifndef COMMON_FILE_CHANGES_H_
#define COMMON_FILE_CHANGES_H_

#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/clock.h"

namespace rmq {

// A file is another one if its device, inode, size or time of modification is,
// or if it has come or gone. Symbolic links are followed.
//
// Nothing looks by itself: the owner asks, and a look costs a system call for
// each file. Not thread-safe. `clock` is borrowed.
class FileChanges {
 public:
  // Looks at the files for the first time: read them afterwards. Empty paths
  // are left out.
  FileChanges(std::vector<std::string> paths, Clock* clock);

  // Whether a file has changed since the last look. Looks at most once in
  // kPeriod; false in between. Read the files after it, not before: a change
  // that comes while they are read is then told by the next look.
  bool HaveChanged();

  static constexpr absl::Duration kPeriod = absl::Seconds(1);

 private:
  // Device, inode, size, and time of modification in seconds and nanoseconds.
  using Facts = absl::optional<
      std::tuple<unsigned long, unsigned long, long, long, long>>;

  std::vector<Facts> Look() const;

  std::vector<std::string> paths_;
  Clock& clock_;
  absl::Time looked_;
  std::vector<Facts> facts_;
};

}  // namespace rmq

#endif  // COMMON_FILE_CHANGES_H_
