#include "tests/simulation/network/network.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "glog/logging.h"

namespace rmq::network {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

// The client library's view of a connection.
class Stream final : public BrokerStream {
 public:
  explicit Stream(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  ~Stream() override { connection_->Cancel(); }

  void Start() override { connection_->Start(); }
  void Write(const v1::ClientFrame& frame) override {
    connection_->Write(frame);
  }
  void HalfClose() override { connection_->HalfClose(); }

 private:
  const std::shared_ptr<Connection> connection_;
};

}  // namespace

Network::Network(Scheduler* scheduler, uint64_t seed,
                 std::vector<Acceptor*> brokers, int clients)
    : scheduler_(*scheduler),
      random_(seed),
      brokers_(std::move(brokers)),
      links_(clients * brokers_.size()) {}

absl::Duration Network::Latency() {
  return random_.Percent(95) ? absl::Microseconds(random_.Between(50, 5'000))
                             : absl::Milliseconds(random_.Between(5, 300));
}

template <typename Act>
void Network::ForEach(int client, int broker, Act act) {
  // A connection may be made, and another one end, meanwhile.
  const std::vector<std::weak_ptr<Connection>> connections = connections_;
  for (const auto& weak : connections) {
    const std::shared_ptr<Connection> connection = weak.lock();
    if (connection != nullptr &&
        (client < 0 || connection->client() == client) &&
        (broker < 0 || connection->broker() == broker)) {
      act(*connection);
    }
  }
}

void Network::Cut(int client, int broker, int how) {
  const int at_client = how % 3;
  const int at_broker = how / 3 % 3;
  ForEach(client, broker, [&](Connection& connection) {
    connection.dead_to_broker_ = connection.dead_to_client_ = true;
    const auto delay = [this](int when) {
      return when == 0 ? absl::ZeroDuration()
                       : absl::Milliseconds(random_.Between(1, 9'000));
    };
    if (at_client < 2) connection.LoseAtClient(delay(at_client));
    if (at_broker < 2) connection.LoseAtBroker(delay(at_broker));
  });
}

void Network::Swallow(int client, int broker, bool to_broker, bool to_client) {
  Link& link = this->link(client, broker);
  link.swallows_to_broker |= to_broker;
  link.swallows_to_client |= to_client;
  ForEach(client, broker, [&](Connection& connection) {
    connection.dead_to_broker_ |= to_broker;
    connection.dead_to_client_ |= to_client;
  });
}

void Network::HalfClose(int client, int broker) {
  ForEach(client, broker, [](Connection& connection) {
    if (!connection.client_open_) return;
    connection.ToBroker(
        [&connection] { connection.broker_end_->OnHalfClosed(); });
  });
}

void Network::HealAll() {
  for (Link& link : links_) link = {};
}

void Network::LoseClient(int client, bool sends_fin) {
  ForEach(client, -1, [&](Connection& connection) {
    connection.reactor_ = nullptr;
    connection.client_open_ = false;
    if (sends_fin) {
      connection.ToBroker(
          [&connection] { connection.LoseAtBroker(absl::ZeroDuration()); });
    } else {
      connection.dead_to_broker_ = connection.dead_to_client_ = true;
    }
  });
}

void Network::LoseBroker(int broker) {
  ForEach(-1, broker, [](Connection& connection) {
    connection.broker_end_ = nullptr;
    connection.broker_open_ = false;
    if (!connection.accepted_) return;  // It finds nobody, or somebody else.
    connection.ToClient([&connection] {
      connection.EndAtClient({absl::UnavailableError("connection reset")});
    });
  });
}

bool Network::HasFaulty() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const std::weak_ptr<Connection>& weak) {
                       const auto connection = weak.lock();
                       return connection != nullptr && connection->is_faulty();
                     });
}

std::unique_ptr<BrokerStream> Network::NewStream(
    int client, int broker, std::shared_ptr<Process> process, ClientTap* tap,
    BrokerStream::Reactor* reactor) {
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const auto& c) { return c.expired(); }),
                     connections_.end());
  auto connection = std::make_shared<Connection>(
      this, client, broker, std::move(process), tap, reactor);
  connections_.push_back(connection);
  return std::make_unique<Stream>(std::move(connection));
}

Connection::Connection(Network* network, int client, int broker,
                       std::shared_ptr<Process> process, ClientTap* tap,
                       BrokerStream::Reactor* reactor)
    : network_(*network),
      client_(client),
      broker_(broker),
      client_process_(std::move(process)),
      tap_(*tap),
      reactor_(reactor) {}

void Connection::Start() {
  client_open_ = true;
  dead_to_broker_ = link().swallows_to_broker;
  dead_to_client_ = link().swallows_to_client;
  const auto refuse = [this] {
    ToClient([this] {
      EndAtClient({absl::UnavailableError("connection refused")});
    });
  };
  if (link().refuses) {
    refuse();
    return;
  }
  const absl::Time arrival = std::max(
      network_.scheduler_.Now() + network_.Latency(), link().held_until);
  last_to_broker_ = arrival;
  network_.scheduler_.At(arrival, [self = shared_from_this(), refuse] {
    if (self->dead_to_broker_) return;
    self->broker_process_ = self->network_.broker(self->broker_).listener();
    if (self->broker_process_ == nullptr) {
      refuse();
      return;
    }
    self->broker_process_->Deliver([self, refuse] {
      if (self->dead_to_broker_ || !self->client_open_) return;
      Acceptor& broker = self->network_.broker(self->broker_);
      if (broker.listener() == nullptr) {  // It drains by now.
        refuse();
        return;
      }
      self->incarnation_ = broker.incarnation();
      self->accepted_ = self->broker_open_ = true;
      self->broker_end_ = broker.Accept(self);
      self->ToClient([self] { self->reactor_->OnStarted(); });
    });
  });
}

void Connection::Write(const v1::ClientFrame& frame) {
  tap_.OnWrites(broker_, incarnation_, frame);
  ToBroker([this, bytes = frame.SerializeAsString()] {
    broker_end_->OnFrame(bytes);
  });
  network_.scheduler_.After(
      absl::Microseconds(network_.random_.Between(1, 1'000)),
      [self = shared_from_this()] {
        self->client_process_->Deliver([self] {
          if (self->reactor_ != nullptr) self->reactor_->OnWritten();
        });
      });
}

void Connection::HalfClose() {
  ToBroker([this] { broker_end_->OnHalfClosed(); });
}

void Connection::Cancel() {
  reactor_ = nullptr;
  if (!std::exchange(client_open_, false)) return;
  ToBroker([this] { LoseAtBroker(absl::ZeroDuration()); });
}

void Connection::Send(const v1::BrokerFrame& frame,
                      std::function<void()> written) {
  ToClient([this, frame] {
    tap_.OnReads(broker_, incarnation_);
    reactor_->OnRead(frame);
    tap_.OnHasRead();
  });
  const absl::Duration time =
      link().write_time + absl::Microseconds(network_.random_.Between(1, 500));
  network_.scheduler_.After(
      time, [self = shared_from_this(), written = std::move(written)] {
        if (self->broker_process_ != nullptr) {
          self->broker_process_->Deliver([self, written] {
            if (self->broker_end_ != nullptr) written();
          });
        }
      });
}

void Connection::Finish(StreamEnd end) {
  broker_open_ = false;
  broker_end_ = nullptr;
  ToClient([this, end = std::move(end)] { EndAtClient(end); });
}

void Connection::ToBroker(std::function<void()> event) {
  if (dead_to_broker_) return;
  const absl::Time arrival =
      std::max({network_.scheduler_.Now() + network_.Latency(), last_to_broker_,
                link().held_until});
  last_to_broker_ = arrival;
  network_.scheduler_.At(
      arrival, [self = shared_from_this(), event = std::move(event)] {
        if (self->dead_to_broker_ || self->broker_process_ == nullptr) return;
        self->broker_process_->Deliver([self, event] {
          if (self->broker_end_ != nullptr) event();
        });
      });
}

void Connection::ToClient(std::function<void()> event) {
  if (dead_to_client_) return;
  const absl::Time arrival =
      std::max({network_.scheduler_.Now() + network_.Latency(), last_to_client_,
                link().held_until});
  last_to_client_ = arrival;
  network_.scheduler_.At(arrival,
                         [self = shared_from_this(), event = std::move(event)] {
                           if (self->dead_to_client_) return;
                           self->client_process_->Deliver([self, event] {
                             if (self->reactor_ != nullptr) event();
                           });
                         });
}

void Connection::LoseAtBroker(absl::Duration delay) {
  network_.scheduler_.After(delay, [self = shared_from_this()] {
    if (self->broker_process_ == nullptr) return;
    self->broker_process_->Deliver([self] {
      self->broker_open_ = false;
      if (const auto end = std::exchange(self->broker_end_, nullptr)) {
        end->OnLost();
      }
    });
  });
}

void Connection::LoseAtClient(absl::Duration delay) {
  network_.scheduler_.After(delay, [self = shared_from_this()] {
    self->client_process_->Deliver([self] {
      self->EndAtClient({absl::UnavailableError("connection reset")});
    });
  });
}

void Connection::EndAtClient(const StreamEnd& end) {
  client_open_ = false;
  if (BrokerStream::Reactor* const reactor = std::exchange(reactor_, nullptr)) {
    reactor->OnFinished(end);
  }
}

}  // namespace rmq::network
