// Operations of traces, made up from a seed: a small world of clients, channels
// and groups that come, go, disagree and fall silent.
#ifndef TESTS_CONFORMANCE_RANDOM_OPERATIONS_H_
#define TESTS_CONFORMANCE_RANDOM_OPERATIONS_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// The same seed makes the same world and operations, on every machine.
class RandomOperations {
 public:
  explicit RandomOperations(uint64_t seed);

  const Config& config() const { return config_; }

  // The next operation, without expectation but for the code of SQL92
  // expressions.
  Operation Next();

  // Every look-up that can tell anything of this world.
  const std::vector<Operation>& LookUps() const { return look_ups_; }

 private:
  struct Channel {
    std::string name;
    std::string client_id;
    Heartbeat last;
  };

  // Below `bound`.
  size_t Any(size_t bound) { return random_() % bound; }
  bool Chance(int percent) { return Any(100) < static_cast<size_t>(percent); }
  template <typename List>
  const auto& OneOf(const List& list) {
    return list[Any(std::size(list))];
  }

  void MakeConfig();
  void MakeLookUps();
  Operation Open();
  Operation MakeHeartbeat();
  Heartbeat FullBody(const Channel& channel);
  Consumer MakeConsumer(const std::string& group);
  Subscription MakeSubscription(const std::string& topic);
  void SpoilForm(Heartbeat* body);
  Operation MakeUnregister();
  Operation MakeCheck();
  Channel& AnyChannel();

  std::mt19937_64 random_;
  Config config_;
  std::vector<Operation> look_ups_;
  int opened_ = 0;
  std::vector<Channel> open_;
  std::vector<Channel> closed_;
};

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_RANDOM_OPERATIONS_H_
