// Clients that find their brokers by a resolver, for the proofs of this folder:
//
//   clients --resolver=etcd://HOST:PORT/CLUSTER --clients=30 --group=g
//
// They join the group, and leave it at the end of stdin. Client i has the id
// "client-i", with --id_prefix another one. Ten clients share a resolver.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/make_resolver.h"
#include "client/discovery/resolver_source.h"
#include "common/security/tls_options.h"
#include "glog/logging.h"

ABSL_FLAG(std::string, resolver, "", "where the brokers are");
ABSL_FLAG(int32_t, clients, 30, "how many clients");
ABSL_FLAG(std::string, group, "g", "their consumer group");
ABSL_FLAG(std::string, id_prefix, "client-", "what their ids begin with");
ABSL_FLAG(std::string, tls_ca, "", "TLS to etcd and to the brokers");
ABSL_FLAG(std::string, tls_cert, "", "the clients' certificate");
ABSL_FLAG(std::string, tls_key, "", "its key");

namespace {

constexpr int32_t kClientsOfAResolver = 10;

absl::optional<rmq::TlsOptions> Tls() {
  if (absl::GetFlag(FLAGS_tls_ca).empty()) return absl::nullopt;
  rmq::TlsOptions tls;
  tls.ca_file = absl::GetFlag(FLAGS_tls_ca);
  tls.cert_file = absl::GetFlag(FLAGS_tls_cert);
  tls.key_file = absl::GetFlag(FLAGS_tls_key);
  return tls;
}

int Fail(const absl::Status& status) {
  std::cerr << "clients: " << status << std::endl;
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  absl::ParseCommandLine(argc, argv);

  const auto runtime = rmq::ClientRuntime::Create();
  std::shared_ptr<rmq::ResolverSource> resolver;
  std::vector<std::unique_ptr<rmq::Client>> clients;
  for (int32_t i = 0; i < absl::GetFlag(FLAGS_clients); ++i) {
    if (i % kClientsOfAResolver == 0) {
      rmq::DiscoveryOptions discovery;
      discovery.etcd_tls = Tls();
      discovery.etcd_broker_tls = discovery.etcd_tls.has_value();
      auto made = rmq::MakeResolver(absl::GetFlag(FLAGS_resolver), discovery);
      if (!made.ok()) return Fail(made.status());
      resolver = *std::move(made);
    }
    rmq::ClientOptions options;
    options.resolver = resolver;
    options.tls = Tls();
    options.client_id = absl::StrCat(absl::GetFlag(FLAGS_id_prefix), i);
    options.runtime = runtime;
    auto client = rmq::Client::Create(std::move(options));
    if (!client.ok()) return Fail(client.status());
    rmq::ConsumerOptions consumer;
    consumer.group = absl::GetFlag(FLAGS_group);
    consumer.subscriptions = {{"topic"}};
    absl::Status status = (*client)->RegisterConsumer(consumer);
    if (status.ok()) status = (*client)->Start();
    if (!status.ok()) return Fail(status);
    clients.push_back(*std::move(client));
  }
  std::cout << "started" << std::endl;
  while (std::cin) std::cin.get();
  for (const auto& client : clients) {
    client->Shutdown(absl::Seconds(3)).IgnoreError();
  }
  return 0;
}
