#include "tests/fronts/operations.h"

#include <iterator>
#include <random>

#include "absl/strings/str_cat.h"

namespace rmq::fronts {
namespace {

struct ActOf {
  Act act;
  const char* name;
  // How often it is drawn, of the sum of all.
  int share;
};

constexpr ActOf kAllActs[] = {
    {Act::kOpen, "open", 3},
    {Act::kClose, "close", 4},
    {Act::kState, "state", 12},
    {Act::kRepeat, "repeat", 8},
    {Act::kRenew, "renew", 8},
    {Act::kUnregister, "unregister", 4},
    {Act::kUnaryState, "unary-state", 6},
    {Act::kUnaryUnregister, "unary-unregister", 2},
    {Act::kSdkOpenStream, "sdk-open-stream", 8},
    {Act::kSdkCloseStream, "sdk-close-stream", 6},
    {Act::kSdkSettings, "sdk-settings", 10},
    {Act::kSdkRepeatSettings, "sdk-repeat-settings", 5},
    {Act::kSdkHeartbeat, "sdk-heartbeat", 24},
    {Act::kSdkGoodbye, "sdk-goodbye", 4},
    {Act::kSdkRoute, "sdk-route", 8},
    {Act::kKick, "kick", 2},
    {Act::kRelease, "release", 2},
    {Act::kPass, "pass", 24},
};
static_assert(std::size(kAllActs) == kActs);

Act DrawAct(uint64_t number) {
  int shares = 0;
  for (const ActOf& act : kAllActs) shares += act.share;
  auto left = static_cast<int>(number % static_cast<uint64_t>(shares));
  for (const ActOf& act : kAllActs) {
    if (left < act.share) return act.act;
    left -= act.share;
  }
  return Act::kPass;
}

int WhoDoes(Act act, uint64_t number) {
  const bool is_of_streams = act <= Act::kUnregister;
  return static_cast<int>(number % (is_of_streams ? kStreams : kClientIds));
}

}  // namespace

World DrawWorld(uint64_t seed) {
  std::mt19937_64 random(seed);
  World world;
  world.reject_pull_consumers = random() % 4 == 0;
  world.register_producers = random() % 6 != 0;
  return world;
}

std::vector<Operation> DrawOperations(uint64_t seed) {
  // Not those of DrawWorld().
  std::mt19937_64 random(~seed);
  std::vector<Operation> operations(kOperationsOfAWorld);
  for (Operation& operation : operations) {
    operation.act = DrawAct(random());
    operation.who = WhoDoes(operation.act, random());
    operation.bits = static_cast<uint32_t>(random());
  }
  return operations;
}

std::string Format(const Operation& operation) {
  for (const ActOf& act : kAllActs) {
    if (act.act != operation.act) continue;
    return absl::StrCat(act.name, " ", operation.who, " ",
                        absl::Hex(operation.bits));
  }
  return "?";
}

}  // namespace rmq::fronts
