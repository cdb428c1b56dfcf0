// What the registry costs a client: time for each close and scan, and memory.
// (Heartbeats: broker/processor.) Clients are touched in a random order from a
// fixed seed while the time advances, since no cache holds a million of them.
//
// Measure with: bazel run -c opt //broker/registry:client_table_benchmark
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "broker/registry/benchmark_clients.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/channel_search.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"

namespace rmq {
namespace {

// Channels that close one after the other in one measurement.
constexpr size_t kBatch = 256;

// Channels that a benchmark opens besides those of the world.
constexpr size_t kMostExtra = 100'000;

enum class Versions { kEqual, kDistinct };

// A table of so many clients, each with one stream that has registered.
struct World {
  explicit World(size_t clients, Versions versions = Versions::kEqual)
      : table(Options(clients), {}) {
    if (versions == Versions::kDistinct) statements.UseDistinctVersions();
    channels.reserve(clients);
    for (size_t i = 0; i < clients; ++i) Connect(i);
  }

  static ClientTable::Options Options(size_t clients) {
    ClientTable::Options options;
    options.max_channels = clients + kMostExtra;
    return options;
  }

  void Connect(size_t client) {
    auto channel = std::make_shared<BareChannel>();
    if (!table.Open(channel, now).ok()) std::abort();
    const std::string client_id = BenchmarkStatements::ClientId(client);
    table.Register(*channel, statements.Admitted(client, client_id), now);
    channels.push_back(std::move(channel));
  }

  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  BenchmarkStatements statements;
  ClientTable table;
  std::vector<std::shared_ptr<BareChannel>> channels;
};

// Kept from one benchmark to the next: making a million clients takes longer
// than most of them.
World& SharedWorld(size_t clients) {
  static auto* const worlds = new std::map<size_t, std::unique_ptr<World>>;
  std::unique_ptr<World>& world = (*worlds)[clients];
  if (world == nullptr) world = std::make_unique<World>(clients);
  return *world;
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 20);
}

// A client goes and another comes: only the going is timed.
void BM_CloseChannel(benchmark::State& state) {
  World& world = SharedWorld(state.range(0));
  const std::vector<uint32_t> order = RandomOrder(world.channels.size());
  size_t at = 0;
  while (state.KeepRunningBatch(kBatch)) {
    const size_t first = at;
    for (size_t i = 0; i < kBatch; ++i) {
      world.table.Close(*world.channels[order[at]],
                        RemovalReason::kDisconnected, world.now);
      if (++at == order.size()) at = 0;
    }
    state.PauseTiming();
    for (size_t i = 0, again = first; i < kBatch; ++i) {
      const uint32_t client = order[again];
      if (++again == order.size()) again = 0;
      auto channel = std::make_shared<BareChannel>();
      if (!world.table.Open(channel, world.now).ok()) std::abort();
      const std::string client_id = BenchmarkStatements::ClientId(client);
      world.table.Register(
          *channel, world.statements.Admitted(client, client_id), world.now);
      world.channels[client] = std::move(channel);
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CloseChannel)->Apply(Sizes);

// So many streams with one client id, each of another process, come and go.
// Timed a stream: what it costs must not grow with their number.
void BM_StreamsOfOneClientId(benchmark::State& state) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  ConsumerStatement consumer;
  consumer.group = "orders";
  const AdmittedConsumer admitted_consumer{&consumer, false};
  for (auto _ : state) {
    ClientTable table(ClientTable::Options(), {});
    std::vector<std::shared_ptr<BareChannel>> channels;
    for (int64_t i = 1; i <= state.range(0); ++i) {
      auto channel = std::make_shared<BareChannel>();
      if (!table.Open(channel, now).ok()) std::abort();
      HeartbeatStatement statement;
      statement.client_id = "10.0.0.1@DEFAULT";
      statement.incarnation = static_cast<uint64_t>(i);
      statement.consumers = {&consumer, 1};
      AdmittedStatement admitted;
      admitted.statement = &statement;
      admitted.consumers = {&admitted_consumer, 1};
      table.Register(*channel, admitted, now);
      channels.push_back(std::move(channel));
    }
    for (const auto& channel : channels) {
      table.Close(*channel, RemovalReason::kDisconnected, now);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_StreamsOfOneClientId)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(40'000)
    ->Unit(benchmark::kMillisecond);

// The close of a channel in so many consumer groups, each with others in it.
void BM_CloseChannelInGroups(benchmark::State& state) {
  World& world = SharedWorld(state.range(0));
  std::vector<std::string> groups(state.range(1));
  std::vector<ConsumerStatement> consumers(groups.size());
  std::vector<AdmittedConsumer> admitted(groups.size());
  SubscriptionStatement subscription;
  subscription.topic = "topic-00001";
  subscription.expression = "*";
  subscription.expression_type = "TAG";
  subscription.sub_version = 1;
  size_t drawn = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<std::shared_ptr<BareChannel>> channels(kBatch);
    for (std::shared_ptr<BareChannel>& channel : channels) {
      for (size_t i = 0; i < groups.size(); ++i) {
        // As BenchmarkStatements has them, scattered; no two the same.
        groups[i] = absl::StrFormat("consumer-group-%05d",
                                    drawn++ * 7919 % kBenchmarkGroups);
        consumers[i].group = groups[i];
        consumers[i].modes = {ConsumeType::kConsumePassively,
                              MessageModel::kClustering,
                              ConsumeFromWhere::kLastOffset};
        consumers[i].subscriptions = absl::MakeConstSpan(&subscription, 1);
        admitted[i] = {&consumers[i], true};
      }
      HeartbeatStatement statement;
      const std::string client_id =
          BenchmarkStatements::ClientId(world.channels.size() + drawn);
      statement.client_id = client_id;
      statement.consumers = consumers;
      channel = std::make_shared<BareChannel>();
      if (!world.table.Open(channel, world.now).ok()) std::abort();
      world.table.Register(*channel, {&statement, admitted}, world.now);
    }
    state.ResumeTiming();
    for (const std::shared_ptr<BareChannel>& channel : channels) {
      world.table.Close(*channel, RemovalReason::kDisconnected, world.now);
    }
  }
}
BENCHMARK(BM_CloseChannelInGroups)
    ->ArgsProduct({{1 << 10, 1 << 20}, {1, 4, 16, 64}});

// Housekeeping::kPieceChannels: what a scan looks at under one lock.
constexpr size_t kPieceChannels = 32;

// Other threads' work does not add to it.
int64_t CpuNanos() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// Ten seconds of a broker whose clients all live: a scan, which files again
// what was heard since. Reported for each client, due or not.
void BM_ScanSteadyState(benchmark::State& state) {
  World& world = SharedWorld(state.range(0));
  const std::vector<uint32_t> order = RandomOrder(world.channels.size());
  size_t at = 0;
  const size_t beats = order.size() / 3;  // Of a 30 s interval.
  std::vector<ClientChannelPtr> ended;
  // Past the start, where all are filed in one second.
  const auto beat = [&] {
    for (size_t i = 0; i < beats; ++i) {
      world.now += absl::Seconds(10) / static_cast<int64_t>(beats);
      world.channels[order[at]]->RenewLight(0, world.now);
      if (++at == order.size()) at = 0;
    }
  };
  const auto scan = [&] {
    world.table.BeginScan(world.now);
    while (world.table.ScanSome(world.now, kPieceChannels, &ended)) {
    }
  };
  for (int i = 0; i < 30; ++i) {
    beat();
    scan();
  }
  for (auto _ : state) {
    state.PauseTiming();
    beat();
    state.ResumeTiming();
    scan();
  }
  if (!ended.empty()) state.SkipWithError("a living channel expired");
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(order.size()));
}
BENCHMARK(BM_ScanSteadyState)->Apply(Sizes)->Unit(benchmark::kMicrosecond);

// A scan by the pieces, each of which is one lock: how long each took, with the
// delivery of its events, which is done after the lock.
void ReportPieces(World& world, benchmark::State& state, size_t expired) {
  std::vector<ClientChannelPtr> ended;
  ended.reserve(world.channels.size());
  std::vector<int64_t> took_ns;
  int64_t begin = CpuNanos();
  world.table.BeginScan(world.now);
  bool more = true;
  while (more) {
    more = world.table.ScanSome(world.now, kPieceChannels, &ended);
    const int64_t end = CpuNanos();
    took_ns.push_back(end - begin);
    begin = end;
  }
  if (ended.size() != expired) state.SkipWithError("expired: not as expected");
  std::sort(took_ns.begin(), took_ns.end());
  state.counters["longest_us"] = static_cast<double>(took_ns.back()) / 1e3;
  state.counters["p999_us"] =
      static_cast<double>(took_ns[took_ns.size() * 999 / 1000]) / 1e3;
}

// All live, and all are due: each is looked at and filed again.
void BM_PiecesOfALivingScan(benchmark::State& state) {
  for (auto _ : state) {
    World world(state.range(0));
    const absl::Duration expiry = world.table.options().channel_expiry;
    world.now += expiry;
    for (const auto& channel : world.channels) {
      channel->RenewLight(0, world.now);
    }
    world.now += absl::Seconds(1);
    ReportPieces(world, state, 0);
  }
}
BENCHMARK(BM_PiecesOfALivingScan)
    ->Apply(Sizes)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void BM_PiecesOfAnExpiringScan(benchmark::State& state) {
  for (auto _ : state) {
    World world(state.range(0));
    world.now += world.table.options().channel_expiry + absl::Seconds(1);
    ReportPieces(world, state, world.channels.size());
  }
}
BENCHMARK(BM_PiecesOfAnExpiringScan)
    ->Apply(Sizes)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// A page of ListClients: a thousand rows, or as much work as a page may be.
void FindPage(benchmark::State& state, const ChannelFilter& filter) {
  constexpr size_t kPageRows = 1000;
  constexpr size_t kPageWork = 32'000;
  const World& world = SharedWorld(state.range(0));
  size_t rows = 0;
  for (auto _ : state) {
    std::vector<FoundChannel> found;
    ChannelId cursor = 0;
    size_t work = 0;
    do {
      work +=
          world.table.FindChannels(filter, ListOrder::kOldestFirst,
                                   kPageRows - found.size(), &cursor, &found);
    } while (cursor != 0 && found.size() < kPageRows && work < kPageWork);
    rows = found.size();
  }
  state.counters["rows"] = static_cast<double>(rows);
}

void BM_FindAnyClients(benchmark::State& state) { FindPage(state, {}); }
BENCHMARK(BM_FindAnyClients)->Apply(Sizes)->Unit(benchmark::kMillisecond);

void BM_FindALabelThatNobodyHas(benchmark::State& state) {
  ChannelFilter filter;
  filter.labels = {{"zone", "nowhere"}};
  FindPage(state, filter);
}
BENCHMARK(BM_FindALabelThatNobodyHas)
    ->Apply(Sizes)
    ->Unit(benchmark::kMillisecond);

void BM_FindAGroup(benchmark::State& state) {
  ChannelFilter filter;
  filter.group = "consumer-group-00007";
  FindPage(state, filter);
}
BENCHMARK(BM_FindAGroup)->Apply(Sizes)->Unit(benchmark::kMillisecond);

// Bytes that the registry holds for each client: a channel (the core's part, as
// allocated), its memberships and what they state, its client id, its share of
// the groups. Not the caller's pointer to the channel.
void ReportMemoryPerClient(benchmark::State& state, Versions versions) {
  const size_t clients = state.range(0);
  double bytes = 0;
  for (auto _ : state) {
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    {
      World world(clients, versions);
      const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
      const size_t of_the_world =
          world.channels.capacity() * sizeof(world.channels[0]) +
          3 * kBenchmarkGroups * 2 * sizeof(std::string);
      bytes = static_cast<double>(after - before - of_the_world) /
              static_cast<double>(clients);
    }
  }
  state.counters["bytes_per_client"] = bytes;
}

// All state the same sub versions.
void BM_MemoryPerClient(benchmark::State& state) {
  ReportMemoryPerClient(state, Versions::kEqual);
}
BENCHMARK(BM_MemoryPerClient)
    ->Arg(1 << 20)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Each states sub versions of its own.
void BM_MemoryPerClientOfDistinctVersions(benchmark::State& state) {
  ReportMemoryPerClient(state, Versions::kDistinct);
}
BENCHMARK(BM_MemoryPerClientOfDistinctVersions)
    ->Arg(1 << 20)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// A group of so many members of distinct versions empties, those of the
// greatest first: again and again who comes next has to be found.
void BM_EmptyAGroupFromItsLatest(benchmark::State& state) {
  const size_t members = state.range(0);
  for (auto _ : state) {
    state.PauseTiming();
    World world(0);
    world.statements.UseDistinctVersions();
    for (size_t i = 0; i < members; ++i) {
      auto channel = std::make_shared<BareChannel>();
      if (!world.table.Open(channel, world.now).ok()) std::abort();
      const std::string client_id = BenchmarkStatements::ClientId(i);
      // Clients that are so far apart are in one group.
      world.table.Register(
          *channel, world.statements.Admitted(i * kBenchmarkGroups, client_id),
          world.now);
      world.channels.push_back(std::move(channel));
    }
    state.ResumeTiming();
    while (!world.channels.empty()) {
      world.table.Close(*world.channels.back(), RemovalReason::kDisconnected,
                        world.now);
      world.channels.pop_back();
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(members));
}
BENCHMARK(BM_EmptyAGroupFromItsLatest)
    ->Arg(1 << 10)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rmq
