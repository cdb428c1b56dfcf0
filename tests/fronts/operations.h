// What clients of both fronts, operators and time do, drawn from a seed.
#ifndef TESTS_FRONTS_OPERATIONS_H_
#define TESTS_FRONTS_OPERATIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rmq::fronts {

inline constexpr int kClientIds = 3;
// Native streams. Stream i is of the client i % kClientIds.
inline constexpr int kStreams = 5;
inline constexpr int kGroups = 3;
inline constexpr int kTopics = 3;

enum class Act : uint8_t {
  // --- A native stream, `who` ---
  kOpen,
  kClose,
  kState,   // A full heartbeat. The stream is opened if need be.
  kRepeat,  // The last full heartbeat again.
  kRenew,   // A light heartbeat.
  kUnregister,
  // --- Unary calls of the client `who` ---
  kUnaryState,
  kUnaryUnregister,
  // --- The SDK client `who` ---
  kSdkOpenStream,
  kSdkCloseStream,  // One of those that are open.
  kSdkSettings,
  kSdkRepeatSettings,
  kSdkHeartbeat,
  kSdkGoodbye,
  kSdkRoute,
  // --- Others ---
  kKick,     // The client `who`, on all its channels.
  kRelease,  // Lets the client `who` in again.
  kPass,     // Time.
};
inline constexpr int kActs = 18;

// The bits say the rest: what is stated, how long. What they mean is for who
// plays the operation.
struct Operation {
  Act act = Act::kPass;
  int who = 0;
  uint32_t bits = 0;
};

// Settings of a world.
struct World {
  bool reject_pull_consumers = false;
  bool register_producers = true;
};

// Enough for everything to happen.
inline constexpr size_t kOperationsOfAWorld = 300;

// Those of a seed. The same on every machine.
World DrawWorld(uint64_t seed);
std::vector<Operation> DrawOperations(uint64_t seed);

// "sdk-settings 1 2f03".
std::string Format(const Operation& operation);

// Takes pieces of an operation's bits, the lowest first; 0 after the last.
class Bits {
 public:
  explicit Bits(uint32_t bits) : bits_(bits) {}
  // 0 to 2^count - 1.
  int Take(int count) {
    const auto taken = static_cast<int>(bits_ & ((1U << count) - 1));
    bits_ >>= count;
    return taken;
  }

 private:
  uint32_t bits_;
};

}  // namespace rmq::fronts

#endif  // TESTS_FRONTS_OPERATIONS_H_
