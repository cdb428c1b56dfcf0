#include "common/rpc/channel/channel_holder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "common/rpc/channel/channel_closer.h"
#include "common/rpc/credentials/channel_security.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/rpc/loop/completion_loop.h"
#include "grpc/grpc.h"
#include "grpcpp/channel.h"
#include "grpcpp/completion_queue.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class FakeCredentials final : public ChannelCredentialsSource {
 public:
  std::shared_ptr<grpc::ChannelCredentials> Get() override {
    on_get_();
    return PlaintextChannelCredentials().Get();
  }
  uint64_t generation() const override { return generation_; }
  void Renew() { ++generation_; }
  // Get() calls `on_get`.
  void OnGet(std::function<void()> on_get) { on_get_ = std::move(on_get); }

 private:
  std::function<void()> on_get_ = [] {};
  uint64_t generation_ = 1;
};

class ChannelHolderTest : public ::testing::Test {
 protected:
  ~ChannelHolderTest() override {
    closer_.CloseAll(absl::Seconds(30));
    queue_.Shutdown();
    poller_.join();
  }

  const std::shared_ptr<FakeCredentials> source_ =
      std::make_shared<FakeCredentials>();
  const std::shared_ptr<ChannelSecurity> security_ =
      std::make_shared<ChannelSecurity>(source_, "", nullptr);
  grpc::CompletionQueue queue_;
  ChannelCloser closer_{&queue_};
  std::thread poller_{[this] {
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
      static_cast<CompletionHandler*>(tag)->OnCompletion(ok);
    }
  }};
};

TEST_F(ChannelHolderTest, CallsShareAChannelThatIsNotDialledBeforeThem) {
  ChannelHolder holder("127.0.0.1:1", absl::Seconds(5), security_, &closer_);
  const std::shared_ptr<grpc::Channel> channel = holder.Get();
  EXPECT_EQ(channel->GetState(/*try_to_connect=*/false), GRPC_CHANNEL_IDLE);
  EXPECT_EQ(holder.Get(), channel);
}

TEST_F(ChannelHolderTest, AfterADropThereIsAnotherChannel) {
  ChannelHolder holder("127.0.0.1:1", absl::Seconds(5), security_, &closer_);
  const std::shared_ptr<grpc::Channel> channel = holder.Get();
  holder.Drop(channel);
  EXPECT_NE(holder.Get(), channel);
}

TEST_F(ChannelHolderTest, DroppingAnOlderChannelLeavesTheCurrentOne) {
  ChannelHolder holder("127.0.0.1:1", absl::Seconds(5), security_, &closer_);
  const std::shared_ptr<grpc::Channel> older = holder.Get();
  holder.Drop(older);
  const std::shared_ptr<grpc::Channel> current = holder.Get();
  holder.Drop(older);
  EXPECT_EQ(holder.Get(), current);
}

TEST_F(ChannelHolderTest, OtherCredentialsMakeAnotherChannel) {
  ChannelHolder holder("127.0.0.1:1", absl::Seconds(5), security_, &closer_);
  const std::shared_ptr<grpc::Channel> channel = holder.Get();
  source_->Renew();
  const std::shared_ptr<grpc::Channel> renewed = holder.Get();
  EXPECT_NE(renewed, channel);
  EXPECT_EQ(holder.Get(), renewed);
}

TEST_F(ChannelHolderTest, CredentialsAreFetchedWithNoLockHeld) {
  ChannelHolder holder("127.0.0.1:1", absl::Seconds(5), security_, &closer_);
  source_->OnGet([&holder] { holder.Drop(nullptr); });  // Takes the lock.
  EXPECT_NE(holder.Get(), nullptr);
}

TEST_F(ChannelHolderTest, AChannelThatCouldNotConnectIsReplaced) {
  // Nobody listens at port 1.
  ChannelHolder holder("127.0.0.1:1", absl::Seconds(5), security_, &closer_);
  const std::shared_ptr<grpc::Channel> channel = holder.Get();
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    channel->WaitForStateChange(state, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    state = channel->GetState(/*try_to_connect=*/true);
  }
  EXPECT_NE(holder.Get(), channel);
}

}  // namespace
}  // namespace rmq
