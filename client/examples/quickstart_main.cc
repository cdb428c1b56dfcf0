#include <iostream>

#include "absl/strings/str_join.h"
#include "client/client.h"
#include "glog/logging.h"

int main(int, char** argv) {
  FLAGS_logtostderr = true;  // The library logs by glog.
  google::InitGoogleLogging(argv[0]);

  rmq::ClientOptions options;
  options.brokers = {"127.0.0.1:10911"};
  options.on_membership_changed = [](const rmq::MembershipChange& change) {
    for (const rmq::DepartedMember& member : change.left) {
      std::cout << member.client_id
                << " left: " << (member.reason ? Name(*member.reason) : "?")
                << "\n";
    }
    std::cout << change.group << ": " << absl::StrJoin(change.members, ", ")
              << (change.settling > absl::ZeroDuration() ? ", others to come"
                                                         : "")
              << std::endl;
  };
  auto created = rmq::Client::Create(std::move(options));
  if (!created.ok()) return std::cerr << created.status() << "\n", 1;
  std::unique_ptr<rmq::Client> client = *std::move(created);

  rmq::ConsumerOptions orders;
  orders.group = "orders";
  orders.subscriptions = {{"order-events"}};
  auto status = client->RegisterConsumer(orders);
  if (status.ok()) status = client->Start();
  std::cout << status << ", enter ends\n";
  std::cin.get();
  return client->Shutdown(absl::Seconds(3)).ok() ? 0 : 1;
}
