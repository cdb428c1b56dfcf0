// Streams that are opened, joined, pushed to, replaced, half-closed, cancelled
// and expired all at once, on brokers that go down in the middle of it. What is
// asserted is little; the sanitizers and the CHECKs in gRPC assert the rest.

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/server/test_broker.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int kClientThreads = 4;

// One stream's life, drawn by `random`. Ends however the broker likes.
void LiveOnce(const std::shared_ptr<grpc::Channel>& connection,
              std::minstd_rand& random) {
  TestStream stream(connection);
  // Few client ids and one incarnation: streams replace each other.
  pb::HeartbeatRequest heartbeat =
      ConsumerHeartbeat(absl::StrCat("client-", random() % 8), "orders");
  heartbeat.set_incarnation(7);
  if (random() % 8 != 0 && !stream.Write(FrameOf(heartbeat))) return;
  const int frames = static_cast<int>(random() % 6);
  for (int i = 0; i < frames; ++i) {
    if (!stream.Write(ListFrame("orders"))) return;
    if (random() % 2 == 0 && !stream.Read().has_value()) return;
  }
  switch (random() % 4) {
    case 0:  // To the end, as it should be.
      stream.HalfClose();
      stream.Finish();
      break;
    case 1:  // Half-closes and does not wait.
      stream.HalfClose();
      break;
    case 2: stream.Cancel(); break;
    default:  // Cancelled by the destructor, with frames unread.
      break;
  }
}

// Clients at work on `broker` until it is gone; stops it after `lives` streams.
void RunAndStop(absl::Duration drain_timeout, int lives, unsigned seed,
                int threads) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.threads = threads;
  options.server.slow_reader_limit = absl::Seconds(1);
  options.housekeeping.period = absl::Seconds(1);
  options.table.channel_expiry = absl::Seconds(2);
  TestBroker broker(options);

  std::atomic<int> lived{0};
  std::atomic<bool> stopping{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClientThreads; ++i) {
    clients.emplace_back([&, i] {
      std::minstd_rand random(seed * kClientThreads + i + 1);
      std::shared_ptr<grpc::Channel> connection = broker.NewConnection();
      while (!stopping) {
        LiveOnce(connection, random);
        ++lived;
        if (random() % 16 == 0) connection = broker.NewConnection();
      }
    });
  }
  while (lived < lives) {
    broker.clock().Advance(absl::Milliseconds(50));
    pb::HeartbeatResponse response;
    const grpc::Status status = broker.Heartbeat(
        ConsumerHeartbeat(absl::StrCat("unary-", lived % 4), "orders"),
        &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  broker.controller().Shutdown(drain_timeout);
  stopping = true;
  for (std::thread& client : clients) client.join();
}

TEST(ConnectSessionStressTest, StreamsThatRaceWithAStopAtOnceDoNoHarm) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    RunAndStop(absl::ZeroDuration(), /*lives=*/60, seed, /*threads=*/1);
  }
}

TEST(ConnectSessionStressTest, StreamsThatRaceWithADrainDoNoHarm) {
  for (unsigned seed = 100; seed < 106; ++seed) {
    RunAndStop(absl::Milliseconds(100), /*lives=*/100, seed, /*threads=*/2);
  }
}

TEST(ConnectSessionStressTest, AThousandStreamsEndTogether) {
  constexpr int kStreams = 1000;
  TestBroker broker;
  const std::shared_ptr<grpc::Channel> connection = broker.NewConnection();
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(std::make_unique<TestStream>(connection));
    ASSERT_TRUE(streams.back()->Write(
        FrameOf(ProducerHeartbeat(absl::StrCat("client-", i), "payments"))));
  }
  for (const auto& stream : streams) {
    EXPECT_FALSE(stream->ReadReply().has_status());
  }
  broker.controller().Shutdown(absl::Seconds(10));
  for (const auto& stream : streams) {
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

}  // namespace
}  // namespace rmq
