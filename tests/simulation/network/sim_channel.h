// The broker's end of a stream: what ConnectSession and ServerStream are to the
// real broker.
#ifndef TESTS_SIMULATION_NETWORK_SIM_CHANNEL_H_
#define TESTS_SIMULATION_NETWORK_SIM_CHANNEL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_request_handler.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/membership_push.h"
#include "common/rpc/server/call_context.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tests/simulation/network/network.h"

namespace rmq::network {

// Replies are written in the order of the frames, pushes in between; a push
// that waits gives way to a later one of its group. No frame is read while
// eight replies wait.
class SimChannel final : public ClientChannel,
                         public std::enable_shared_from_this<SimChannel>,
                         public BrokerEnd {
 public:
  // What all streams of a broker process share. Pointers are borrowed.
  struct Environment {
    const ClientRequestHandler* handler = nullptr;
    Housekeeping* housekeeping = nullptr;
    std::function<absl::Time()> now;
    // Called after everything that may make a task of the broker due.
    std::function<void()> rearm;
    int largest_page = 1'000;
    // Writes nothing that is newer than epochs.
    bool is_old = false;
  };

  SimChannel(const Environment* environment,
             std::shared_ptr<Connection> connection);

  // ClientChannel.
  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush> push) override;
  void End(const ChannelEnd& end) override;
  bool writable() const override { return !writing_; }
  absl::string_view remote_address() const override {
    return "192.0.2.1:50001";
  }

  // BrokerEnd.
  void OnFrame(std::string bytes) override;
  void OnHalfClosed() override;
  void OnLost() override;

  bool is_bound() const { return client_.is_bound(); }
  // Ends the stream.
  void EndWith(const StreamEnd& end);

 private:
  static constexpr size_t kMaxWaitingReplies = 8;

  void Read();
  void Answer(const std::string& bytes);
  void Acknowledge(const CallContext& connect,
                   const pb::Acknowledge& acknowledge);
  // Takes out what an older broker does not know.
  void MakeOld(pb::BrokerFrame* frame) const;
  void WriteNext();
  void CloseChannel();
  absl::Time now() const { return environment_.now(); }

  const Environment& environment_;
  const std::shared_ptr<Connection> connection_;
  StreamClient client_;
  std::deque<std::string> unread_;
  std::deque<pb::BrokerFrame> replies_;
  std::deque<std::shared_ptr<const MembershipPush>> pushes_;  // One a group.
  bool pushed_last_ = false;
  bool writing_ = false;
  bool half_closed_ = false;
  bool ended_ = false;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_SIM_CHANNEL_H_
