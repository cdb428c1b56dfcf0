// A client process of the simulation: the library's sessions with all brokers,
// and what the application was told last.
#ifndef TESTS_SIMULATION_NETWORK_SIM_CLIENT_H_
#define TESTS_SIMULATION_NETWORK_SIM_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/session/broker_stub.h"
#include "client/session/broker_table.h"
#include "client/session/group_membership.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tests/simulation/network/network.h"
#include "tests/simulation/network/process.h"
#include "tests/simulation/network/sim_broker.h"
#include "tests/simulation/network/true_lists.h"

namespace rmq::network {

// Checks, at each report and each acknowledgment, what must hold at any time:
// - a report has the list that its broker had at the report's epoch;
// - within one broker process the epochs of a group never fall;
// - those who joined and left make the list of the report before this one;
// - what is acknowledged is what the application was told, and nothing is
//   acknowledged to a broker process that did not give the epoch.
class SimClient final : private BrokerTable::Observer, private ClientTap {
 public:
  // What the application knows of one group at one broker.
  struct Held {
    uint64_t incarnation = 0;
    uint64_t epoch = 0;
    std::set<std::string> ids;
  };
  // Called with what is wrong.
  using OnWrong = std::function<void(std::string)>;

  // Borrows all pointers. `slot` is the network's number of the client.
  SimClient(int slot, std::string client_id, uint64_t incarnation, int groups,
            Scheduler* scheduler, Network* network,
            std::vector<SimBroker*> brokers, OnWrong on_wrong);
  // The caller ends its connections (Network::LoseClient()).
  ~SimClient();

  void SetGroups(int groups);
  void Shutdown();
  Process& process() { return *process_; }

  const std::string& client_id() const { return client_id_; }
  bool is_in(int group) const { return ((groups_ >> group) & 1) != 0; }
  bool is_leaving() const { return is_leaving_; }
  // Of its session with the broker.
  BrokerState StateAt(int broker) const;
  // Whether it is kicked, and will not come back by itself.
  bool IsKickedForGood(int broker) const;
  // Null if it was told nothing.
  const Held* HeldAt(int broker, const std::string& group) const;
  // When a session last changed its state.
  absl::Time changed_at() const { return changed_at_; }
  int64_t reports() const { return reports_; }

 private:
  class Stub;

  // BrokerTable::Observer.
  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override;
  void OnMembershipChanged(const BrokerEntry& broker, absl::string_view group,
                           const MembershipReport& report,
                           absl::Time settled_at) override;
  void OnMembershipEnded(const BrokerEntry& broker,
                         absl::string_view group) override;
  void OnWarning(const BrokerWarning& /*warning*/) override {}
  void OnHealthChanged(const BrokerHealth& health) override;
  void OnStopped(const absl::Status& status) override;

  // ClientTap.
  void OnWrites(int broker, uint64_t incarnation,
                const rocketmq::clientmanager::v1::ClientFrame& frame) override;
  void OnReads(int broker, uint64_t incarnation) override;
  void OnHasRead() override;

  void OnReport(int broker, const std::string& group, uint64_t epoch,
                const std::set<std::string>& members,
                const std::vector<std::string>& joined,
                const std::vector<std::string>& left);
  struct Acknowledged {
    int broker;
    uint64_t incarnation;
    std::string group;
    uint64_t epoch;
  };
  void CheckAcknowledged(const Acknowledged& acknowledged);
  void Wrong(int broker, const std::string& group, const std::string& what);

  const int slot_;
  const std::string client_id_;
  const uint64_t incarnation_;
  int groups_;
  Network& network_;
  const std::vector<SimBroker*> brokers_;
  const OnWrong on_wrong_;
  const std::shared_ptr<Process> process_;
  bool is_leaving_ = false;
  absl::Time changed_at_ = absl::InfinitePast();
  int64_t reports_ = 0;
  std::map<int, BrokerState> states_;
  std::map<int, absl::Time> retry_at_;  // Of each of `states_`.
  // Of the frame that was read last from each broker.
  std::map<int, uint64_t> read_from_;
  bool is_reading_ = false;
  // While it reads: what was acknowledged meanwhile. The library tells the
  // application last.
  std::vector<Acknowledged> acknowledged_;
  std::map<std::pair<int, std::string>, Held> held_;
  std::unique_ptr<BrokerTable> table_;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_SIM_CLIENT_H_
