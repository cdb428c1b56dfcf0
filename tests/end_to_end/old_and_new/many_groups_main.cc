// Registers consumer groups, and leaves them when it is told to:
//
//   many_groups HOST:PORT GROUPS
//
// A line on its input: it unregisters all groups but the first, all at once.
// The end of its input: it leaves the broker and ends. Uses nothing of the
// library that its first version does not have.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/client.h"

namespace {

std::string Group(int number) { return absl::StrCat("group-", number); }

absl::Status Run(const char* broker, int groups) {
  rmq::ClientOptions options;
  options.brokers = {broker};
  absl::StatusOr<std::unique_ptr<rmq::Client>> client =
      rmq::Client::Create(std::move(options));
  if (!client.ok()) return client.status();
  for (int i = 0; i < groups; ++i) {
    rmq::ConsumerOptions consumer;
    consumer.group = Group(i);
    const absl::Status status = (*client)->RegisterConsumer(consumer);
    if (!status.ok()) return status;
  }
  absl::Status status = (*client)->Start();
  if (!status.ok()) return status;
  std::string line;
  while (std::getline(std::cin, line)) {
    for (int i = 1; i < groups; ++i) {
      status = (*client)->UnregisterConsumer(Group(i));
      if (!status.ok()) return status;
    }
  }
  return (*client)->Shutdown(/*timeout=*/absl::Seconds(3));
}

}  // namespace

int main(int argc, char** argv) {
  int groups = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[2], &groups)) {
    std::cerr << "usage: many_groups HOST:PORT GROUPS\n";
    return 2;
  }
  const absl::Status status = Run(argv[1], groups);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
