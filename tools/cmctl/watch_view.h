// Shows what watchers of brokers are told: a line an event, or a live table.
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
// choose is escaped. `broker`, unless it is empty, stands before the revision.
std::string EventLine(const WatchedEvent& event, absl::TimeZone zone,
                      absl::string_view broker = {});

// What of it matters most, for a narrow terminal: "18:12:53 CLIENT_UNREGISTER
// orders a EXPIRED". `broker`, unless it is empty, stands behind the time.
std::string ShortEventLine(const WatchedEvent& event, absl::TimeZone zone,
                           absl::string_view broker = {});

// protobuf's JSON of the event in one line.
std::string EventJson(const WatchedEvent& event);

// `text` cut to so many columns, as far as one character is one column.
std::string FitTo(absl::string_view text, size_t columns);

// The live table: the groups of the brokers with their members, and the last
// events. Not thread-safe.
class WatchView {
 public:
  // What of the events stands in the table at most.
  static constexpr size_t kLastEvents = 100;

  // `shows_brokers`: each row and each event has its broker, since there are
  // several, or may be.
  WatchView(bool shows_brokers, absl::TimeZone zone)
      : shows_brokers_(shows_brokers), zone_(zone) {}

  // The brokers that are watched, and how they are called, by their addresses.
  // What is told of others is left out.
  void SetBrokers(const std::map<std::string, std::string>& labels);

  void Add(const std::string& address, const WatchedEvent& event);
  // A line among the events: a gap, or that the members are known.
  void AddLine(std::string line);
  void SetState(const std::string& address, const WatchState& state);
  void SetGroups(const std::string& address, std::vector<WatchedGroup> groups);

  // As many lines as fit, each with a line's end, none wider than `columns`.
  std::string Show(size_t columns, size_t rows, absl::Time now) const;

 private:
  // How often somebody joined and left a group since the watch began.
  struct Traffic {
    int64_t joined = 0;
    int64_t left = 0;
    absl::Time last;
  };

  struct Broker {
    std::string label;
    WatchState state;
    uint64_t revision = 0;
    std::vector<WatchedGroup> groups;
    // Of groups that are listed, by kind and name.
    std::map<std::pair<bool, std::string>, Traffic> traffic;
  };

  std::vector<std::string> Head() const;
  // The table's rows, at most `most`, and how many there are.
  std::pair<std::vector<std::vector<std::string>>, size_t> Rows(
      size_t most, absl::Time now) const;

  const bool shows_brokers_;
  const absl::TimeZone zone_;
  std::map<std::string, Broker> brokers_;  // By address.
  size_t traffic_rows_ = 0;                // Of all brokers.
  std::deque<std::string> last_lines_;
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_WATCH_VIEW_H_
