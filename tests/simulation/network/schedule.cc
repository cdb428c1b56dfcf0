#include "tests/simulation/network/schedule.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/simulation/network/random.h"

namespace rmq::network {
namespace {

// In the order of StepKind, with how often each is drawn.
struct KindInfo {
  absl::string_view name;
  int weight;
};
constexpr KindInfo kKinds[kStepKinds] = {
    {"start", 12},       {"kill", 3},
    {"vanish", 2},       {"shutdown", 3},
    {"groups", 10},      {"stop", 4},
    {"continue", 6},     {"cut", 12},
    {"swallow", 4},      {"heal", 4},
    {"delay", 8},        {"refuse", 2},
    {"half-close", 3},   {"slow", 2},
    {"stop-broker", 2},  {"continue-broker", 4},
    {"kill-broker", 1},  {"start-broker", 3},
    {"drain-broker", 1}, {"drain", 2},
    {"cancel-drain", 3}, {"crowd", 4},
    {"crowd-leave", 5},  {"crowd-churn", 4},
    {"second", 3},       {"replace", 3},
    {"kick", 1},
};

int TotalWeight() {
  int total = 0;
  for (const KindInfo& kind : kKinds) total += kind.weight;
  return total;
}

StepKind DrawKind(Random* random) {
  int left = random->Below(TotalWeight());
  int kind = 0;
  while (left >= kKinds[kind].weight) left -= kKinds[kind++].weight;
  return static_cast<StepKind>(kind);
}

int DrawWait(Random* random) {
  const int percent = random->Below(100);
  if (percent < 35) return random->Below(10);
  if (percent < 60) return random->Below(300);
  if (percent < 90) return random->Below(3'000);
  if (percent < 98) return random->Below(15'000);
  return random->Below(60'000);
}

// Mostly CLUSTERING groups.
int DrawGroup(Random* random) {
  return random->Percent(85) ? random->Below(kBroadcasting)
                             : random->Below(kGroups);
}
int DrawGroups(Random* random) {
  return random->Percent(60) ? 1 : random->Between(1, (1 << kGroups) - 1);
}

Step DrawStep(Random* random, bool is_crowded) {
  Step step;
  step.kind = DrawKind(random);
  const int client = random->Below(kClients);
  const int broker = random->Below(kBrokers);
  switch (step.kind) {
    case StepKind::kStart:
    case StepKind::kGroups:
      step.a = client;
      step.b = DrawGroups(random);
      break;
    case StepKind::kKill:
    case StepKind::kVanish:
    case StepKind::kShutdown:
    case StepKind::kStop:
    case StepKind::kContinue: step.a = client; break;
    case StepKind::kCut:
      step.a = client;
      step.b = broker;
      step.c = random->Below(9);
      break;
    case StepKind::kSwallow:
      step.a = client;
      step.b = broker;
      step.c = random->Between(1, 3);
      break;
    case StepKind::kDelay:
      step.a = client;
      step.b = broker;
      step.c = random->Percent(70) ? random->Below(500) : random->Below(8'000);
      break;
    case StepKind::kSlow:
      step.a = client;
      step.b = broker;
      step.c = random->Percent(30) ? 0 : random->Below(4'000);
      break;
    case StepKind::kHeal:
    case StepKind::kRefuse:
    case StepKind::kHalfClose:
      step.a = client;
      step.b = broker;
      break;
    case StepKind::kKick:
      step.a = client;
      step.b = broker;
      step.c = random->Percent(60) ? random->Between(1, 30'000) : 0;
      break;
    case StepKind::kStopBroker:
    case StepKind::kContinueBroker:
    case StepKind::kKillBroker:
    case StepKind::kCancelDrain:
    case StepKind::kDrainBroker: step.a = broker; break;
    case StepKind::kDrain:
      step.a = broker;
      step.c = random->Percent(20) ? 0 : random->Below(60'000);
      break;
    case StepKind::kStartBroker:
      step.a = broker;
      step.b = random->Percent(20) ? 1 : 0;
      break;
    case StepKind::kCrowd:
    case StepKind::kCrowdLeave:
    case StepKind::kCrowdChurn:
      step.a = broker;
      step.b = DrawGroup(random);
      step.c = is_crowded && random->Percent(40) ? random->Between(30, 120)
                                                 : random->Between(1, 5);
      break;
    case StepKind::kSecond:
    case StepKind::kReplace:
      step.a = broker;
      step.b = DrawGroup(random);
      break;
  }
  step.wait_ms = DrawWait(random);
  return step;
}

}  // namespace

Schedule DrawSchedule(uint64_t seed) {
  Random random(seed);
  Schedule schedule;
  schedule.seed = seed;
  // Crowds are what costs most.
  const bool is_crowded = random.Percent(15);
  const int steps = random.Percent(80)
                        ? random.Between(5, 60)
                        : random.Between(60, static_cast<int>(kMostSteps));
  // Some clients to begin with.
  for (int client = 0; client < kClients; ++client) {
    if (random.Percent(client < kClientIds ? 70 : 10)) {
      schedule.steps.push_back({StepKind::kStart, client, DrawGroups(&random),
                                0, random.Percent(50) ? 0 : 200});
    }
  }
  while (schedule.steps.size() < static_cast<size_t>(steps)) {
    schedule.steps.push_back(DrawStep(&random, is_crowded));
  }
  return schedule;
}

std::string Format(const Schedule& schedule) {
  return absl::StrCat(
      schedule.seed, ": ",
      absl::StrJoin(schedule.steps, "; ", [](std::string* out, const Step& s) {
        absl::StrAppend(out, kKinds[static_cast<int>(s.kind)].name, " ", s.a,
                        " ", s.b, " ", s.c, " ", s.wait_ms);
      }));
}

absl::StatusOr<Schedule> ParseSchedule(absl::string_view line) {
  const auto bad = [line](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("a schedule must be \"SEED\" or \"SEED: kind a b c wait; "
                     "...\", and ",
                     what, " in: ", line));
  };
  const std::vector<absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(':', 1));
  uint64_t seed;
  if (!absl::SimpleAtoi(parts[0], &seed)) return bad("there is no seed");
  if (parts.size() == 1) return DrawSchedule(seed);
  Schedule schedule;
  schedule.seed = seed;
  for (const absl::string_view text :
       absl::StrSplit(parts[1], ';', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(text, ' ', absl::SkipEmpty());
    Step step;
    const auto kind = std::find_if(
        std::begin(kKinds), std::end(kKinds),
        [&words](const KindInfo& info) { return info.name == words[0]; });
    if (kind == std::end(kKinds)) return bad("a kind of step is unknown");
    step.kind = static_cast<StepKind>(kind - std::begin(kKinds));
    if (words.size() != 5 || !absl::SimpleAtoi(words[1], &step.a) ||
        !absl::SimpleAtoi(words[2], &step.b) ||
        !absl::SimpleAtoi(words[3], &step.c) ||
        !absl::SimpleAtoi(words[4], &step.wait_ms)) {
      return bad("a step is not of this form");
    }
    schedule.steps.push_back(step);
  }
  return schedule;
}

}  // namespace rmq::network
