// What the tests of Client share: a client of a scripted broker on 127.0.0.1.
#ifndef CLIENT_TESTING_CLIENT_FIXTURE_H_
#define CLIENT_TESTING_CLIENT_FIXTURE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/testing/scripted_broker.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/status_matchers.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {

inline constexpr absl::Duration kPatience = absl::Seconds(30);

// Records the callbacks, and lets a test wait for the nth of a kind.
class RecordingCallbacks {
 public:
  void Install(ClientOptions* options) {
    options->on_consumer_ids_changed =
        [this](const ConsumerIdsChanged& change) {
          MutexLock lock(&mu_);
          changes_.push_back(change.broker.address + " " + change.group);
          told_.SignalAll();
        };
    options->on_broker_health_changed = [this](const BrokerHealth& health) {
      MutexLock lock(&mu_);
      states_.push_back(health.state);
      last_error_ = health.last_error;
      told_.SignalAll();
    };
  }

  std::vector<std::string> AwaitChanges(size_t n) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return changes_.size() >= n;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &told_, reached,
                                        RealClock().TimeNow() + kPatience));
    return changes_;
  }

  void AwaitError(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return last_error_ == error;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &told_, reached,
                                        RealClock().TimeNow() + kPatience));
  }

  void AwaitState(BrokerState state) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto reached = [this, state]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return !states_.empty() && states_.back() == state;
    };
    CHECK(RealClock().AwaitWithDeadline(&lock, &told_, reached,
                                        RealClock().TimeNow() + kPatience));
  }

 private:
  absl::Mutex mu_;
  CondVar told_;
  std::vector<std::string> changes_ ABSL_GUARDED_BY(mu_);
  std::vector<BrokerState> states_ ABSL_GUARDED_BY(mu_);
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    options_.brokers = {broker_.address()};
    // On a busy machine an answer may take its time.
    options_.reply_timeout = kPatience;
    options_.connect_timeout = kPatience;
    callbacks_.Install(&options_);
  }

  // Creates the client with `options_`.
  Client& Make() {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(options_);
    CHECK(client.ok()) << client.status();
    client_ = *std::move(client);
    return *client_;
  }
  // ... and starts it with one consumer group.
  Client& MakeOnline() {
    Client& client = Make();
    EXPECT_THAT(client.RegisterConsumer(Orders()), IsOk());
    EXPECT_THAT(client.Start(), IsOk());
    callbacks_.AwaitChanges(1);
    return client;
  }

  // Nobody listens there: who did is gone.
  static std::string AddressOfNobody() { return ScriptedBroker().address(); }

  static ConsumerOptions Orders() {
    ConsumerOptions consumer;
    consumer.group = "orders";
    consumer.subscriptions = {{"order-events", "paid || sent"}};
    return consumer;
  }

  ScriptedBroker broker_;
  RecordingCallbacks callbacks_;
  ClientOptions options_;
  std::unique_ptr<Client> client_;
};

}  // namespace rmq

#endif  // CLIENT_TESTING_CLIENT_FIXTURE_H_
