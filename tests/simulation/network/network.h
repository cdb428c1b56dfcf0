// The simulated network: connections that carry the frames of one stream each,
// and what can befall them.
#ifndef TESTS_SIMULATION_NETWORK_NETWORK_H_
#define TESTS_SIMULATION_NETWORK_NETWORK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/session/broker_stub.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tests/simulation/network/process.h"
#include "tests/simulation/network/random.h"
#include "tests/simulation/network/scheduler.h"

namespace rmq::network {

class Connection;

// The broker's end of a connection. Its methods are called in the broker's
// process.
class BrokerEnd {
 public:
  virtual ~BrokerEnd() = default;
  // A frame of the client, as bytes.
  virtual void OnFrame(std::string bytes) = 0;
  // The client sends no more.
  virtual void OnHalfClosed() = 0;
  // The connection is lost. The last call.
  virtual void OnLost() = 0;
};

// What accepts connections.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  // The process that listens; null while the broker is down or drains.
  virtual std::shared_ptr<Process> listener() = 0;
  // Called in that process. Which of its incarnations it is.
  virtual uint64_t incarnation() = 0;
  virtual std::shared_ptr<BrokerEnd> Accept(
      std::shared_ptr<Connection> connection) = 0;
};

// The client's side of the world: who sees what its streams carry.
class ClientTap {
 public:
  virtual ~ClientTap() = default;
  // A frame leaves the client, or one comes, from the broker of this
  // incarnation.
  virtual void OnWrites(
      int broker, uint64_t incarnation,
      const rocketmq::clientmanager::v1::ClientFrame& frame) = 0;
  // Before the library sees the frame, and after it has reacted.
  virtual void OnReads(int broker, uint64_t incarnation) = 0;
  virtual void OnHasRead() = 0;
};

// The way between one client slot and one broker.
struct Link {
  bool refuses = false;             // New connections are refused.
  bool swallows_to_broker = false;  // New connections lose all bytes.
  bool swallows_to_client = false;
  absl::Time held_until = absl::InfinitePast();
  // How long a write of the broker takes.
  absl::Duration write_time;
};

class Network {
 public:
  Network(Scheduler* scheduler, uint64_t seed, std::vector<Acceptor*> brokers,
          int clients);

  Scheduler& scheduler() { return scheduler_; }
  Random& random() { return random_; }
  Acceptor& broker(int index) { return *brokers_[index]; }
  Link& link(int client, int broker) {
    return links_[client * brokers_.size() + broker];
  }

  // --- Faults of the connections that are there ---

  // The connections are gone. `how` % 3: the client learns of it at once, after
  // some seconds, or never (by its own time limits only). `how` / 3: the broker
  // likewise.
  void Cut(int client, int broker, int how);
  // Bytes vanish from now on, also those on their way.
  void Swallow(int client, int broker, bool to_broker, bool to_client);
  void HalfClose(int client, int broker);
  // All links are good for new connections from now on.
  void HealAll();

  // --- Ends of processes ---

  // The client's streams end. Without a FIN nobody hears of it.
  void LoseClient(int client, bool sends_fin);
  // The broker's process is gone, and its kernel says so.
  void LoseBroker(int broker);

  // Whether an open connection carries nothing, or is open at one end only.
  bool HasFaulty() const;

  std::unique_ptr<BrokerStream> NewStream(int client, int broker,
                                          std::shared_ptr<Process> process,
                                          ClientTap* tap,
                                          BrokerStream::Reactor* reactor);

 private:
  friend class Connection;

  absl::Duration Latency();
  template <typename Act>
  void ForEach(int client, int broker, Act act);

  Scheduler& scheduler_;
  Random random_;
  const std::vector<Acceptor*> brokers_;
  std::vector<Link> links_;
  std::vector<std::weak_ptr<Connection>> connections_;
};

// One stream. It keeps the order of what is sent in each direction.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network* network, int client, int broker,
             std::shared_ptr<Process> process, ClientTap* tap,
             BrokerStream::Reactor* reactor);

  int client() const { return client_; }
  int broker() const { return broker_; }
  // Of the broker process that accepted it; 0 before.
  uint64_t incarnation() const { return incarnation_; }

  // --- The client's end: as BrokerStream ---
  void Start();
  void Write(const rocketmq::clientmanager::v1::ClientFrame& frame);
  void HalfClose();
  void Cancel();

  // --- The broker's end ---
  // `written` runs in the broker's process when the next one may be written.
  void Send(const rocketmq::clientmanager::v1::BrokerFrame& frame,
            std::function<void()> written);
  // The stream ends for the client, after what was sent.
  void Finish(StreamEnd end);

  bool is_faulty() const {
    return (client_open_ || broker_open_) &&
           (dead_to_broker_ || dead_to_client_ ||
            (accepted_ && client_open_ != broker_open_));
  }

 private:
  friend class Network;

  // Runs `event` in the process at the other end, after all that was sent in
  // this direction before; never, if the direction is dead by then.
  void ToBroker(std::function<void()> event);
  void ToClient(std::function<void()> event);
  // The ends learn that the connection is lost, after `delay`.
  void LoseAtBroker(absl::Duration delay);
  void LoseAtClient(absl::Duration delay);
  void EndAtClient(const StreamEnd& end);
  Link& link() const { return network_.link(client_, broker_); }

  Network& network_;
  const int client_;
  const int broker_;
  const std::shared_ptr<Process> client_process_;
  ClientTap& tap_;
  BrokerStream::Reactor* reactor_;  // Null once finished or cancelled.
  std::shared_ptr<Process> broker_process_;
  std::shared_ptr<BrokerEnd> broker_end_;  // Null before, and once lost.
  uint64_t incarnation_ = 0;
  bool client_open_ = false;
  bool broker_open_ = false;
  bool accepted_ = false;
  bool dead_to_broker_ = false;
  bool dead_to_client_ = false;
  absl::Time last_to_broker_ = absl::InfinitePast();
  absl::Time last_to_client_ = absl::InfinitePast();
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_NETWORK_H_
