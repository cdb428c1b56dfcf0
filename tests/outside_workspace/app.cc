// Joins the group "orders" at a broker, and says who is in it.
#include <iostream>
#include <utility>

#include "absl/strings/str_join.h"
#include "client/client.h"
#include "glog/logging.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: app HOST:PORT\n", 2;
  FLAGS_logtostderr = true;  // The library logs by glog.
  google::InitGoogleLogging(argv[0]);
  rmq::ClientOptions options;
  options.brokers = {argv[1]};
  auto client = rmq::Client::Create(std::move(options));
  if (!client.ok()) return std::cerr << client.status() << "\n", 1;
  rmq::ConsumerOptions orders;
  orders.group = "orders";
  auto status = (*client)->RegisterConsumer(std::move(orders));
  if (status.ok()) status = (*client)->Start();
  if (!status.ok()) return std::cerr << status << "\n", 1;
  auto ids = (*client)->WaitForMembers(argv[1], "orders", /*count=*/1,
                                       absl::Seconds(30));
  if (!ids.ok()) return std::cerr << ids.status() << "\n", 1;
  std::cout << "orders: " << absl::StrJoin(*ids, " ") << "\n";
  return (*client)->Shutdown(absl::Seconds(3)).ok() ? 0 : 1;
}
