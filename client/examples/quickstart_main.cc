#include <iostream>

#include "absl/strings/str_join.h"
#include "client/client.h"
#include "glog/logging.h"

int main(int, char** argv) {
  FLAGS_logtostderr = true;  // The library logs by glog.
  google::InitGoogleLogging(argv[0]);

  std::unique_ptr<rmq::Client> client;
  rmq::ClientOptions options;
  options.brokers = {"127.0.0.1:10911"};
  options.on_consumer_ids_changed = [&](const rmq::ConsumerIdsChanged& change) {
    auto ids = client->GetConsumerIds(change.broker.address, change.group,
                                      /*timeout=*/absl::Seconds(1));
    if (!ids.ok()) return;  // Of a broker that has just gone, say.
    std::cout << change.group << ": " << absl::StrJoin(ids->client_ids, ", ")
              << (ids->settling > absl::ZeroDuration() ? ", others to come"
                                                       : "")
              << std::endl;
  };
  auto created = rmq::Client::Create(std::move(options));
  if (!created.ok()) return std::cerr << created.status() << "\n", 1;
  client = *std::move(created);

  rmq::ConsumerOptions orders;
  orders.group = "orders";
  orders.subscriptions = {{"order-events"}};
  auto status = client->RegisterConsumer(orders);
  if (status.ok()) status = client->Start();
  std::cout << status << ", enter ends\n";
  std::cin.get();
  return client->Shutdown(absl::Seconds(3)).ok() ? 0 : 1;
}
