#include <iostream>

#include "absl/strings/str_join.h"
#include "client/client.h"

int main() {
  rmq::ClientOptions options;
  options.brokers = {"127.0.0.1:10911"};
  auto client = rmq::Client::Create(std::move(options));
  if (!client.ok()) return std::cerr << client.status() << "\n", 1;

  rmq::ConsumerOptions orders;
  orders.group = "orders";
  orders.subscriptions = {{"order-events"}};
  auto status = (*client)->RegisterConsumer(orders);
  if (status.ok()) status = (*client)->Start();
  std::cout << status << ", enter ends\n";
  std::cin.get();

  auto ids =
      (*client)->GetConsumerIds("127.0.0.1:10911", "orders", absl::Seconds(1));
  if (!ids.ok()) return std::cerr << ids.status() << "\n", 1;
  std::cout << absl::StrJoin(ids->client_ids, "\n") << "\n";
  return (*client)->Shutdown(absl::Seconds(3)).ok() ? 0 : 1;
}
