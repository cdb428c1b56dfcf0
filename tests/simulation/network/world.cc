#include "tests/simulation/network/world.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "tests/simulation/network/network.h"
#include "tests/simulation/network/random.h"
#include "tests/simulation/network/scheduler.h"
#include "tests/simulation/network/sim_broker.h"
#include "tests/simulation/network/sim_client.h"

namespace rmq::network {
namespace {

// A third of the brokers' channel expiry.
constexpr absl::Duration kHeartbeatInterval = absl::Seconds(10);
// The longest way of a frame there and an answer back, and the broker's window
// between two rounds of pushes.
constexpr absl::Duration kOnItsWay = absl::Seconds(1);
// By then everything that failed has been found and has come back.
constexpr absl::Duration kLongestQuiet = absl::Minutes(10);

SimBroker::Options DrawOptions(Random* random) {
  SimBroker::Options options;
  const absl::Duration windows[] = {
      absl::ZeroDuration(), absl::Milliseconds(100), absl::Milliseconds(100)};
  options.notify_window = windows[random->Below(3)];
  const int pages[] = {1, 2, 5, 1'000, 1'000};
  options.largest_page = pages[random->Below(5)];
  return options;
}

class World {
 public:
  explicit World(const Schedule& schedule)
      : schedule_(schedule),
        random_(schedule.seed ^ 0x9e3779b97f4a7c15u),
        clients_(kClients) {
    const SimBroker::Options options = DrawOptions(&random_);
    std::vector<Acceptor*> acceptors;
    for (int i = 0; i < kBrokers; ++i) {
      brokers_.push_back(std::make_unique<SimBroker>(
          i, options, random_.Number(), &scheduler_,
          [this](std::string what) { Wrong(std::move(what)); }));
      acceptors.push_back(brokers_.back().get());
    }
    network_ = std::make_unique<Network>(&scheduler_, random_.Number(),
                                         std::move(acceptors), kClients);
    for (const auto& broker : brokers_) broker->Start();
  }
  ~World() {
    for (int slot = 0; slot < kClients; ++slot) Lose(slot, false);
    for (int i = 0; i < kBrokers; ++i) network_->LoseBroker(i);
    for (const auto& broker : brokers_) broker->Kill();
  }

  Outcome Play() {
    const absl::Time start = scheduler_.Now();
    for (const Step& step : schedule_.steps) {
      Do(step);
      scheduler_.RunUntil(scheduler_.Now() + absl::Milliseconds(step.wait_ms));
      if (!outcome_.wrong.empty()) break;
    }
    if (outcome_.wrong.empty()) AwaitQuiet();
    if (outcome_.wrong.empty()) CheckLists();
    for (const auto& client : clients_) {
      if (client != nullptr) outcome_.reports += client->reports();
    }
    outcome_.seconds = absl::ToDoubleSeconds(scheduler_.Now() - start);
    return outcome_;
  }

 private:
  SimBroker& broker(int i) { return *brokers_[i % kBrokers]; }

  void Wrong(std::string what) {
    if (!outcome_.wrong.empty()) return;
    outcome_.wrong = std::move(what);
  }

  void Do(const Step& step) {
    const int slot = step.a % kClients;
    SimClient* const client = clients_[slot].get();
    const int at = step.b % kBrokers;
    switch (step.kind) {
      case StepKind::kStart: StartClient(slot, step.b); break;
      case StepKind::kKill: Lose(slot, true); break;
      case StepKind::kVanish: Lose(slot, false); break;
      case StepKind::kShutdown:
        if (client != nullptr) client->Shutdown();
        break;
      case StepKind::kGroups:
        if (client != nullptr) client->SetGroups(step.b);
        break;
      case StepKind::kStop:
        if (client != nullptr) client->process().Stop();
        break;
      case StepKind::kContinue:
        if (client != nullptr) client->process().Continue();
        break;
      case StepKind::kCut: network_->Cut(slot, at, step.c); break;
      case StepKind::kSwallow:
        network_->Swallow(slot, at, (step.c & 1) != 0, (step.c & 2) != 0);
        break;
      case StepKind::kHeal: network_->link(slot, at) = {}; break;
      case StepKind::kDelay:
        network_->link(slot, at).held_until =
            scheduler_.Now() + absl::Milliseconds(step.c);
        break;
      case StepKind::kRefuse: network_->link(slot, at).refuses = true; break;
      case StepKind::kHalfClose: network_->HalfClose(slot, at); break;
      case StepKind::kSlow:
        network_->link(slot, at).write_time = absl::Milliseconds(step.c);
        break;
      case StepKind::kKick:
        if (client != nullptr) {
          broker(at).Kick(client->client_id(), absl::Milliseconds(step.c));
        }
        break;
      default: DoAtBroker(step); break;
    }
  }

  void DoAtBroker(const Step& step) {
    SimBroker& at = broker(step.a);
    const int group = step.b % kGroups;
    switch (step.kind) {
      case StepKind::kStopBroker:
        if (at.is_up()) at.process()->Stop();
        break;
      case StepKind::kContinueBroker:
        if (at.is_up()) at.process()->Continue();
        break;
      case StepKind::kKillBroker: KillBroker(step.a % kBrokers); break;
      case StepKind::kStartBroker:
        KillBroker(step.a % kBrokers);
        at.Start();
        break;
      case StepKind::kDrainBroker: at.Drain(); break;
      case StepKind::kDrain: at.BeginDrain(absl::Milliseconds(step.c)); break;
      case StepKind::kCancelDrain: at.CancelDrain(); break;
      case StepKind::kCrowd:
        at.InCrowd([=](Crowd* crowd) { crowd->Join(group, step.c); });
        break;
      case StepKind::kCrowdLeave:
        at.InCrowd([=](Crowd* crowd) { crowd->Leave(group, step.c); });
        break;
      case StepKind::kCrowdChurn:
        at.InCrowd([=](Crowd* crowd) { crowd->Churn(group, step.c); });
        break;
      case StepKind::kSecond:
        at.InCrowd([=](Crowd* crowd) { crowd->AddSecond(group); });
        break;
      case StepKind::kReplace:
        at.InCrowd([=](Crowd* crowd) { crowd->Replace(group); });
        break;
      default: break;
    }
  }

  void StartClient(int slot, int groups) {
    Lose(slot, true);
    std::vector<SimBroker*> brokers;
    for (const auto& broker : brokers_) brokers.push_back(broker.get());
    clients_[slot] = std::make_unique<SimClient>(
        slot, absl::StrCat("client-", slot % kClientIds), random_.Number() | 1,
        groups, &scheduler_, network_.get(), std::move(brokers),
        [this, slot](std::string what) { Wrong(std::move(what)); });
  }

  void Lose(int slot, bool sends_fin) {
    if (clients_[slot] == nullptr) return;
    network_->LoseClient(slot, sends_fin);
    clients_[slot].reset();
  }

  void KillBroker(int i) {
    if (!brokers_[i]->is_up()) return;
    network_->LoseBroker(i);
    brokers_[i]->Kill();
  }

  // Nobody disturbs any more. Returns when nothing has changed for a heartbeat
  // interval.
  void AwaitQuiet() {
    network_->HealAll();
    for (int i = 0; i < kBrokers; ++i) {
      if (!brokers_[i]->is_up() || brokers_[i]->is_draining()) {
        KillBroker(i);
        brokers_[i]->Start();
      }
      brokers_[i]->process()->Continue();
      brokers_[i]->CancelDrain();
    }
    for (const auto& client : clients_) {
      if (client != nullptr) client->process().Continue();
    }
    const absl::Time latest = scheduler_.Now() + kLongestQuiet;
    absl::Time quiet_since = scheduler_.Now();
    uint64_t seen = 0;
    while (scheduler_.Now() < quiet_since + kHeartbeatInterval + kOnItsWay) {
      if (scheduler_.Now() > latest) {
        const std::string missing = WhoIsMissing();
        Wrong(absl::StrCat("it never comes to rest",
                           missing.empty() ? "" : ": ", missing));
        return;
      }
      scheduler_.RunUntil(scheduler_.Now() + absl::Milliseconds(200));
      const uint64_t now = Changes();
      if (now != seen || network_->HasFaulty() || IsSomeoneSilent() ||
          !WhoIsMissing().empty()) {
        quiet_since = scheduler_.Now();
      }
      seen = now;
      for (const auto& client : clients_) {
        if (client == nullptr) continue;
        quiet_since = std::max(quiet_since, client->changed_at());
      }
      if (!outcome_.wrong.empty()) return;
    }
  }

  bool IsSomeoneSilent() const {
    return std::any_of(brokers_.begin(), brokers_.end(),
                       [](const auto& b) { return b->HasSilentInTheCrowd(); });
  }

  // A client that is not online at a broker, unless an operator took it out
  // without saying for how long. Empty if there is none.
  std::string WhoIsMissing() {
    for (const auto& client : clients_) {
      if (client == nullptr || client->is_leaving()) continue;
      for (int i = 0; i < kBrokers; ++i) {
        if (client->StateAt(i) != BrokerState::kOnline &&
            !client->IsKickedForGood(i)) {
          return absl::StrCat(client->client_id(), " at broker ", i, " is ",
                              Name(client->StateAt(i)));
        }
      }
    }
    return "";
  }

  // A number that grows with each change of a list at a broker process.
  uint64_t Changes() const {
    uint64_t changes = 0;
    for (const auto& broker : brokers_) changes += broker->lists().changes();
    return changes;
  }

  void CheckLists() {
    for (int i = 0; i < kBrokers; ++i) {
      if (const std::string missed =
              brokers_[i]->WhoInTheCrowdMissedSomething();
          !missed.empty()) {
        Wrong(absl::StrCat("broker ", i, ": ", missed));
      }
      if (const std::string watched = brokers_[i]->WhoWatchesWrongly();
          !watched.empty()) {
        Wrong(absl::StrCat("broker ", i, ": ", watched));
      }
      for (const auto& client : clients_) {
        if (client == nullptr || client->is_leaving()) continue;
        if (client->StateAt(i) != BrokerState::kOnline) continue;
        for (int group = 0; group < kGroups; ++group) {
          if (group == kBroadcasting || group == kNotNotified) continue;
          if (client->is_in(group)) CheckList(*client, i, GroupName(group));
        }
      }
    }
  }

  void CheckList(const SimClient& client, int i, const std::string& group) {
    ++outcome_.checked_lists;
    const std::set<std::string> list = brokers_[i]->List(group);
    const uint64_t epoch = brokers_[i]->lists().EpochOf(group);
    const std::string where = absl::StrCat(client.client_id(), " at broker ", i,
                                           ", group ", group, ": ");
    if (list.count(client.client_id()) == 0) {
      Wrong(absl::StrCat(where, "is online, and no member"));
      return;
    }
    const SimClient::Held* const held = client.HeldAt(i, group);
    if (held == nullptr) {
      Wrong(absl::StrCat(where, "was told nothing"));
    } else if (held->ids != list) {
      Wrong(absl::StrCat(where, "holds [", absl::StrJoin(held->ids, " "),
                         "] of epoch ", held->epoch, ", and the list is [",
                         absl::StrJoin(list, " "), "] at epoch ", epoch));
    } else if (const uint64_t acknowledged =
                   brokers_[i]->AcknowledgedBy(group, client.client_id());
               !brokers_[i]->is_old() && acknowledged != epoch) {
      Wrong(absl::StrCat(where, "has acknowledged epoch ", acknowledged,
                         ", and the group is at ", epoch));
    }
  }

  const Schedule& schedule_;
  Random random_;
  Scheduler scheduler_;
  std::vector<std::unique_ptr<SimBroker>> brokers_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  Outcome outcome_;
};

}  // namespace

Outcome Play(const Schedule& schedule) { return World(schedule).Play(); }

}  // namespace rmq::network
