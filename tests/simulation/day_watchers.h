// Those who watch a simulated day.
#ifndef TESTS_SIMULATION_DAY_WATCHERS_H_
#define TESTS_SIMULATION_DAY_WATCHERS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/watch/event_history.h"
#include "broker/watch/watcher.h"

namespace rmq {

// Client ids by kind, group and channel id.
using ReplayedMembers =
    std::map<std::tuple<GroupKind, std::string, ChannelId>, std::string>;

// One who watches, and what it makes of what it is told. Borrows its parts.
class DayWatcher {
 public:
  DayWatcher(const ClientTable* table, const EventHistory* history,
             WatchFilter filter);

  // Watches anew, with a snapshot.
  void Begin();
  // Watches on, from the revision after the last one that it has whole.
  void Resume();

  // Reads up to `steps` steps. Returns whether there is nothing more.
  bool Read(absl::Time now, int steps);

  const ReplayedMembers& members() const { return members_; }
  // It has the whole snapshot.
  bool is_whole() const { return is_whole_; }
  // It was too slow: Begin() is next.
  bool is_cut() const { return is_cut_; }
  // Of all events since the first snapshot.
  uint64_t digest() const { return digest_; }
  // What contradicted what it had been told; empty if nothing has.
  const std::string& failure() const { return failure_; }

 private:
  void Apply(const Watcher::Step& step);
  void ApplyEvent(const KeptEvent& event);

  const ClientTable& table_;
  const EventHistory& history_;
  const WatchFilter filter_;
  std::unique_ptr<Watcher> watcher_;
  ReplayedMembers members_;
  bool is_whole_ = false;
  bool is_cut_ = false;
  // The last revision of which it has all events.
  uint64_t revision_ = 0;
  uint64_t digest_ = 0;
  std::string failure_;
};

// Five who watch in different ways.
class DayWatchers {
 public:
  DayWatchers(const ClientTable* table, const EventHistory* history,
              const std::string& one_group, uint64_t seed);

  // After each call. What is wrong; empty if nothing is.
  std::string Read(absl::Time now);
  // The same for what the table has now.
  std::string Compare() const;

  // Whether the one who watches all has the membership.
  bool Has(GroupKind kind, const std::string& group, ChannelId channel) const {
    return all_.members().count({kind, group, channel}) > 0;
  }

  // "resumed=...": how often each thing happened.
  std::string Figures() const;

 private:
  bool Chance(int one_in) { return random_() % one_in == 0; }
  ReplayedMembers ReadTable() const;

  const ClientTable& table_;
  const std::string one_group_;
  std::mt19937_64 random_;
  DayWatcher all_;
  DayWatcher of_one_group_;
  // Is cut off now and then, and resumes later.
  DayWatcher resumed_;
  int away_for_ = 0;
  // Reads its snapshot step by step, and then begins anew.
  DayWatcher newcomer_;
  // Reads so slowly that it is cut.
  DayWatcher slow_;
  int64_t resumes_ = 0, snapshots_ = 0, cuts_ = 0;
};

}  // namespace rmq

#endif  // TESTS_SIMULATION_DAY_WATCHERS_H_
