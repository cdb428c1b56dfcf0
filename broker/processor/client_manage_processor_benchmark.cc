// What a full heartbeat costs the core: policy, table and notifier together.
//
// Measure with:
//   bazel run -c opt //broker/processor:client_manage_processor_benchmark
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/benchmark_clients.h"
#include "broker/registry/client_table.h"

namespace rmq {
namespace {

// A core of so many clients, each with one stream that has registered.
struct Core {
  explicit Core(size_t clients)
      : table(Options(clients), {&policy, &notifier}) {
    channels.reserve(clients);
    for (size_t client = 0; client < clients; ++client) {
      auto channel = std::make_shared<BareChannel>();
      if (!table.Open(channel, now).ok()) std::abort();
      const std::string client_id = BenchmarkStatements::ClientId(client);
      processor.Heartbeat(*channel, statements.Of(client, client_id), now);
      channels.push_back(std::move(channel));
    }
  }

  static ClientTable::Options Options(size_t clients) {
    ClientTable::Options options;
    options.max_channels = clients;
    return options;
  }

  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  BenchmarkStatements statements;
  GroupPolicy policy{GroupPolicy::Options()};
  ConsumerIdsNotifier notifier{ConsumerIdsNotifier::Options()};
  ClientTable table;
  ClientManageProcessor processor{&table, &policy, &notifier};
  std::vector<std::shared_ptr<BareChannel>> channels;
};

// Kept from one run to the next: making a million clients takes long.
Core& SharedCore(size_t clients) {
  static auto* const cores = new std::map<size_t, std::unique_ptr<Core>>;
  std::unique_ptr<Core>& core = (*cores)[clients];
  if (core == nullptr) core = std::make_unique<Core>(clients);
  return *core;
}

void BM_FullUnchangedHeartbeat(benchmark::State& state) {
  Core& core = SharedCore(state.range(0));
  const std::vector<uint32_t> order = RandomOrder(core.channels.size());
  const absl::Duration step =
      kHeartbeatInterval / static_cast<int64_t>(order.size());
  std::string client_id;
  size_t at = 0;
  for (auto _ : state) {
    core.now += step;
    const uint32_t client = order[at];
    BenchmarkStatements::SetClientId(client, &client_id);
    const HeartbeatResult result = core.processor.Heartbeat(
        *core.channels[client], core.statements.Of(client, client_id),
        core.now);
    if (result.statement_token == 0) {
      state.SkipWithError("a group was passed over");
      break;
    }
    if (++at == order.size()) at = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FullUnchangedHeartbeat)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 20);

}  // namespace
}  // namespace rmq
