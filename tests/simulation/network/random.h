// Random numbers that are the same on every machine.
#ifndef TESTS_SIMULATION_NETWORK_RANDOM_H_
#define TESTS_SIMULATION_NETWORK_RANDOM_H_

#include <cstdint>
#include <random>

namespace rmq::network {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // In [0, n).
  int Below(int n) {
    return static_cast<int>(engine_() % static_cast<uint64_t>(n));
  }
  // In [least, most].
  int Between(int least, int most) { return least + Below(most - least + 1); }
  bool Percent(int percent) { return Below(100) < percent; }
  // In [0, 1).
  double Part() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  uint64_t Number() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_RANDOM_H_
