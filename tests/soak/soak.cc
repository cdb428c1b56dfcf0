#include "tests/soak/soak.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "client/admin/admin_client.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/consumer_process.h"
#include "tests/end_to_end/process_usage.h"
#include "tests/end_to_end/raw_client.h"
#include "tests/end_to_end/tcp_proxy.h"
#include "tests/end_to_end/watching_client.h"
#include "tests/soak/growth_limit.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr int kConsumerGroups = 10;
constexpr int kProducerGroups = 5;
constexpr int kTopics = 20;
constexpr int kMostGroupsOfAClient = 4;
constexpr size_t kMostChildren = 3;
constexpr size_t kMostFailuresKept = 20;
// Threads beyond those of the settling: gRPC's pools, which all clients share,
// grow and shrink with the load of the machine, by some number for each core.
constexpr int kAllowedThreads = 8;
// Open files beyond those of the beginning, once no client is left.
constexpr int kAllowedFiles = 8;
// Of a hundred farewells one may find the machine too busy to be answered
// within the reply timeout.
constexpr int64_t kFarewellsALateOne = 100;

// A broker forgets a unary client for this long after its last heartbeat.
constexpr absl::Duration kChannelExpiry = absl::Seconds(10);
constexpr absl::Duration kHeartbeatInterval = absl::Seconds(3);
constexpr absl::Duration kReplyTimeout = absl::Seconds(2);
constexpr absl::Duration kMaxBackoff = absl::Seconds(2);
constexpr absl::Duration kShutdownTimeout = absl::Seconds(3);
// How long bytes are swallowed: some clients give their streams up, some do
// not notice.
constexpr absl::Duration kSpoiledTime = absl::Seconds(2);
// What was broken last must have been noticed by a missing answer, or by its
// expiry; the rest is for a loaded machine.
const absl::Duration kLongestDisagreement = kChannelExpiry +
                                            kHeartbeatInterval + kReplyTimeout +
                                            kMaxBackoff + absl::Seconds(15);
constexpr absl::Duration kQueryTimeout = absl::Seconds(10);

// Group -> client ids, sorted.
using Members = std::map<std::string, std::vector<std::string>>;

std::string ConsumerGroup(uint64_t n) { return absl::StrCat("consumers-", n); }
std::string ProducerGroup(uint64_t n) { return absl::StrCat("producers-", n); }

struct LiveClient {
  std::unique_ptr<WatchingClient> client;
  std::string address;  // The broker's, or the proxy's.
  std::set<std::string> consumers;
  std::set<std::string> producers;
};

class Soak {
 public:
  Soak(const SoakOptions& options, std::ostream* out)
      : options_(options),
        out_(*out),
        random_(options.seed),
        broker_limits_(options),
        client_limits_(options) {}

  std::vector<std::string> Run();

 private:
  // Of one process.
  struct Limits {
    explicit Limits(const SoakOptions& options)
        : memory(options.allowed_growth_kib), threads(kAllowedThreads) {}

    GrowthLimit memory;
    GrowthLimit threads;
  };
  // What was measured for one report.
  struct Sample {
    ProcessUsage broker;
    ProcessUsage clients;
  };

  bool StartBroker();
  // Makes changes until `end`.
  void ChurnUntil(absl::Time end);
  void ChangeSomething();

  void AddClient();
  void RemoveClient();
  void ChangeSubscriptions(LiveClient* live);
  void ChangeGroups(LiveClient* live);
  void AddUnaryClient();
  void AddOrKillChild();
  void KillChildren();
  void SpoilConnections();

  // What the broker should have, but for unary clients, children and the dead.
  Members ExpectedConsumers() const;
  Members ExpectedProducers() const;
  // The first difference between the broker, the clients and what they should
  // have; empty if there is none.
  std::string Disagreement();
  // Waits until there is none. Returns how long that took.
  absl::Duration AwaitAgreement();

  // Down to nothing, as it began: nothing may be left of the clients.
  void EndClients();

  Sample Measure() const;
  void Report(absl::Time begun);
  void CheckGrowth(absl::Duration age, const Sample& sample);
  void Fail(std::string what);

  uint64_t Draw(uint64_t below) { return random_() % below; }

  const SoakOptions options_;
  std::ostream& out_;
  std::mt19937_64 random_;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<TcpProxy> proxy_;
  std::shared_ptr<ClientRuntime> runtime_ = ClientRuntime::Create();
  std::vector<LiveClient> live_;
  // Each in the one group of its own, so that no list of others is waiting for
  // it to be gone.
  std::vector<std::unique_ptr<ConsumerProcess>> children_;
  absl::Time pass_again_at_ = absl::InfiniteFuture();

  uint64_t clients_made_ = 0;
  int64_t changes_ = 0;
  // Shutdowns with time to unregister and no proxy in between, and those of
  // them that were not answered in time.
  int64_t farewells_ = 0;
  int64_t late_farewells_ = 0;
  Sample first_;
  Sample last_;
  absl::Time last_at_;
  Limits broker_limits_;
  Limits client_limits_;
  int64_t failures_seen_ = 0;
  std::vector<std::string> failures_;
};

std::vector<std::string> Soak::Run() {
  if (!StartBroker()) return failures_;
  first_ = last_ = Measure();
  const absl::Time begun = absl::Now();
  last_at_ = begun;
  const absl::Time end = begun + options_.duration;
  while (absl::Now() + options_.report_period / 2 < end) {
    ChurnUntil(absl::Now() + options_.report_period);
    Report(begun);
  }
  EndClients();
  broker_->process().Signal(SIGTERM);
  if (broker_->process().WaitForExit(absl::Seconds(30)) != 0) {
    Fail("the broker did not end with 0");
  }
  return failures_;
}

void Soak::EndClients() {
  while (!live_.empty()) RemoveClient();
  AwaitAgreement();
  // What the proxy has kept from either side has no other end.
  proxy_->CutConnections();
  const absl::Time begun = absl::Now();
  Sample sample = Measure();
  const auto has_more_files = [&] {
    return sample.broker.open_files >
               first_.broker.open_files + kAllowedFiles ||
           sample.clients.open_files >
               first_.clients.open_files + kAllowedFiles;
  };
  while (has_more_files() && absl::Now() - begun < kLongestDisagreement) {
    absl::SleepFor(absl::Milliseconds(250));
    sample = Measure();
  }
  if (has_more_files()) Fail("open files are left of clients that are not");
  out_ << absl::StrFormat(
              "before the first client and after the last: broker %d and %d "
              "KiB, %d and %d files; clients %d and %d KiB, %d and %d files\n"
              "at most while settling, and at the last report: broker %d and "
              "%d KiB, %d and %d threads; clients %d and %d KiB, %d and %d "
              "threads\n"
              "%d farewells, %d of them late",
              first_.broker.resident_kib, sample.broker.resident_kib,
              first_.broker.open_files, sample.broker.open_files,
              first_.clients.resident_kib, sample.clients.resident_kib,
              first_.clients.open_files, sample.clients.open_files,
              broker_limits_.memory.most(), last_.broker.resident_kib,
              broker_limits_.threads.most(), last_.broker.threads,
              client_limits_.memory.most(), last_.clients.resident_kib,
              client_limits_.threads.most(), last_.clients.threads, farewells_,
              late_farewells_)
       << std::endl;
  if (late_farewells_ > 1 + farewells_ / kFarewellsALateOne) {
    Fail("too many farewells were late");
  }
}

bool Soak::StartBroker() {
  absl::StatusOr<std::unique_ptr<BrokerProcess>> broker = BrokerProcess::Start(
      "127.0.0.1:0", {absl::StrCat("--channel_expiry=",
                                   absl::FormatDuration(kChannelExpiry))});
  if (!broker.ok()) {
    Fail(std::string(broker.status().message()));
    return false;
  }
  broker_ = *std::move(broker);
  absl::StatusOr<std::unique_ptr<TcpProxy>> proxy =
      TcpProxy::Start("127.0.0.1:0", broker_->address());
  if (!proxy.ok()) {
    Fail(std::string(proxy.status().message()));
    return false;
  }
  proxy_ = *std::move(proxy);
  return true;
}

void Soak::ChurnUntil(absl::Time end) {
  std::exponential_distribution<double> pause(options_.changes_per_second);
  absl::Time next = absl::Now();
  while (true) {
    next = std::max(next, absl::Now() - absl::Seconds(1)) +
           absl::Seconds(pause(random_));
    if (next > end) break;
    absl::SleepFor(next - absl::Now());
    ChangeSomething();
    ++changes_;
  }
}

void Soak::ChangeSomething() {
  if (absl::Now() >= pass_again_at_) {
    proxy_->SetMode(TcpProxy::Mode::kPass);
    pass_again_at_ = absl::InfiniteFuture();
  }
  // In 1,000, so that the rare ones can be rare.
  const uint64_t drawn = Draw(1000);
  if (drawn < 300 || live_.empty()) return AddClient();
  if (drawn < 550) return RemoveClient();
  if (drawn < 700) return ChangeSubscriptions(&live_[Draw(live_.size())]);
  if (drawn < 850) return ChangeGroups(&live_[Draw(live_.size())]);
  if (drawn < 925) return AddUnaryClient();
  if (drawn < 975) return AddOrKillChild();
  SpoilConnections();
}

void Soak::AddClient() {
  if (live_.size() >= static_cast<size_t>(options_.clients)) {
    return RemoveClient();
  }
  LiveClient live;
  live.address = Draw(2) == 0 ? broker_->address() : proxy_->address();
  ClientOptions options;
  options.brokers = {live.address};
  options.client_id = absl::StrCat("10.0.0.1@soak-", ++clients_made_);
  options.heartbeat_interval = kHeartbeatInterval;
  options.reply_timeout = kReplyTimeout;
  options.max_backoff = kMaxBackoff;
  options.runtime = runtime_;
  absl::StatusOr<std::unique_ptr<WatchingClient>> client =
      WatchingClient::Create(std::move(options));
  if (!client.ok()) return Fail(client.status().ToString());
  live.client = *std::move(client);
  const absl::Status status = live.client->client().Start();
  if (!status.ok()) return Fail(status.ToString());
  ChangeGroups(&live);
  ChangeGroups(&live);
  live_.push_back(std::move(live));
}

void Soak::RemoveClient() {
  const size_t which = Draw(live_.size());
  std::swap(live_[which], live_.back());
  LiveClient& live = live_.back();
  if (Draw(4) == 0) {
    // Without a farewell. What it returns says just that.
    (void)live.client->client().Shutdown(absl::ZeroDuration());
  } else {
    const absl::Status status =
        live.client->client().Shutdown(kShutdownTimeout);
    // Through the proxy it may have had bad luck.
    const bool is_direct = live.address == broker_->address();
    if (is_direct) ++farewells_;
    if (is_direct && absl::IsDeadlineExceeded(status)) {
      ++late_farewells_;
    } else if (is_direct && !status.ok()) {
      Fail(absl::StrCat("shutdown of ", live.client->client().client_id(), ": ",
                        status.ToString()));
    }
  }
  live_.pop_back();
}

void Soak::ChangeSubscriptions(LiveClient* live) {
  if (live->consumers.empty()) return;
  const std::string& group = *live->consumers.begin();
  const std::string topic = absl::StrCat("topic-", Draw(kTopics));
  Client& client = live->client->client();
  absl::Status status = client.Unsubscribe(group, topic);
  if (absl::IsNotFound(status)) {
    status = client.Subscribe(group, {topic, "created || paid"});
  }
  if (!status.ok()) Fail(status.ToString());
}

void Soak::ChangeGroups(LiveClient* live) {
  Client& client = live->client->client();
  absl::Status status;
  if (Draw(4) == 0) {
    const std::string group = ProducerGroup(Draw(kProducerGroups));
    if (live->producers.erase(group) == 1) {
      status = client.UnregisterProducer(group);
    } else {
      live->producers.insert(group);
      status = client.RegisterProducer(group);
    }
  } else {
    const std::string group = ConsumerGroup(Draw(kConsumerGroups));
    if (live->consumers.erase(group) == 1) {
      status = client.UnregisterConsumer(group);
    } else if (live->consumers.size() < kMostGroupsOfAClient) {
      live->consumers.insert(group);
      ConsumerOptions consumer;
      consumer.group = group;
      consumer.subscriptions = {{"topic-of-all"}};
      status = client.RegisterConsumer(std::move(consumer));
    }
  }
  if (!status.ok()) Fail(status.ToString());
}

void Soak::AddUnaryClient() {
  // It falls silent at once, and expires.
  const grpc::Status status = SendHeartbeat(
      broker_->address(),
      ConsumerHeartbeat(absl::StrCat("10.0.0.1@unary-", ++clients_made_),
                        ConsumerGroup(Draw(kConsumerGroups))));
  if (!status.ok()) Fail(absl::StrCat("unary: ", status.error_message()));
}

void Soak::AddOrKillChild() {
  if (children_.size() == kMostChildren) return KillChildren();
  absl::StatusOr<std::unique_ptr<ConsumerProcess>> child =
      ConsumerProcess::Start(broker_->address(),
                             ConsumerGroup(Draw(kConsumerGroups)),
                             absl::StrCat("10.0.0.1@child-", ++clients_made_));
  if (!child.ok()) return Fail(child.status().ToString());
  children_.push_back(*std::move(child));
}

void Soak::KillChildren() { children_.clear(); }  // By SIGKILL.

void Soak::SpoilConnections() {
  switch (Draw(4)) {
    case 0: proxy_->SetMode(TcpProxy::Mode::kSwallow); break;
    case 1: proxy_->SetMode(TcpProxy::Mode::kStall); break;
    case 2:
      proxy_->SetMode(TcpProxy::Mode::kHangUp);
      proxy_->CutConnections();
      break;
    default: proxy_->CutConnections(); return;
  }
  pass_again_at_ = absl::Now() + kSpoiledTime;
}

Members Soak::ExpectedConsumers() const {
  Members members;
  for (int i = 0; i < kConsumerGroups; ++i) members[ConsumerGroup(i)];
  for (const LiveClient& live : live_) {
    for (const std::string& group : live.consumers) {
      members[group].push_back(live.client->client().client_id());
    }
  }
  for (auto& [group, ids] : members) std::sort(ids.begin(), ids.end());
  return members;
}

Members Soak::ExpectedProducers() const {
  Members members;
  for (int i = 0; i < kProducerGroups; ++i) members[ProducerGroup(i)];
  for (const LiveClient& live : live_) {
    for (const std::string& group : live.producers) {
      members[group].push_back(live.client->client().client_id());
    }
  }
  for (auto& [group, ids] : members) std::sort(ids.begin(), ids.end());
  return members;
}

// The client ids in what the broker answered; none if there is no such group.
template <typename Response>
std::vector<std::string> ClientIds(const absl::StatusOr<Response>& response) {
  if (absl::IsNotFound(response.status())) return {};
  if (!response.ok()) return {response.status().ToString()};
  std::vector<std::string> ids;
  for (const pb::Connection& connection : response->connections()) {
    ids.push_back(connection.client_id());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::string Difference(absl::string_view whose, absl::string_view group,
                       const std::vector<std::string>& got,
                       const std::vector<std::string>& expected) {
  return absl::StrCat(whose, " has of ", group, " ", absl::StrJoin(got, " "),
                      ", expected ", absl::StrJoin(expected, " "));
}

std::string Soak::Disagreement() {
  const Members consumers = ExpectedConsumers();
  AdminClient admin(broker_->address(), kQueryTimeout);
  for (const auto& [group, expected] : consumers) {
    pb::GetConsumerConnectionListRequest request;
    request.set_group(group);
    const std::vector<std::string> got =
        ClientIds(admin.Ask<pb::GetConsumerConnectionListResponse>(request));
    if (got != expected) return Difference("broker", group, got, expected);
  }
  for (const auto& [group, expected] : ExpectedProducers()) {
    pb::GetProducerConnectionListRequest request;
    request.set_group(group);
    const std::vector<std::string> got =
        ClientIds(admin.Ask<pb::GetProducerConnectionListResponse>(request));
    if (got != expected) return Difference("broker", group, got, expected);
  }
  for (const LiveClient& live : live_) {
    for (const std::string& group : live.consumers) {
      const std::vector<std::string> got =
          live.client->LastMembers(live.address, group);
      if (got != consumers.at(group)) {
        return Difference(live.client->client().client_id(), group, got,
                          consumers.at(group));
      }
    }
  }
  return "";
}

absl::Duration Soak::AwaitAgreement() {
  const absl::Time begun = absl::Now();
  proxy_->SetMode(TcpProxy::Mode::kPass);
  pass_again_at_ = absl::InfiniteFuture();
  KillChildren();
  while (true) {
    const absl::Duration waited = absl::Now() - begun;
    const std::string difference = Disagreement();
    if (difference.empty()) return waited;
    if (waited > kLongestDisagreement) {
      Fail(absl::StrCat("after ", absl::FormatDuration(kLongestDisagreement),
                        ": ", difference));
      return waited;
    }
    absl::SleepFor(absl::Milliseconds(250));
  }
}

Soak::Sample Soak::Measure() const {
  return {UsageOf(broker_->process().pid()), UsageOf(getpid())};
}

void Soak::Report(absl::Time begun) {
  const absl::Duration agreed_in = AwaitAgreement();
  const absl::Time now = absl::Now();
  const Sample sample = Measure();
  const double seconds = absl::ToDoubleSeconds(now - last_at_);
  const auto cpu = [seconds](const ProcessUsage& now,
                             const ProcessUsage& before) {
    return 100 * (now.cpu_seconds - before.cpu_seconds) / seconds;
  };
  const absl::Duration age = now - begun;
  CheckGrowth(age, sample);
  out_ << absl::StrFormat(
              "%6.0fs broker: %d KiB, %d threads, %d files, %.1f %% cpu; "
              "clients: %d KiB, %d threads, %d files, %.1f %% cpu; "
              "%d live of %d, %d changes, agreed in %.1fs, %d errors",
              absl::ToDoubleSeconds(age), sample.broker.resident_kib,
              sample.broker.threads, sample.broker.open_files,
              cpu(sample.broker, last_.broker), sample.clients.resident_kib,
              sample.clients.threads, sample.clients.open_files,
              cpu(sample.clients, last_.clients), live_.size(), clients_made_,
              changes_, absl::ToDoubleSeconds(agreed_in), failures_seen_)
       << std::endl;
  last_ = sample;
  last_at_ = now;
}

void Soak::CheckGrowth(absl::Duration age, const Sample& sample) {
  const bool is_settled = age > options_.settling;
  const auto check = [&](absl::string_view what, int64_t value,
                         GrowthLimit* limit) {
    if (limit->IsWithin(value, is_settled)) return;
    Fail(
        absl::StrCat(what, " was at most ", limit->most(), ", and is ", value));
  };
  check("the broker's memory in KiB", sample.broker.resident_kib,
        &broker_limits_.memory);
  check("the broker's threads", sample.broker.threads, &broker_limits_.threads);
  check("the clients' memory in KiB", sample.clients.resident_kib,
        &client_limits_.memory);
  check("the clients' threads", sample.clients.threads,
        &client_limits_.threads);
}

void Soak::Fail(std::string what) {
  ++failures_seen_;
  out_ << "FAILED " << what << std::endl;
  if (failures_.size() < kMostFailuresKept) failures_.push_back(what);
}

}  // namespace

absl::Status SoakOptions::Validate() const {
  if (report_period <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("report_period must be positive, got ",
                     absl::FormatDuration(report_period)));
  }
  if (duration < report_period) {
    return absl::InvalidArgumentError(
        absl::StrCat("duration must be at least report_period, ",
                     absl::FormatDuration(report_period), ", got ",
                     absl::FormatDuration(duration)));
  }
  if (settling < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "settling must not be negative, got ", absl::FormatDuration(settling)));
  }
  if (clients < 1 || clients > 10'000) {
    return absl::InvalidArgumentError(
        absl::StrCat("clients must be 1 to 10000, got ", clients));
  }
  if (!(changes_per_second > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "changes_per_second must be positive, got ", changes_per_second));
  }
  if (allowed_growth_kib < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "allowed_growth_kib must not be negative, got ", allowed_growth_kib));
  }
  return absl::OkStatus();
}

std::vector<std::string> RunSoak(const SoakOptions& options,
                                 std::ostream* out) {
  return Soak(options, out).Run();
}

}  // namespace rmq
