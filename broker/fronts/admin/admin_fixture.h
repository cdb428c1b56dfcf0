// What tests of admin methods share: the admin front over a table and a policy,
// which is called as unary calls are.
#ifndef BROKER_FRONTS_ADMIN_ADMIN_FIXTURE_H_
#define BROKER_FRONTS_ADMIN_ADMIN_FIXTURE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/admin_method.h"
#include "broker/fronts/admin/admin_request_handler.h"
#include "broker/logging/audit_log.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_kicker.h"
#include "broker/watch/watch_fixture.h"
#include "broker/watch/watches.h"
#include "common/response_code.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/method_table_testutil.h"
#include "common/rpc/server/payer_rates.h"
#include "common/rpc/server/recording_authorizer.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {

MATCHER(IsSuccess, "") {
  *result_listener << arg.message;
  return arg.ok() && arg.response_code == ResponseCode::kSuccess;
}
MATCHER_P2(FailsWith, code, message, "") {
  *result_listener << absl::StatusCodeToString(arg.code) << ": " << arg.message;
  return arg.code == code && arg.response_code == ResponseCode::kSystemError &&
         ::testing::ExplainMatchResult(message, arg.message, result_listener);
}
template <typename Message>
auto BadFormWith(Message message) {
  return FailsWith(absl::StatusCode::kInvalidArgument, message);
}
template <typename Message>
auto NotFoundWith(Message message) {
  return FailsWith(absl::StatusCode::kNotFound, message);
}

// Calls the methods of an admin front over `broker`.
class AdminCaller {
 public:
  explicit AdminCaller(const AdminBroker& broker) : front_(broker) {
    front_.AddMethods(&methods_);
  }

  // The method is the one that takes a Request.
  template <typename Request, typename Response>
  CallStatus Call(const Request& request, Response* response) {
    return CallMethod(methods_, AdminServiceDescriptor(), "192.0.2.1:50001",
                      absl::FromUnixSeconds(1'000'000), request, response);
  }

  RecordingAuthorizer& authorizer() { return authorizer_; }
  const MethodTable& methods() const { return methods_; }

 private:
  static int NoRequestCode(const google::protobuf::MethodDescriptor&) {
    return 0;
  }

  RecordingAuthorizer authorizer_;
  CallCounters counters_{&NoRequestCode};
  PayerRates rates_{{0, 0, 0}};
  Gate gate_{&authorizer_, CallStatus()};
  MethodTable methods_{&gate_, &rates_, &counters_};
  AdminRequestHandler front_;
};

class AdminFixture : public WatchFixture {
 protected:
  AdminFixture()
      : policy_(PolicyWithTopics(),
                [this](absl::string_view group) {
                  return table_.FindConsumerGroup(group).has_value();
                }),
        kicker_({}, &table_, &notifier_),
        watches_(Watches::Options(), &table_, &history_, nullptr),
        admin_(Broker(policy_, /*notifies=*/true)) {}

  AdminBroker Broker(const GroupPolicy& policy, bool notifies) {
    AdminBroker broker = {Limits(), table_,  policy, notifies,
                          clock_,   kicker_, rates_};
    broker.watches = &watches_;
    broker.incarnation = kIncarnation;
    broker.connections = &connections_;
    broker.audit = &audit_;
    return broker;
  }

  static constexpr uint64_t kIncarnation = 77;

  template <typename Request, typename Response>
  CallStatus Call(const Request& request, Response* response) {
    return admin_.Call(request, response);
  }
  // Where the response does not matter.
  template <typename Request>
  CallStatus Call(const Request& request) {
    grpc::ByteBuffer response;
    return admin_.Call(request, &response);
  }

  // All pages of two, each read by `read`; the number of pages.
  template <typename Response, typename Request, typename Read>
  int ReadPages(Request request, Read read) {
    request.set_page_size(2);
    int pages = 0;
    do {
      Response response;
      EXPECT_THAT(Call(request, &response), IsSuccess());
      read(response);
      request.set_page_token(response.next_page_token());
      ++pages;
    } while (!request.page_token().empty());
    return pages;
  }

  // Bad page sizes and tokens are refused.
  template <typename Request>
  void ExpectPagesAreChecked(Request request) {
    for (int page_size : {-1, 1001}) {
      request.set_page_size(page_size);
      EXPECT_THAT(Call(request),
                  BadFormWith(absl::StrCat("page_size must be 0 to 1000, got ",
                                           page_size)));
    }
    request.set_page_size(1000);
    request.set_page_token("no token");
    EXPECT_THAT(Call(request), BadFormWith(::testing::HasSubstr(
                                   "page_token must be a next_page_token of "
                                   "this method, got \"no token\"")));
  }

  SimulatedClock clock_;
  GroupPolicy policy_;
  ConsumerIdsNotifier notifier_{ConsumerIdsNotifier::Options()};
  ClientKicker kicker_;
  // What calls cost besides their rows; refuses nothing.
  PayerRates rates_{PayerRates::Options()};
  Watches watches_;
  AuditLog audit_{&clock_};
  Connections connections_{Connections::Options().WithOpenFiles(10'000)};
  AdminCaller admin_;

 private:
  static GroupPolicy::Options PolicyWithTopics() {
    GroupPolicy::Options options;
    options.reject_pull_consumer_enable = true;
    options.max_auto_created_groups = 12;
    for (const char* name : {"a-topic", "b-topic", "c-topic"}) {
      TopicConfig topic;
      topic.topic = name;
      topic.read_queue_nums = 8;
      options.topics.push_back(topic);
      SubscriptionGroupConfig group;
      group.group = absl::StrCat(name, "-readers");
      group.retry_queue_nums = 2;
      options.subscription_groups.push_back(group);
    }
    return options;
  }
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_ADMIN_FIXTURE_H_
