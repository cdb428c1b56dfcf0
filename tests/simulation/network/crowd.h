// Clients that are not of the library, and that go over no network: old ones,
// which acknowledge nothing, and strict ones, which do what the proto asks of a
// client and nothing more.
#ifndef TESTS_SIMULATION_NETWORK_CROWD_H_
#define TESTS_SIMULATION_NETWORK_CROWD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "tests/simulation/network/process.h"
#include "tests/simulation/network/random.h"
#include "tests/simulation/network/true_lists.h"

namespace rmq::network {

// The crowd of one broker process. It lives in that process, and ends with it.
//
// An old client reads the list when it has joined and at each push. A strict
// one applies the pushes by the rules of NotifyConsumerIdsChanged and lists
// only when they say so; one that comes back after a lost stream acknowledges
// what it holds. The pushes reach it after some time or get lost, though never
// two in a row; its acknowledgments reach the broker after some time, and may
// overtake each other. Both heartbeat each kHeartbeat.
class Crowd {
 public:
  static constexpr absl::Duration kHeartbeat = absl::Seconds(8);

  // What the crowd acts on, borrowed.
  struct Environment {
    BrokerCore* core = nullptr;
    const TrueLists* lists = nullptr;
    Process* process = nullptr;
    // Called after everything that may make a task of the broker due.
    std::function<void()> rearm;
    // Called with what is wrong.
    std::function<void(std::string)> on_wrong;
  };

  Crowd(Environment environment, uint64_t seed);
  ~Crowd();

  void Join(int group, int count);
  // They unregister, are cut off, or fall silent.
  void Leave(int group, int count);
  // They come and go at once, some under ids of before.
  void Churn(int group, int count);
  // Another stream of a client id that is there.
  void AddSecond(int group);
  // A member's stream is replaced by a new one of the same process.
  void Replace(int group);

  // Whether there is one that fell silent and has not expired yet.
  bool HasSilent() const;
  // Those of the groups that are notified who do not know the latest list.
  // Empty if all do.
  std::string WhoMissedSomething() const;

 private:
  class Member;
  class OldMember;
  class StrictMember;
  using MemberPtr = std::shared_ptr<Member>;

  void Heartbeat();
  MemberPtr NewMember(const std::string& client_id, int group,
                      uint64_t incarnation, bool is_strict);
  void Enter(const MemberPtr& member);
  void Exit(const MemberPtr& member, int way);
  std::vector<MemberPtr> MembersOf(int group) const;

  const Environment environment_;
  Random random_;
  std::vector<MemberPtr> members_;
  uint64_t streams_ = 0;
  uint64_t last_client_ = 0;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_CROWD_H_
