// How many threads clients take, however many there are, and what one of them
// that blocks holds up.
#include <dirent.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

constexpr int kClients = 1000;

// Of this process.
struct Threads {
  // Those that bear the name of the process: the test's and the library's.
  int ours = 0;
  // gRPC names those of its pools, which all of a process share. They grow with
  // the load up to some number for each core.
  int grpc = 0;
};

std::string FirstLineOf(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Threads CountThreads() {
  const std::string our_name = FirstLineOf("/proc/self/comm");
  Threads threads;
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return threads;
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    const std::string name =
        FirstLineOf(absl::StrCat("/proc/self/task/", task->d_name, "/comm"));
    ++(name == our_name ? threads.ours : threads.grpc);
  }
  closedir(tasks);
  return threads;
}

class ClientThreadsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto broker = BrokerProcess::Start();
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }

  void AddClient(ClientOptions options = {}) {
    options.brokers = {broker_->address()};
    options.client_id = absl::StrCat("10.0.0.1@", clients_.size());
    options.runtime = runtime_;
    auto client = Client::Create(std::move(options));
    ASSERT_THAT(client, IsOk());
    // Few to a group: each is told of each.
    ASSERT_THAT((*client)->RegisterProducer("payments"), IsOk());
    ConsumerOptions consumer;
    consumer.group = absl::StrCat("orders-", clients_.size() / 10);
    ASSERT_THAT((*client)->RegisterConsumer(std::move(consumer)), IsOk());
    ASSERT_THAT((*client)->Start(), IsOk());
    clients_.push_back(*std::move(client));
  }

  Client& client(int i) { return *clients_[i]; }
  bool AllAreOnline() const {
    for (const auto& client : clients_) {
      if (client->Health().front().state != BrokerState::kOnline) return false;
    }
    return true;
  }

  std::unique_ptr<BrokerProcess> broker_;

 private:
  const std::shared_ptr<ClientRuntime> runtime_ = ClientRuntime::Create();
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(ClientThreadsTest, AThousandClientsOfOneRuntimeTakeNoMoreThanOne) {
  AddClient();
  ASSERT_TRUE(Becomes([this] { return AllAreOnline(); }, true));
  const Threads of_one = CountThreads();
  ASSERT_GE(of_one.ours, 4);  // The test's, and the runtime's three.
  for (int i = 1; i < kClients; ++i) AddClient();
  ASSERT_TRUE(Becomes([this] { return AllAreOnline(); }, true));
  const Threads of_all = CountThreads();
  EXPECT_EQ(of_all.ours, of_one.ours);
  // Two executors of two threads a core each, and its timers.
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  EXPECT_LE(of_all.grpc, of_one.grpc + 4 * cores + 8);
}

TEST_F(ClientThreadsTest, ACallbackThatBlocksHoldsUpCallbacksAndNothingElse) {
  absl::Notification called;
  absl::Notification may_return;
  ClientOptions options;
  options.heartbeat_interval = absl::Milliseconds(100);
  options.on_consumer_ids_changed = [&](const ConsumerIdsChanged&) {
    if (called.HasBeenNotified()) return;
    called.Notify();
    may_return.WaitForNotification();
  };
  AddClient(std::move(options));
  called.WaitForNotification();

  const auto answered = [this] {
    return client(0).Health().front().heartbeat_answered;
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Becomes(answered, ::testing::Gt(answered())));
  }
  // Another client of the runtime is not held up either.
  AddClient();
  EXPECT_TRUE(Becomes([this] { return AllAreOnline(); }, true));
  EXPECT_THAT(client(0).RegisterProducer("refunds"), IsOk());
  EXPECT_THAT(
      client(1).GetConsumerIds(broker_->address(), "orders-0", kPatience),
      IsOk());
  may_return.Notify();
  EXPECT_THAT(client(0).Shutdown(kPatience), IsOk());
}

}  // namespace
}  // namespace rmq
