// What the client processes of a simulated day are and know.
#ifndef TESTS_SIMULATION_DAY_CLIENT_H_
#define TESTS_SIMULATION_DAY_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rmq {

// How one member of a group differs from what the others state.
enum class Canary {
  kNone,
  kAnotherTopicToo,
  kRetryTopicOnly,
  kNothing,
  kGreaterVersion,
  kEqualVersion,
  kSmallerVersion,
  kVersionOfTheFuture,
  kOtherMessageModel,
};
inline constexpr int kCanaries = 8;

using ClientIds = std::shared_ptr<const std::vector<std::string>>;

struct DayClient {
  enum class State { kAway, kLive, kSilent };
  struct Consumer {
    int group;
    int definition;  // Of its subscriptions; rises with each rollout.
    Canary canary = Canary::kNone;
  };

  State state = State::kAway;
  bool unary = false;
  uint64_t incarnation = 0;
  // In milliseconds; 0: none.
  int64_t requested_expiry = 0;
  bool numbers_streams = true;
  uint64_t streams = 0;  // That the process has opened.
  int channel = -1;
  uint64_t token = 0;
  uint32_t generation = 0;  // Of its timer: older ones are void.
  std::vector<Consumer> consumers;
  std::vector<Consumer> laid_aside;  // Stated again later.
  std::vector<int> producers;
  // The consumer ids of each group, read at the latest push.
  std::map<std::string, ClientIds> known;
};

}  // namespace rmq

#endif  // TESTS_SIMULATION_DAY_CLIENT_H_
