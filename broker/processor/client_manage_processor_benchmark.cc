// What heartbeats cost the core as the edge puts them to it, from one thread
// and from two: policy, table and notifier together. Clients are touched in a
// random order from a fixed seed while the time advances, since no cache holds
// a million of them; each thread has its own.
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

#include "absl/base/const_init.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "broker/core/broker_core.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/benchmark_clients.h"
#include "broker/registry/client_channel.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

// A core of so many clients, each with one stream that has registered.
struct Core {
  explicit Core(size_t clients) : core(Options(clients), {}, now) {
    channels.reserve(clients);
    for (size_t client = 0; client < clients; ++client) {
      auto channel = std::make_shared<BareChannel>();
      if (!core.table().Open(channel, now).ok()) std::abort();
      const std::string client_id = BenchmarkStatements::ClientId(client);
      processor.Heartbeat(*channel, statements.Of(client, client_id), now);
      channels.push_back(std::move(channel));
    }
  }

  static BrokerCore::Options Options(size_t clients) {
    BrokerCore::Options options;
    options.table.max_channels = clients;
    return options;
  }

  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  BenchmarkStatements statements;
  BrokerCore core;
  ClientManageProcessor& processor = core.processor();
  std::vector<std::shared_ptr<BareChannel>> channels;
};

// Kept from one run to the next: making a million clients takes long.
Core& SharedCore(size_t clients) {
  static absl::Mutex mu(absl::kConstInit);
  static auto* const cores = new std::map<size_t, std::unique_ptr<Core>>;
  MutexLock lock(&mu);
  std::unique_ptr<Core>& core = (*cores)[clients];
  if (core == nullptr) core = std::make_unique<Core>(clients);
  return *core;
}

// The heartbeats of one thread of a benchmark: of its own part of the clients,
// in a random order, without end, while a time advances as when each sends one
// an interval. What a frame and its stream would bring is next to each other.
class Heartbeats {
 public:
  struct Heartbeat {
    size_t client;
    BareChannel* channel;
    uint64_t token;
  };

  Heartbeats(const benchmark::State& state, const Core& core)
      : now_(core.now),
        step_(kHeartbeatInterval * state.threads() / state.range(0)) {
    const size_t part = core.channels.size() / state.threads();
    for (const uint32_t nth : RandomOrder(part)) {
      const size_t client = part * state.thread_index() + nth;
      BareChannel* const channel = core.channels[client].get();
      // The full heartbeats of an earlier run have left another token.
      heartbeats_.push_back({client, channel, channel->RenewRepeated(now_)});
    }
  }

  const Heartbeat& Next() {
    now_ += step_;
    if (at_ == heartbeats_.size()) at_ = 0;
    return heartbeats_[at_++];
  }
  absl::Time now() const { return now_; }

 private:
  absl::Time now_;
  const absl::Duration step_;
  std::vector<Heartbeat> heartbeats_;
  size_t at_ = 0;
};

void SizesAndThreads(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 20)->Threads(1)->Threads(2);
}

// The floor: writing one word of each of as many objects of a channel's size,
// in random order.
void BM_BareTouch(benchmark::State& state) {
  struct Object {
    uint64_t words[sizeof(BareChannel) / sizeof(uint64_t)];
  };
  const size_t count = state.range(0) / state.threads();
  const auto objects = std::make_unique<Object[]>(count);
  std::vector<Object*> order;
  for (const uint32_t nth : RandomOrder(count)) order.push_back(&objects[nth]);
  size_t at = 0;
  for (auto _ : state) {
    ++order[at]->words[4];
    if (++at == count) at = 0;
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_BareTouch)->Apply(SizesAndThreads);

// A light heartbeat passes the processor by.
void BM_LightHeartbeat(benchmark::State& state) {
  Heartbeats heartbeats(state, SharedCore(state.range(0)));
  for (auto _ : state) {
    const Heartbeats::Heartbeat& next = heartbeats.Next();
    if (next.channel->RenewLight(next.token, heartbeats.now()) !=
        Renewal::kRenewed) {
      state.SkipWithError("not renewed");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LightHeartbeat)->Apply(SizesAndThreads);

void BM_FullUnchangedHeartbeat(benchmark::State& state) {
  Core& core = SharedCore(state.range(0));
  Heartbeats heartbeats(state, core);
  BenchmarkStatements statements;
  // As a frame would hold it: in memory that was just written.
  std::string client_id;
  for (auto _ : state) {
    const Heartbeats::Heartbeat& next = heartbeats.Next();
    BenchmarkStatements::SetClientId(next.client, &client_id);
    const HeartbeatResult result = core.processor.Heartbeat(
        *next.channel, statements.Of(next.client, client_id), heartbeats.now());
    if (result.statement_token == 0) {
      state.SkipWithError("a group was passed over");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FullUnchangedHeartbeat)->Apply(SizesAndThreads);

}  // namespace
}  // namespace rmq
