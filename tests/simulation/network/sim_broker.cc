#include "tests/simulation/network/sim_broker.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/clientmanager/client_request_handler.h"
#include "broker/fronts/edge_counters.h"
#include "broker/housekeeping/housekeeping_task.h"
#include "broker/notify/push_task.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_kicker.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_table.h"
#include "broker/watch/event_history.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/payer_rates.h"
#include "glog/logging.h"
#include "tests/simulation/day_watchers.h"
#include "tests/simulation/network/crowd.h"
#include "tests/simulation/network/schedule.h"
#include "tests/simulation/network/sim_channel.h"

namespace rmq::network {
namespace {

// A stream has to state its groups within this.
constexpr absl::Duration kUnheardLimit = absl::Seconds(10);
// How often those who watch read.
constexpr absl::Duration kWatchPeriod = absl::Milliseconds(700);
// A timer rests between two tasks.
constexpr absl::Duration kRest = absl::Milliseconds(1);

BrokerCore::Options CoreOptions(const SimBroker::Options& options) {
  BrokerCore::Options core;
  core.table.channel_expiry = options.channel_expiry;
  core.notifier.notify_window = options.notify_window;
  core.housekeeping.period = absl::Seconds(1);
  // So that those who watch slowly are too slow.
  core.watch.watch_history = EventHistory::kFewestEvents;
  core.policy.subscription_groups.push_back(
      {GroupName(kNotNotified), /*notify=*/false, /*retry_queue_nums=*/1});
  return core;
}

}  // namespace

struct SimBroker::Running {
  Running(int index, uint64_t incarnation, const Options& options,
          Scheduler* scheduler)
      : process(std::make_shared<Process>(scheduler)),
        incarnation(incarnation),
        core(CoreOptions(options), {&lists}, scheduler->Now(),
             [this](absl::Time) { Rearm(); }),
        handler({{"cluster", absl::StrCat("broker-", index), 0, incarnation},
                 Limits(),
                 scheduler->Now() + options.settle,
                 core.table(),
                 core.processor(),
                 counters}),
        housekeeping_task(&core.housekeeping()),
        push_task(&core.notifier(), &core.table()),
        watchers(&core.table(), &core.history(), GroupName(0), incarnation) {
    handler.AddMethods(&methods);
    environment.handler = &handler;
    environment.housekeeping = &core.housekeeping();
    environment.now = [process = process.get()] { return process->Now(); };
    environment.rearm = [this] { Rearm(); };
    environment.largest_page = options.largest_page;
    Rearm();
  }

  absl::Time now() const { return process->Now(); }

  // Those who watch read now and then, while the broker runs.
  void Watch(const std::function<void(const std::string&)>& on_wrong) {
    const std::string wrong = watchers.Read(now());
    if (!wrong.empty()) on_wrong(wrong);
    process->RunAt(now() + kWatchPeriod, [this, on_wrong] { Watch(on_wrong); });
  }

  // Sets the timer to what is due first.
  void Rearm() {
    const absl::Time due =
        std::max(std::min({housekeeping_task.NextDue(), push_task.NextDue(),
                           core.drain().NextDue(), core.kicker().NextDue()}),
                 now() + kRest);
    if (timer != 0 && due >= timer_at) return;
    if (timer != 0) process->Cancel(timer);
    timer_at = due;
    timer = process->RunAt(due, [this] {
      timer = 0;
      housekeeping_task.Run(now());
      core.drain().Run(now());
      core.kicker().Run(now());
      push_task.Run(now());
      Rearm();
    });
  }

  const std::shared_ptr<Process> process;
  const uint64_t incarnation;
  TrueLists lists;
  AllowAllAuthorizer authorizer;
  EdgeCounters counters;
  PayerRates rates{{0, 0, 0}};
  Gate gate{&authorizer, {}};
  MethodTable methods{&gate, &rates, &counters.calls};
  EventLoop::TimerId timer = 0;
  absl::Time timer_at = absl::InfiniteFuture();
  BrokerCore core;
  ClientRequestHandler handler;
  HousekeepingTask housekeeping_task;
  PushTask push_task;
  SimChannel::Environment environment;
  DayWatchers watchers;
  std::unique_ptr<Crowd> crowd;
  bool is_draining = false;
};

SimBroker::SimBroker(int index, const Options& options, uint64_t seed,
                     Scheduler* scheduler, OnWrong on_wrong)
    : index_(index),
      options_(options),
      random_(seed),
      scheduler_(*scheduler),
      on_wrong_(std::move(on_wrong)) {}

SimBroker::~SimBroker() = default;

void SimBroker::Start(bool is_old) {
  CHECK(running_ == nullptr);
  running_ = std::make_unique<Running>(index_, random_.Number() | 1, options_,
                                       &scheduler_);
  running_->environment.is_old = is_old;
  running_->crowd = std::make_unique<Crowd>(
      Crowd::Environment{&running_->core, &running_->lists,
                         running_->process.get(), running_->environment.rearm,
                         [this](const std::string& what) {
                           on_wrong_(
                               absl::StrCat("broker ", index_, ": ", what));
                         }},
      random_.Number());
  running_->Watch([this](const std::string& what) {
    on_wrong_(absl::StrCat("broker ", index_, ": ", what));
  });
  // Its pages are of different times.
  if (is_old) running_->environment.largest_page = 1'000;
}

void SimBroker::Kill() {
  if (running_ == nullptr) return;
  running_->process->Kill();
  running_.reset();
}

void SimBroker::Drain() {
  if (running_ == nullptr || std::exchange(running_->is_draining, true)) return;
  running_->process->Post([running = running_.get()] {
    running->core.drain().BeginLast(absl::ZeroDuration(), running->now());
    running->core.drain().CloseAll(running->now());
  });
}

void SimBroker::BeginDrain(absl::Duration duration) {
  if (running_ == nullptr || running_->is_draining) return;
  running_->process->Post([running = running_.get(), duration] {
    running->core.drain().Begin(duration, running->now());
    running->Rearm();
  });
}

void SimBroker::CancelDrain() {
  if (running_ == nullptr || running_->is_draining) return;
  running_->process->Post([running = running_.get()] {
    running->core.drain().Cancel(running->now());
    running->Rearm();
  });
}

bool SimBroker::is_draining() const {
  return running_ != nullptr && running_->is_draining;
}
bool SimBroker::is_old() const {
  return running_ != nullptr && running_->environment.is_old;
}
std::shared_ptr<Process> SimBroker::process() {
  return running_ == nullptr ? nullptr : running_->process;
}

void SimBroker::InCrowd(std::function<void(Crowd*)> act) {
  if (running_ == nullptr) return;
  running_->process->Post([this, act] { act(running_->crowd.get()); });
}

bool SimBroker::HasSilentInTheCrowd() const {
  return running_->crowd->HasSilent();
}
std::string SimBroker::WhoInTheCrowdMissedSomething() const {
  return running_->crowd->WhoMissedSomething();
}

void SimBroker::Kick(const std::string& client_id, absl::Duration retry_after) {
  if (running_ == nullptr) return;
  running_->process->Post([this, client_id, retry_after] {
    ChannelFilter filter;
    filter.client_id = client_id;
    const absl::StatusOr<size_t> kicked = running_->core.kicker().Kick(
        filter, retry_after, "too loud", running_->now());
    if (!kicked.ok()) on_wrong_(std::string(kicked.status().message()));
    running_->Rearm();
  });
}

std::string SimBroker::WhoWatchesWrongly() const {
  const std::string wrong = running_->watchers.Read(running_->now());
  return wrong.empty() ? running_->watchers.Compare() : wrong;
}

const TrueLists& SimBroker::lists() const { return running_->lists; }

std::set<std::string> SimBroker::List(const std::string& group) {
  std::set<std::string> ids;
  MemberCursor cursor = 0;
  do {
    const ConsumerList list =
        running_->core.processor().GetConsumerListByGroup(group, 1'000, cursor);
    ids.insert(list.client_ids.begin(), list.client_ids.end());
    cursor = list.next;
  } while (cursor != 0);
  return ids;
}

uint64_t SimBroker::AcknowledgedBy(const std::string& group,
                                   const std::string& client_id) {
  uint64_t acknowledged = 0;
  MemberCursor cursor = 0;
  do {
    uint64_t epoch;
    for (const MembershipMember& member : running_->core.table().ListMembership(
             group, ClientTable::kMaxPiece, &cursor, &epoch)) {
      if (member.member.client_id == client_id) {
        acknowledged = std::max(acknowledged, member.acknowledged);
      }
    }
  } while (cursor != 0);
  return acknowledged;
}

std::shared_ptr<Process> SimBroker::listener() {
  return running_ == nullptr || running_->is_draining ? nullptr
                                                      : running_->process;
}

uint64_t SimBroker::incarnation() {
  return running_ == nullptr ? 0 : running_->incarnation;
}

std::shared_ptr<BrokerEnd> SimBroker::Accept(
    std::shared_ptr<Connection> connection) {
  auto channel = std::make_shared<SimChannel>(&running_->environment,
                                              std::move(connection));
  const absl::optional<ChannelEnd> away =
      running_->core.drain().TurnAway(running_->now());
  if (away.has_value()) {
    channel->End(*away);
    return channel;
  }
  running_->process->RunAt(running_->now() + kUnheardLimit,
                           [weak = std::weak_ptr<SimChannel>(channel)] {
                             const auto unheard = weak.lock();
                             if (unheard == nullptr || unheard->is_bound())
                               return;
                             unheard->EndWith({absl::DeadlineExceededError(
                                 "no full heartbeat in time")});
                           });
  return channel;
}

}  // namespace rmq::network
