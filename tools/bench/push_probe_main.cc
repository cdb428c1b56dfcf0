// How long a push takes: one client joins and leaves a consumer group, another
// one that is in it is told. One pair of them for each broker.
//
//   push_probe --pushes=20 --interval=3s ADDRESS...
//
// Writes {"push_ms": [...]}, of all brokers together, from the writing of the
// frame that changes the group to the reading of the push.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/sync_stream.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

ABSL_FLAG(int, pushes, 20, "pushes of each broker");
ABSL_FLAG(absl::Duration, interval, absl::Seconds(3), "time between two");

namespace rmq::bench {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr char kGroup[] = "probed";

pb::ClientFrame Heartbeat(const std::string& client_id) {
  pb::ClientFrame frame;
  frame.set_request_id(1);
  frame.mutable_heartbeat()->set_client_id(client_id);
  pb::ConsumerData* const consumer = frame.mutable_heartbeat()->add_consumers();
  consumer->set_group(kGroup);
  consumer->set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
  consumer->add_subscriptions()->set_topic("topic");
  return frame;
}

pb::ClientFrame Leave() {
  pb::ClientFrame frame;
  frame.set_request_id(1);
  frame.mutable_unregister_client()->set_consumer_group(kGroup);
  return frame;
}

// One Connect stream, read by a thread of its own.
class Client {
 public:
  explicit Client(const std::string& address)
      : channel_(grpc::CreateChannel(address,
                                     rmq::PlaintextChannelCredentials().Get())),
        stream_(pb::ClientManager::NewStub(channel_)->Connect(&context_)),
        reader_([this] { Read(); }) {}
  ~Client() {
    context_.TryCancel();
    reader_.join();
  }

  void Write(const pb::ClientFrame& frame) { stream_->Write(frame); }

  int pushes() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return pushes_;
  }
  // False if it takes too long.
  bool AwaitReplies(int count) ABSL_LOCKS_EXCLUDED(mu_) {
    const auto come = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return replies_ >= count;
    };
    MutexLock lock(&mu_);
    return RealClock().AwaitWithDeadline(&lock, &come_, come,
                                         RealClock().TimeNow() + kPatience);
  }
  // Likewise; fills when the last one was read.
  bool AwaitPushes(int count, absl::Time* when) ABSL_LOCKS_EXCLUDED(mu_) {
    const auto come = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return pushes_ >= count;
    };
    MutexLock lock(&mu_);
    *when = absl::InfiniteFuture();
    if (!RealClock().AwaitWithDeadline(&lock, &come_, come,
                                       RealClock().TimeNow() + kPatience)) {
      return false;
    }
    *when = last_push_;
    return true;
  }

 private:
  void Read() ABSL_LOCKS_EXCLUDED(mu_) {
    pb::BrokerFrame frame;
    while (stream_->Read(&frame)) {
      MutexLock lock(&mu_);
      if (frame.has_notify_consumer_ids_changed()) {
        ++pushes_;
        last_push_ = RealClock().TimeNow();
      } else {
        ++replies_;
      }
      come_.SignalAll();
    }
  }

  const std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  const std::unique_ptr<
      grpc::ClientReaderWriter<pb::ClientFrame, pb::BrokerFrame>>
      stream_;
  mutable absl::Mutex mu_;
  CondVar come_;  // A reply, or a push.
  int replies_ ABSL_GUARDED_BY(mu_) = 0;
  int pushes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Time last_push_ ABSL_GUARDED_BY(mu_);
  std::thread reader_;  // Last: it uses the members above.
};

// The times of `count` pushes in milliseconds; fewer if one does not come.
std::vector<double> Probe(const std::string& address, int count,
                          absl::Duration interval) {
  std::vector<double> times;
  Client member(address);
  Client guest(address);
  member.Write(Heartbeat("member@probe"));
  absl::Time when;
  if (!member.AwaitReplies(1) || !member.AwaitPushes(1, &when)) return times;
  for (int i = 0; i < count; ++i) {
    absl::SleepFor(interval);
    const int pushes = member.pushes();
    const absl::Time begin = RealClock().TimeNow();
    guest.Write(i % 2 == 0 ? Heartbeat("guest@probe") : Leave());
    if (!member.AwaitPushes(pushes + 1, &when)) return times;
    times.push_back(absl::ToDoubleMilliseconds(when - begin));
  }
  return times;
}

}  // namespace
}  // namespace rmq::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Times pushes: push_probe [flags] ADDRESS...");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  const int count = absl::GetFlag(FLAGS_pushes);
  std::vector<std::vector<double>> times(arguments.size() - 1);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < times.size(); ++i) {
    threads.emplace_back([&times, i, count, address = arguments[i + 1]] {
      times[i] =
          rmq::bench::Probe(address, count, absl::GetFlag(FLAGS_interval));
    });
  }
  std::vector<double> all;
  bool complete = true;
  for (size_t i = 0; i < times.size(); ++i) {
    threads[i].join();
    complete = complete && times[i].size() == static_cast<size_t>(count);
    all.insert(all.end(), times[i].begin(), times[i].end());
  }
  std::cout << "{\"push_ms\": [" << absl::StrJoin(all, ", ") << "]}\n";
  if (!complete) std::cerr << "push_probe: a push did not come\n";
  return complete ? 0 : 1;
}
