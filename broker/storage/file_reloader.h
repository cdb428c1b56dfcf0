// Loads files again when they change.
#ifndef BROKER_STORAGE_FILE_RELOADER_H_
#define BROKER_STORAGE_FILE_RELOADER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/part.h"
#include "broker/timer/alarm.h"
#include "common/clock.h"

namespace rmq {

// Files that are loaded together, and how.
struct WatchedFiles {
  // As the log calls them: "auth", "tls".
  std::string name;
  // Files, symbolic links to them, and directories, whose entries are watched.
  std::vector<std::string> paths;
  // Loads all of them, or returns an error and changes nothing. Called on the
  // reloader's thread, never twice at once.
  std::function<absl::Status()> load;
};

// Looks at files each kPeriod, on a thread of its own, and has those loaded
// that are not as they were before they were last loaded, once they are as they
// were at the look before. So a file that is being written is left alone until
// it is whole; one that was read all the same is read again. An error is logged
// once a change, and what was loaded before stays.
//
// Thread-safety: as Part; ReloadNow() and States() are thread-safe.
class FileReloader final : public Part {
 public:
  static constexpr absl::Duration kPeriod = absl::Seconds(1);
  // Entries of a directory that are looked at, in the order in which the system
  // lists them.
  static constexpr int kMostEntries = 10'000;

  // The outcome of the last load.
  struct State {
    std::string name;
    // Loads that succeeded and that failed since Start().
    int64_t loads = 0;
    int64_t failures = 0;
    // OK if the last one did, or if there was none.
    absl::Status last;
  };

  // Borrows `clock`.
  explicit FileReloader(Clock* clock) : clock_(*clock) {}
  // Stops at once if that has not been done.
  ~FileReloader() override { Stop(absl::ZeroDuration()); }
  FileReloader(const FileReloader&) = delete;
  FileReloader& operator=(const FileReloader&) = delete;

  // Files that their owner has loaded just now. Before Start() only.
  void Add(WatchedFiles files);

  // Has no thread if there are no files.
  absl::Status Start() override;
  // Waits for a load in progress, whatever `timeout` is.
  void Stop(absl::Duration timeout) override;

  // Has all files loaded soon, whether or not they have changed. Does not
  // block.
  void ReloadNow() ABSL_LOCKS_EXCLUDED(mu_);

  // Whether a load that ReloadNow() asked for has not ended yet: the States()
  // are earlier ones. False if there is nothing to load.
  bool IsPending() const ABSL_LOCKS_EXCLUDED(mu_);

  // In the order of Add().
  std::vector<State> States() const ABSL_LOCKS_EXCLUDED(mu_);

  // Looks at the files once, as the thread does: for tests, without Start().
  void Look() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    WatchedFiles files;
    // What the paths were like before the last load.
    uint64_t stamp;
    // The same at the last look.
    uint64_t seen;
  };

  void Loop();

  Clock& clock_;
  Alarm alarm_;
  // Used by the thread only, once it is started.
  std::vector<Entry> entries_;
  std::thread thread_;

  mutable absl::Mutex mu_;
  // One an entry, in their order; constant in number once started.
  std::vector<State> states_ ABSL_GUARDED_BY(mu_);
  bool is_asked_ ABSL_GUARDED_BY(mu_) = false;
  // Look() does what was asked.
  bool is_loading_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // BROKER_STORAGE_FILE_RELOADER_H_
