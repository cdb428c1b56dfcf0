// Faults that a seed chooses, between five clients and three brokers, each
// broker behind a proxy: brokers are killed, stopped and restarted, the network
// cuts and swallows, clients come and go. After each round of faults every
// client's list of members is the broker's, and no list was older than the one
// before it.
//
//   bazel run //tests/end_to_end:membership_faults_test -- --faults=10m
//   --seed=7
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "client/membership_change.h"
#include "common/mutex_lock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/tcp_proxy.h"

ABSL_FLAG(absl::Duration, faults, absl::Seconds(20), "how long faults go on");
ABSL_FLAG(uint64_t, seed, 1, "of the faults");

namespace rmq {
namespace {

using ::testing::IsEmpty;

constexpr int kBrokers = 3;
constexpr int kClients = 5;
constexpr char kGroup[] = "orders";
constexpr int kFaultsInARound = 4;
constexpr absl::Duration kHeartbeatInterval = absl::Milliseconds(500);

struct Node {
  std::unique_ptr<BrokerProcess> broker;  // Null while it is dead.
  std::unique_ptr<TcpProxy> proxy;        // Clients know its address.
  // How often a broker process has been started here.
  std::atomic<int> starts{0};
  bool is_stopped = false;
};
using Nodes = std::array<Node, kBrokers>;

// What one client was told of the group at each broker.
// Thread-safe.
class ToldMembers {
 public:
  explicit ToldMembers(const Nodes* nodes) : nodes_(*nodes) {}

  void OnChange(const MembershipChange& change) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    for (int i = 0; i < kBrokers; ++i) {
      if (nodes_[i].proxy->address() == change.broker.address) {
        NoteLocked(i, change);
      }
    }
  }

  std::string Last(int broker) const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return absl::StrJoin(last_[broker].members, " ");
  }
  std::vector<std::string> faults() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return faults_;
  }

 private:
  void NoteLocked(int i, const MembershipChange& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const int starts = nodes_[i].starts.load();
    MembershipChange& last = last_[i];
    // A process that was started since may have begun its epochs anew.
    if (starts == starts_[i] && change.epoch < last.epoch) {
      faults_.push_back(absl::StrCat("broker ", i, ": epoch ", change.epoch,
                                     " after ", last.epoch));
    }
    if (starts == starts_[i] && change.epoch == last.epoch &&
        change.epoch != 0 && change.members != last.members) {
      faults_.push_back(
          absl::StrCat("broker ", i, ": two lists of epoch ", change.epoch));
    }
    // The first call after the client has registered the group again tells all.
    const bool is_first = change.joined == change.members;
    std::vector<std::string> expected;
    if (!is_first) expected = last.members;
    for (const DepartedMember& left : change.left) {
      expected.erase(
          std::remove(expected.begin(), expected.end(), left.client_id),
          expected.end());
    }
    expected.insert(expected.end(), change.joined.begin(), change.joined.end());
    std::sort(expected.begin(), expected.end());
    if (expected != change.members) {
      faults_.push_back(absl::StrCat("broker ", i, ": joined and left make ",
                                     absl::StrJoin(expected, " "), ", told ",
                                     absl::StrJoin(change.members, " ")));
    }
    last = change;
    starts_[i] = starts;
  }

  const Nodes& nodes_;
  mutable absl::Mutex mu_;
  std::array<MembershipChange, kBrokers> last_ ABSL_GUARDED_BY(mu_);
  std::array<int, kBrokers> starts_ ABSL_GUARDED_BY(mu_) = {};
  std::vector<std::string> faults_ ABSL_GUARDED_BY(mu_);
};

struct Member {
  std::unique_ptr<ToldMembers> told;
  std::unique_ptr<Client> client;  // Null while its process is not there.
  bool is_in_group = false;
};

class MembershipFaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    runtime_ = ClientRuntime::Create();
    for (int i = 0; i < kBrokers; ++i) {
      StartBroker(i, UnusedAddress());
      auto proxy =
          TcpProxy::Start(UnusedAddress(), nodes_[i].broker->address());
      ASSERT_THAT(proxy, IsOk());
      nodes_[i].proxy = *std::move(proxy);
    }
    for (int i = 0; i < kClients; ++i) StartClient(i);
  }

  void TearDown() override {
    for (int i = 0; i < kBrokers; ++i) Continue(i);
    for (int i = 0; HasFailure() && i < kBrokers; ++i) {
      if (nodes_[i].broker == nullptr) continue;
      std::cerr << "--- log of broker " << i << "\n"
                << nodes_[i].broker->process().err();
    }
  }

  void StartBroker(int i, const std::string& address) {
    ++nodes_[i].starts;
    auto broker = BrokerProcess::Start(address);
    ASSERT_THAT(broker, IsOk());
    nodes_[i].broker = *std::move(broker);
  }

  void StartClient(int i) {
    Member& member = members_[i];
    member.told = std::make_unique<ToldMembers>(&nodes_);
    ClientOptions options;
    for (const Node& node : nodes_) {
      options.brokers.push_back(node.proxy->address());
    }
    options.client_id = ClientId(i);
    options.runtime = runtime_;
    options.heartbeat_interval = kHeartbeatInterval;
    options.reply_timeout = absl::Seconds(1);
    options.connect_timeout = absl::Seconds(2);
    options.initial_backoff = absl::Milliseconds(100);
    options.max_backoff = absl::Seconds(1);
    options.on_membership_changed =
        [told = member.told.get()](const MembershipChange& change) {
          told->OnChange(change);
        };
    auto client = Client::Create(std::move(options));
    ASSERT_THAT(client, IsOk());
    member.client = *std::move(client);
    JoinGroup(i);
    ASSERT_THAT(member.client->Start(), IsOk());
  }

  void JoinGroup(int i) {
    ConsumerOptions consumer;
    consumer.group = kGroup;
    consumer.subscriptions = {{"order-events"}};
    ASSERT_THAT(members_[i].client->RegisterConsumer(std::move(consumer)),
                IsOk());
    members_[i].is_in_group = true;
  }

  static std::string ClientId(int i) { return absl::StrCat("10.0.0.1@", i); }

  int Below(int n) {
    return static_cast<int>(random_() % static_cast<uint64_t>(n));
  }

  void Stop(int i) {
    nodes_[i].broker->process().Signal(SIGSTOP);
    nodes_[i].is_stopped = true;
  }
  void Continue(int i) {
    if (!std::exchange(nodes_[i].is_stopped, false)) return;
    nodes_[i].broker->process().Signal(SIGCONT);
  }

  void KillAndRestartBroker(int i) {
    Continue(i);
    const std::string address = nodes_[i].broker->address();
    nodes_[i].broker->process().Signal(SIGKILL);
    ASSERT_TRUE(nodes_[i].broker->process().WaitForExit(kPatience).has_value());
    nodes_[i].broker = nullptr;
    StartBroker(i, address);
  }

  // Ends a client as a crash does, and starts another process of its id.
  void RestartClient(int i) {
    CheckEpochs(i);
    // What it would unregister is lost with its connections.
    for (Node& node : nodes_) node.proxy->SetMode(TcpProxy::Mode::kSwallow);
    members_[i].client = nullptr;
    for (Node& node : nodes_) node.proxy->SetMode(TcpProxy::Mode::kPass);
    for (Node& node : nodes_) node.proxy->CutConnections();
    StartClient(i);
  }

  void LeaveOrJoinGroup(int i) {
    if (!std::exchange(members_[i].is_in_group, false)) {
      JoinGroup(i);
    } else {
      ASSERT_THAT(members_[i].client->UnregisterConsumer(kGroup), IsOk());
    }
  }

  void MakeFault() {
    using Mode = TcpProxy::Mode;
    constexpr Mode kModes[] = {Mode::kSwallow,
                               Mode::kSwallowFromClients,
                               Mode::kSwallowFromBroker,
                               Mode::kStall,
                               Mode::kRefuse,
                               Mode::kHangUp};
    const int broker = Below(kBrokers);
    switch (const int fault = Below(8)) {
      case 0: KillAndRestartBroker(broker); break;
      case 1: Stop(broker); break;
      case 2: Continue(broker); break;
      case 3: RestartClient(Below(kClients)); break;
      case 4: LeaveOrJoinGroup(Below(kClients)); break;
      case 5: nodes_[broker].proxy->SetMode(kModes[Below(6)]); break;
      default:
        nodes_[broker].proxy->SetMode(Mode::kPass);
        if (fault == 6) nodes_[broker].proxy->CutConnections();
        break;
    }
    absl::SleepFor(absl::Milliseconds(Below(700)));
  }

  void EndFaults() {
    for (int i = 0; i < kBrokers; ++i) {
      Continue(i);
      nodes_[i].proxy->SetMode(TcpProxy::Mode::kPass);
    }
  }

  // What is not as it should be once faults have ended; empty if nothing is.
  std::string WhatIsWrong() const {
    std::vector<std::string> expected;
    for (int i = 0; i < kClients; ++i) {
      if (members_[i].is_in_group) expected.push_back(ClientId(i));
    }
    for (int i = 0; i < kBrokers; ++i) {
      std::vector<std::string> ids = nodes_[i].broker->ConsumerIds(kGroup);
      std::sort(ids.begin(), ids.end());
      if (ids != expected) {
        return absl::StrCat("broker ", i, " has ", absl::StrJoin(ids, " "),
                            ", not ", absl::StrJoin(expected, " "));
      }
      for (int j = 0; j < kClients; ++j) {
        if (!members_[j].is_in_group) continue;
        const std::string told = members_[j].told->Last(i);
        if (told != absl::StrJoin(expected, " ")) {
          return absl::StrCat(ClientId(j), " was told that broker ", i, " has ",
                              told);
        }
      }
    }
    return "";
  }

  void CheckEpochs(int i) const {
    EXPECT_THAT(members_[i].told->faults(), IsEmpty()) << ClientId(i);
  }

  std::mt19937_64 random_{absl::GetFlag(FLAGS_seed)};
  // Callbacks use both; the clients go first.
  Nodes nodes_;
  std::shared_ptr<ClientRuntime> runtime_;
  std::array<Member, kClients> members_;
};

TEST_F(MembershipFaultsTest,
       AfterAnyFaultsEveryListIsTheBrokersAndNoneIsOlder) {
  const absl::Time end = absl::Now() + absl::GetFlag(FLAGS_faults);
  int rounds = 0;
  do {
    for (int i = 0; i < kFaultsInARound && !HasFailure(); ++i) MakeFault();
    EndFaults();
    EXPECT_TRUE(Becomes([&] { return WhatIsWrong(); }, ""))
        << "seed " << absl::GetFlag(FLAGS_seed) << ", round " << rounds;
    for (int i = 0; i < kClients; ++i) CheckEpochs(i);
    ++rounds;
  } while (absl::Now() < end && !HasFailure());
  std::cout << rounds << " rounds of faults\n";
}

}  // namespace
}  // namespace rmq

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
