// Joins 250 consumer groups at a broker, as a gateway may. Once the broker has
// accepted or refused them, it leaves all but the first, and stays until SIGINT
// or SIGTERM:
//
//   bazel run //client/examples:many_groups -- 127.0.0.1:10911
//
// Within seconds the client is in that one group only at the broker, whatever
// frame rate the broker allows (`cmctl groups` shows it).
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/examples/wait_for_signal.h"

namespace {

constexpr int kGroups = 250;

std::string Group(int i) { return absl::StrCat("group-", i); }

absl::Status Run(const std::string& broker) {
  rmq::examples::BlockTerminationSignals();
  absl::Notification answered;
  rmq::ClientOptions options;
  options.brokers = {broker};
  options.client_id = "many@1";
  options.on_broker_health_changed = [&](const rmq::BrokerHealth& health) {
    const bool has_answered =
        IsOnline(health.state) || health.state == rmq::BrokerState::kRefused;
    if (has_answered && !answered.HasBeenNotified()) answered.Notify();
  };
  absl::StatusOr<std::unique_ptr<rmq::Client>> client =
      rmq::Client::Create(std::move(options));
  if (!client.ok()) return client.status();
  for (int i = 0; i < kGroups; ++i) {
    rmq::ConsumerOptions consumer;
    consumer.group = Group(i);
    absl::Status status = (*client)->RegisterConsumer(std::move(consumer));
    if (!status.ok()) return status;
  }
  absl::Status status = (*client)->Start();
  if (!status.ok()) return status;
  answered.WaitForNotification();
  for (int i = 1; i < kGroups; ++i) {
    status = (*client)->UnregisterConsumer(Group(i));
    if (!status.ok()) return status;
  }
  std::cerr << "unregistered" << std::endl;
  rmq::examples::WaitForTerminationSignal();
  return (*client)->Shutdown(/*timeout=*/absl::Seconds(3));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: many_groups HOST:PORT" << std::endl;
    return 2;
  }
  const absl::Status status = Run(argv[1]);
  if (!status.ok()) std::cerr << status.message() << std::endl;
  return status.ok() ? 0 : 1;
}
