// Changes of a broker's groups, and those who watch them.
//
//   watch_probe --watchers=100 --changes=100 --duration=60s ADDRESS
//
// A change is a producer that joins or leaves a group of its own; --changes are
// made each second. Says "watching" on stderr when all watch, and writes
// {"changes": ..., "least_events": ..., "most_events": ..., "cut": ...} at the
// end: how many joins and leaves the watchers were told of, and how many of
// them were ended by the broker.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/credentials/credentials_source.h"
#include "grpc/grpc.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/sync_stream.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

ABSL_FLAG(int, watchers, 100,
          "calls of Watch, each on a connection of its own");
ABSL_FLAG(int, changes, 100, "changes a second");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(60), "how long");

namespace rmq::bench {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

std::shared_ptr<grpc::Channel> Connection(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address, rmq::PlaintextChannelCredentials().Get(), arguments);
}

// One call of Watch, read by a thread of its own.
class Watcher {
 public:
  Watcher(const std::string& address, std::atomic<int>* watching)
      : stub_(pb::ClientManagerAdmin::NewStub(Connection(address))),
        reader_([this, watching] { Read(watching); }) {}
  ~Watcher() {
    context_.TryCancel();
    reader_.join();
  }

  int64_t events() const { return events_.load(); }
  // The call is over, and nobody has cancelled it.
  bool is_cut() const { return is_cut_.load(); }

 private:
  void Read(std::atomic<int>* watching) {
    const auto reader = stub_->Watch(&context_, pb::WatchRequest());
    pb::WatchResponse response;
    while (reader->Read(&response)) {
      if (response.snapshot().last()) watching->fetch_add(1);
      const auto type = response.event().type();
      if (type == pb::WatchEvent::TYPE_CLIENT_REGISTER ||
          type == pb::WatchEvent::TYPE_CLIENT_UNREGISTER) {
        events_.fetch_add(1);
      }
    }
    is_cut_.store(true);
  }

  grpc::ClientContext context_;
  const std::unique_ptr<pb::ClientManagerAdmin::Stub> stub_;
  std::atomic<int64_t> events_{0};
  std::atomic<bool> is_cut_{false};
  std::thread reader_;  // Last: it uses the members above.
};

// A producer that joins its group and leaves it, in turn.
class Producer {
 public:
  Producer(const std::string& address, int number)
      : name_(absl::StrCat("watched-", number)),
        stub_(pb::ClientManager::NewStub(Connection(address))),
        stream_(stub_->Connect(&context_)) {}
  ~Producer() { context_.TryCancel(); }

  bool Change() {
    pb::ClientFrame frame;
    frame.set_request_id(++frames_);
    if (frames_ % 2 == 1) {
      frame.mutable_heartbeat()->set_client_id(name_);
      frame.mutable_heartbeat()->add_producers()->set_group(name_);
    } else {
      frame.mutable_unregister_client()->set_producer_group(name_);
    }
    pb::BrokerFrame reply;
    return stream_->Write(frame) && stream_->Read(&reply);
  }

 private:
  const std::string name_;
  grpc::ClientContext context_;
  const std::unique_ptr<pb::ClientManager::Stub> stub_;
  const std::unique_ptr<
      grpc::ClientReaderWriter<pb::ClientFrame, pb::BrokerFrame>>
      stream_;
  uint64_t frames_ = 0;
};

int Run(const std::string& address) {
  const int count = absl::GetFlag(FLAGS_watchers);
  std::atomic<int> watching{0};
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < count; ++i) {
    watchers.push_back(std::make_unique<Watcher>(address, &watching));
  }
  const absl::Time patience = absl::Now() + absl::Seconds(30);
  while (watching.load() < count && absl::Now() < patience) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  if (watching.load() < count) {
    std::cerr << "watch_probe: only " << watching.load() << " watch\n";
    return 1;
  }
  std::cerr << "watching\n";
  std::vector<std::unique_ptr<Producer>> producers;
  constexpr int kProducers = 10;
  for (int i = 0; i < kProducers; ++i) {
    producers.push_back(std::make_unique<Producer>(address, i));
  }
  const absl::Time begin = absl::Now();
  const absl::Duration pause =
      absl::Seconds(1) / std::max(1, absl::GetFlag(FLAGS_changes));
  const auto changes =
      static_cast<int64_t>(absl::GetFlag(FLAGS_duration) / pause);
  for (int64_t i = 0; i < changes; ++i) {
    absl::SleepFor(begin + i * pause - absl::Now());
    if (!producers[static_cast<size_t>(i % kProducers)]->Change()) {
      std::cerr << "watch_probe: a change was not made\n";
      return 1;
    }
  }
  int64_t least = std::numeric_limits<int64_t>::max();
  // Until all have been told of all, or nothing comes any more.
  const absl::Time last = absl::Now() + absl::Seconds(10);
  do {
    absl::SleepFor(absl::Milliseconds(10));
    least = changes;
    for (const auto& watcher : watchers) {
      least = std::min(least, watcher->events());
    }
  } while (least < changes && absl::Now() < last);
  int64_t most = 0;
  int cut = 0;
  for (const auto& watcher : watchers) {
    most = std::max(most, watcher->events());
    cut += watcher->is_cut() ? 1 : 0;
  }
  std::cout << "{\"changes\": " << changes << ", \"least_events\": " << least
            << ", \"most_events\": " << most << ", \"cut\": " << cut << "}\n";
  return 0;
}

}  // namespace
}  // namespace rmq::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Changes groups, and watches them: watch_probe [flags] ADDRESS");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) {
    std::cerr << "watch_probe: one ADDRESS must be given\n";
    return 1;
  }
  return rmq::bench::Run(arguments[1]);
}
