// What happens in one play of the simulation: at most kMostSteps steps, drawn
// from a seed or read from text.
#ifndef TESTS_SIMULATION_NETWORK_SCHEDULE_H_
#define TESTS_SIMULATION_NETWORK_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rmq::network {

inline constexpr int kBrokers = 2;
// Slots of client processes. The last two have the client ids of the first two:
// each is another process that has taken the id.
inline constexpr int kClients = 7;
inline constexpr int kClientIds = 5;
inline constexpr int kGroups = 4;
// What the groups are. The others are CLUSTERING with notification on.
inline constexpr int kBroadcasting = 2;
inline constexpr int kNotNotified = 3;

inline std::string GroupName(int group) { return absl::StrCat("g", group); }

inline constexpr size_t kMostSteps = 200;

enum class StepKind : uint8_t {
  // --- Client processes ---
  kStart,     // a: slot, b: bits of groups. Restarts a process that is there.
  kKill,      // a: slot. The kernel closes its connections.
  kVanish,    // a: slot. The host is gone: nothing is closed.
  kShutdown,  // a: slot.
  kGroups,    // a: slot, b: bits of groups.
  kStop,      // a: slot. SIGSTOP.
  kContinue,  // a: slot.
  // --- Connections of slot a at broker b ---
  kCut,        // c: who learns of it, 0 to 8. See Network::Cut().
  kSwallow,    // c: bit 0 to the broker, bit 1 to the client.
  kHeal,       // New connections are good again.
  kDelay,      // c: ms for which everything is held back.
  kRefuse,     // New connections are refused.
  kHalfClose,  // The broker sees the end of what the client writes.
  kSlow,       // c: ms that a write of the broker takes from now on.
  // --- Brokers ---
  kStopBroker,      // a: broker. SIGSTOP.
  kContinueBroker,  // a: broker.
  kKillBroker,      // a: broker.
  // a: broker. Another process if there is one. b: 1 for a version that is
  // older
  // than epochs.
  kStartBroker,
  kDrainBroker,  // a: broker. It goes down.
  // An operator drains it. a: broker, c: in how many ms.
  kDrain,
  kCancelDrain,  // a: broker.
  // --- Clients that are not of the library: see crowd.h ---
  kCrowd,       // a: broker, b: group, c: how many come.
  kCrowdLeave,  // a: broker, b: group, c: how many go.
  kCrowdChurn,  // a: broker, b: group, c: how many come and go at once.
  kSecond,      // a: broker, b: group. Another channel of a client id.
  kReplace,     // a: broker, b: group. Another stream instead of an old one.
  // --- The client library ---
  kKick,  // a: slot, b: broker, c: ms for which it is to stay away; 0: not
          // said.
};
inline constexpr int kStepKinds = 27;

struct Step {
  StepKind kind = StepKind::kHeal;
  int a = 0;
  int b = 0;
  int c = 0;
  // What goes by after the step.
  int wait_ms = 0;
};

struct Schedule {
  // Draws what the steps leave open: delays, and the like.
  uint64_t seed = 0;
  std::vector<Step> steps;
};

// The schedule of a seed. The same on every machine.
Schedule DrawSchedule(uint64_t seed);

// As one line: "SEED: kind a b c wait; kind a b c wait; ...".
std::string Format(const Schedule& schedule);
// Reads what Format() writes, or a seed alone, whose steps are drawn.
absl::StatusOr<Schedule> ParseSchedule(absl::string_view line);

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_SCHEDULE_H_
