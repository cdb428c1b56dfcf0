// Shows what a watcher of a broker is told: a line an event, or a live table.
#ifndef TOOLS_CMCTL_WATCH_VIEW_H_
#define TOOLS_CMCTL_WATCH_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/watch/watched_event.h"

namespace rmq::cmctl {

// "2026-11-29 18:12:53.250 CLIENT_UNREGISTER revision=12 kind=consumer
// group=orders client_id=a remote=127.0.0.1:5000 reason=EXPIRED". What clients
// choose is escaped.
std::string EventLine(const WatchedEvent& event, absl::TimeZone zone);

// What of it matters most, for a narrow terminal: "18:12:53 CLIENT_UNREGISTER
// orders a EXPIRED".
std::string ShortEventLine(const WatchedEvent& event, absl::TimeZone zone);

// protobuf's JSON of the event in one line.
std::string EventJson(const WatchedEvent& event);

// `text` cut to so many columns, as far as one character is one column.
std::string FitTo(absl::string_view text, size_t columns);

// The live table: the groups with their members, and the last events. Not
// thread-safe.
class WatchView {
 public:
  WatchView(std::string broker, absl::TimeZone zone)
      : broker_(std::move(broker)), zone_(zone) {}

  // What of the events stands in the table at most.
  static constexpr size_t kLastEvents = 100;

  void Add(const WatchedEvent& event);
  // A line among the events: a gap, or that the members are known.
  void AddLine(std::string line);
  void SetState(const WatchState& state) { state_ = state; }
  void SetGroups(std::vector<WatchedGroup> groups) {
    groups_ = std::move(groups);
  }

  // As many lines as fit, each with a line's end, none wider than `columns`.
  std::string Show(size_t columns, size_t rows, absl::Time now) const;

 private:
  // How often somebody joined and left a group since the watch began.
  struct Traffic {
    int64_t joined = 0;
    int64_t left = 0;
    absl::Time last;
  };

  const std::string broker_;
  const absl::TimeZone zone_;
  WatchState state_;
  uint64_t revision_ = 0;
  std::vector<WatchedGroup> groups_;
  // Of groups that are listed, by kind and name.
  std::map<std::pair<bool, std::string>, Traffic> traffic_;
  std::deque<std::string> last_lines_;
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_WATCH_VIEW_H_
