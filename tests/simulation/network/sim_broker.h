// A broker of the simulation: the real core and the real handler of frames,
// with streams on the simulated network, and a crowd of old clients.
#ifndef TESTS_SIMULATION_NETWORK_SIM_BROKER_H_
#define TESTS_SIMULATION_NETWORK_SIM_BROKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/network/crowd.h"
#include "tests/simulation/network/network.h"
#include "tests/simulation/network/process.h"
#include "tests/simulation/network/random.h"
#include "tests/simulation/network/scheduler.h"
#include "tests/simulation/network/true_lists.h"

namespace rmq::network {

// Its address stays, its processes come and go.
class SimBroker final : public Acceptor {
 public:
  struct Options {
    absl::Duration channel_expiry = absl::Seconds(30);
    absl::Duration notify_window = absl::Milliseconds(100);
    absl::Duration settle = absl::Seconds(3);
    // A listing's page has at most so many ids, whatever is asked for.
    int largest_page = 1'000;
  };

  // Called with what is wrong.
  using OnWrong = std::function<void(std::string)>;

  // Borrows the scheduler.
  SimBroker(int index, const Options& options, uint64_t seed,
            Scheduler* scheduler, OnWrong on_wrong);
  ~SimBroker() override;

  // --- Its process ---
  // A process with a new incarnation, of a version older than epochs if
  // `is_old`. Requires that none is up.
  void Start(bool is_old = false);
  // The caller ends the connections (Network::LoseBroker()).
  void Kill();
  // Tells its streams that it goes down. The caller kills it afterwards.
  void Drain();
  // An operator has its streams told to go; and lets clients in again.
  void BeginDrain(absl::Duration duration);
  void CancelDrain();
  bool is_up() const { return running_ != nullptr; }
  bool is_draining() const;
  bool is_old() const;
  // Null while it is down.
  std::shared_ptr<Process> process();

  // Acts in its process, if there is one.
  void InCrowd(std::function<void(Crowd*)> act);
  // As the methods of Crowd.
  bool HasSilentInTheCrowd() const;
  std::string WhoInTheCrowdMissedSomething() const;

  // An operator takes out the client's channels, and keeps its processes out.
  // Zero: without saying for how long, and they are let in again.
  void Kick(const std::string& client_id, absl::Duration retry_after);

  // Whether those who watch have what the table has; empty if they do.
  std::string WhoWatchesWrongly() const;

  // --- What is true. Of the process that is up ---
  const TrueLists& lists() const;
  // As a client that asks now is told; in pages of two.
  std::set<std::string> List(const std::string& group);
  // What the broker's operator is told of a client's acknowledgment; 0: none,
  // or the client is no member.
  uint64_t AcknowledgedBy(const std::string& group,
                          const std::string& client_id);

  // --- Acceptor ---
  std::shared_ptr<Process> listener() override;
  uint64_t incarnation() override;
  std::shared_ptr<BrokerEnd> Accept(
      std::shared_ptr<Connection> connection) override;

 private:
  class Channel;
  struct Running;

  const int index_;
  const Options options_;
  Random random_;
  Scheduler& scheduler_;
  const OnWrong on_wrong_;
  uint64_t processes_ = 0;
  std::unique_ptr<Running> running_;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_SIM_BROKER_H_
