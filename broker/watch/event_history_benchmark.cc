// What it costs to keep an event for those who watch: the argument is how many
// watch. Nobody reads here: the watches are woken by the timer's thread.
//
// Measure with: bazel run -c opt //broker/watch:event_history_benchmark
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/watch/event_history.h"
#include "broker/watch/watches.h"

namespace rmq {
namespace {

// One delivery of `events` events.
void Keep(benchmark::State& state, size_t events) {
  EventHistory history{EventHistory::Options()};
  const ClientTable table(ClientTable::Options(), {&history});
  Watches watches(Watches::Options(), &table, &history, [](absl::Time) {});
  std::vector<std::unique_ptr<Watches::Watch>> open(
      static_cast<size_t>(state.range(0)));
  for (auto& watch : open) {
    if (!watches
             .Open(
                 {}, 0, [] {}, &watch)
             .ok())
      state.SkipWithError("open");
  }
  ClientEvent event;
  event.type = EventType::kClientRegister;
  event.kind = GroupKind::kConsumer;
  event.group = "a-consumer-group-of-orders";
  event.client_id = "10.0.0.1@1234#567890";
  uint64_t revision = 0;
  for (auto _ : state) {
    ++revision;
    event.revision = revision;
    for (size_t i = 0; i < events; ++i) history.OnClientEvent(event);
    history.OnEventsDelivered();
    if (revision % 64 == 0) watches.Run(absl::InfinitePast());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(events));
}

void KeepsOne(benchmark::State& state) { Keep(state, 1); }
BENCHMARK(KeepsOne)->Arg(0)->Arg(100);

void KeepsThirtyTwo(benchmark::State& state) { Keep(state, 32); }
BENCHMARK(KeepsThirtyTwo)->Arg(0)->Arg(100);

}  // namespace
}  // namespace rmq
