// Makes operations of traces from a seed: a small world of clients, channels
// and groups that come, go, come back, disagree and fall silent. In some worlds
// the broker's housekeeping ticks, and is late now and then. Some worlds have
// so few groups, topics and versions that the members of a group share all of
// them. In some worlds hardly any time passes, so that members stay.
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
  // `has_epochs`: there are operations about the epochs of groups too, and
  // operators who take clients out and let them in again.
  explicit RandomOperations(uint64_t seed, bool has_epochs = false);

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
    int64_t incarnation = 0;
    uint64_t stream_number = 0;
    bool is_stand_in = false;
    Heartbeat last;
  };

  // Below `bound`.
  size_t Any(size_t bound) { return random_() % bound; }
  bool Chance(int percent) { return Any(100) < static_cast<size_t>(percent); }
  // Of a client's program.
  int32_t AnyVersion() { return static_cast<int32_t>(400 + Any(3)); }
  template <typename List>
  const auto& OneOf(const List& list) {
    return list[Any(std::size(list))];
  }

  void DrawNames();
  void MakeConfig();
  void MakeLookUps();
  Operation Open();
  Operation Advance();
  Operation Tick();
  Operation MakeHeartbeat();
  Heartbeat FullBody(const Channel& channel);
  // The last statement of the channel's process over another channel; null if
  // there is none.
  const Heartbeat* LastOfItsProcess(const Channel& channel) const;
  // Changes one of the groups in the statement.
  void Alter(Heartbeat* body);
  Consumer MakeConsumer(const std::string& group);
  Subscription MakeSubscription(const std::string& topic);
  void SpoilForm(Heartbeat* body);
  Operation MakeUnregister();
  Operation MakeCheck();
  Operation AboutEpochs();
  Operation ByAnOperator();
  Channel& AnyChannel();
  Channel& AnyStream();

  std::mt19937_64 random_;
  // Of this world.
  bool is_narrow_ = false;
  bool is_calm_ = false;
  std::vector<std::string> groups_;
  std::vector<std::string> topics_;
  std::vector<int64_t> versions_;
  Config config_;
  std::vector<Operation> look_ups_;
  int opened_ = 0;
  std::vector<Channel> open_;
  std::vector<Channel> closed_;
  // For the unary calls of each client.
  std::vector<Channel> stand_ins_;
  const bool has_epochs_;
  // Groups of which a list is being read.
  std::vector<std::string> begun_lists_;
  bool has_ticks_ = false;
  // The time still to pass, in steps of the housekeeping period.
  int64_t to_pass_ms_ = 0;
  bool ticked_ = false;
};

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_RANDOM_OPERATIONS_H_
