// Drains that begin and are cancelled while others run, join and leave.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "broker/housekeeping/drain.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The drain calls it by one thread at a time.
class LastState final : public DrainListener {
 public:
  void OnDrainProgress(const DrainProgress& progress) override {
    EXPECT_EQ(callers_.fetch_add(1), 0);
    state_ = progress.state;
    callers_.fetch_sub(1);
  }
  bool EndNewcomers(size_t /*max*/, absl::Time /*now*/) override {
    return false;
  }
  DrainState state() const { return state_; }

 private:
  std::atomic<int> callers_{0};
  std::atomic<DrainState> state_{DrainState::kServing};
};

TEST(DrainRaceTest, EachChannelEndsOnceAndTheLastOrderCounts) {
  constexpr int kRounds = 500;
  ConsumerIdsNotifier notifier{ConsumerIdsNotifier::Options()};
  ClientTable table(ClientTable::Options(), {&notifier});
  Drain drain(&table, &notifier);
  LastState listener;
  drain.set_listener(&listener);
  // What all threads take for the time: it moves with each step of each.
  std::atomic<int64_t> steps{0};
  const auto now = [&] {
    return absl::FromUnixSeconds(1'000'000) +
           steps.fetch_add(1) * absl::Milliseconds(1);
  };

  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!over) drain.Run(now());
    });
  }
  threads.emplace_back([&] {
    while (!over) drain.TurnAway(now());
  });
  std::vector<FakeClientChannelPtr> channels;
  std::vector<FakeClientChannelPtr> gone;
  std::thread orders([&] {
    for (int i = 0; i < kRounds; ++i) {
      drain.Begin(absl::Milliseconds(i % 3 * 10), now());
      if (i % 2 == 0) drain.Cancel(now());
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    const auto channel = std::make_shared<FakeClientChannel>();
    ASSERT_TRUE(table.Open(channel, now()).ok());
    if (i % 3 == 0 &&
        table.Close(*channel, RemovalReason::kDisconnected, now())) {
      gone.push_back(channel);
    } else {
      channels.push_back(channel);
    }
  }
  orders.join();
  drain.Begin(absl::ZeroDuration(), now());
  while (drain.progress().state != DrainState::kDrained) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(drain.Cancel(now()));
  over = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(drain.progress().state, DrainState::kServing);
  EXPECT_EQ(listener.state(), DrainState::kServing);
  EXPECT_EQ(table.counts().channels, 0);
  for (const auto& channel : channels) {
    EXPECT_THAT(channel->ends(), ElementsAre(RemovalReason::kDrained));
  }
  for (const auto& channel : gone) EXPECT_THAT(channel->ends(), IsEmpty());
  EXPECT_EQ(drain.counts().drained, channels.size());
}

}  // namespace
}  // namespace rmq
