// What benchmarks of the core share: channels as small as the core's part of
// them, and statements of many clients in many groups.
#ifndef BROKER_REGISTRY_BENCHMARK_CLIENTS_H_
#define BROKER_REGISTRY_BENCHMARK_CLIENTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"

namespace rmq {

// Of each kind.
inline constexpr size_t kBenchmarkGroups = 10'240;
inline constexpr absl::Duration kHeartbeatInterval = absl::Seconds(30);

// A channel as small as the core's part of it, with an address as long as they
// come.
class BareChannel final : public ClientChannel {
 public:
  BareChannel() : ClientChannel(Kind::kStream) {}
  // Its owner opens it.
  std::shared_ptr<ClientChannel> Reference() override { return nullptr; }
  void Push(std::shared_ptr<const MembershipPush> /*push*/) override {}
  void End(const ChannelEnd& /*end*/) override {}
  bool writable() const override { return true; }
  absl::string_view remote_address() const override {
    return "10.20.30.40:50001";
  }
};

inline std::vector<uint32_t> RandomOrder(size_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(20260801));
  return order;
}

// One statement at a time: a producer group, and a consumer group with two
// topics. The names are made once.
class BenchmarkStatements {
 public:
  BenchmarkStatements() {
    for (size_t i = 0; i < kBenchmarkGroups; ++i) {
      producers_.push_back(absl::StrFormat("producer-group-%05d", i));
      consumers_.push_back(absl::StrFormat("consumer-group-%05d", i));
      topics_.push_back(absl::StrFormat("topic-%05d", i));
    }
    subscriptions_[0].expression = subscriptions_[1].expression =
        "tagA || tagB";
    subscriptions_[0].expression_type = "TAG";
    subscriptions_[1].expression_type = "TAG";
    subscriptions_[0].sub_version = subscriptions_[1].sub_version = 1;
    consumer_.modes = {ConsumeType::kConsumePassively,
                       MessageModel::kClustering,
                       ConsumeFromWhere::kLastOffset};
    consumer_.subscriptions = subscriptions_;
    statement_.incarnation = 1;
    statement_.language = LanguageCode::kCpp;
    statement_.version = 1;
    statement_.producer_groups = absl::MakeConstSpan(&producer_, 1);
    statement_.consumers = absl::MakeConstSpan(&consumer_, 1);
  }

  // Of 32 bytes, as "10.20.30.40@12345#67890123456789" is.
  static void SetClientId(size_t client, std::string* client_id) {
    client_id->assign("10.20.30.40@00000000000000000000");
    for (size_t digit = client_id->size(); client > 0; client /= 10) {
      (*client_id)[--digit] = static_cast<char>('0' + client % 10);
    }
  }
  static std::string ClientId(size_t client) {
    std::string client_id;
    SetClientId(client, &client_id);
    return client_id;
  }

  // From here on each client has sub versions of its own, as those have that
  // draw them from a clock. Otherwise all have the same.
  void UseDistinctVersions() { distinct_versions_ = true; }

  // Valid until the next call.
  const HeartbeatStatement& Of(size_t client, absl::string_view client_id) {
    // Scattered: neighbours in the order of opening share no group.
    const size_t group = client * 7919 % kBenchmarkGroups;
    producer_ = producers_[group];
    consumer_.group = consumers_[group];
    subscriptions_[0].topic = topics_[group];
    subscriptions_[1].topic = topics_[(group + 1) % kBenchmarkGroups];
    if (distinct_versions_) {
      subscriptions_[0].sub_version = static_cast<int64_t>(2 * client + 2);
      subscriptions_[1].sub_version = static_cast<int64_t>(2 * client + 3);
    }
    statement_.client_id = client_id;
    return statement_;
  }
  // The same, with the consumer let in.
  AdmittedStatement Admitted(size_t client, absl::string_view client_id) {
    return {&Of(client, client_id), admitted_};
  }

 private:
  std::vector<std::string> producers_, consumers_, topics_;
  absl::string_view producer_;
  SubscriptionStatement subscriptions_[2];
  ConsumerStatement consumer_;
  HeartbeatStatement statement_;
  AdmittedConsumer admitted_[1] = {{&consumer_, true}};
  bool distinct_versions_ = false;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_BENCHMARK_CLIENTS_H_
