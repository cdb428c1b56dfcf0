#include "common/rpc/server/method_table.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/method_table_testutil.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/recording_authorizer.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/grpc.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/slice.h"
#include "grpc/support/time.h"
#include "grpcpp/test/server_context_test_spouse.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Request = ::grpc::health::v1::HealthCheckRequest;
using Response = ::grpc::health::v1::HealthCheckResponse;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);
constexpr char kPeer[] = "192.0.2.1:50001";
constexpr char kPath[] = "/grpc.health.v1.Health/Check";

const CallStatus kDenied = {absl::StatusCode::kPermissionDenied,
                            ResponseCode::kSystemError, "nobody may"};
const CallStatus kGoingDown = {absl::StatusCode::kUnavailable,
                               ResponseCode::kSystemError, "going down"};

int SevenForAll(const MethodDescriptor&) { return 7; }

// A service of any kind: one unary method, and one that streams.
const ServiceDescriptor& Service() {
  return *Request::descriptor()->file()->service(0);
}
const MethodDescriptor& Unary() { return *Service().method(0); }
const MethodDescriptor& Streaming() { return *Service().method(1); }

// Tells errors in the body of an answer that is OK for gRPC.
class BodyOutcomeWriter final : public OutcomeWriter {
 public:
  grpc::Status Write(const MethodDescriptor& /*method*/,
                     const CallStatus& outcome, TrailingMetadata* /*metadata*/,
                     grpc::ByteBuffer* response) const override {
    if (outcome.ok()) return grpc::Status::OK;
    Response body;
    body.set_status(Response::SERVICE_UNKNOWN);
    bool owns_buffer;
    return grpc::SerializationTraits<Response>::Serialize(body, response,
                                                          &owns_buffer);
  }
};

class MethodTableTest : public ::testing::Test {
 protected:
  explicit MethodTableTest(CallStatus allowed = {})
      : authorizer_(std::move(allowed)) {}

  const MethodTable::Method& AddCheck(
      const MethodTable::MethodOptions& options = {}) {
    return table_.Add<Request, Response>(
        Unary(), options,
        [](const Request& request) {
          CallResources resources;
          resources.groups.push_back(request.service());
          return resources;
        },
        [this](const CallContext& call, const Request& request,
               Response* response) {
          handled_ += request.service();
          EXPECT_EQ(&call.method, &Unary());
          EXPECT_EQ(call.peer.address, kPeer);
          EXPECT_EQ(call.now, kNow);
          response->set_status(Response::SERVING);
          return outcome_;
        });
  }
  static CallContext Context() {
    return {Unary(), {kPeer, ClientNetworkOf(kPeer), ""}, {}, kNow};
  }
  CallStatus Call(const std::string& service) {
    Request request;
    request.set_service(service);
    return CallMethod(table_, Service(), kPeer, kNow, request, &response_);
  }

  RecordingAuthorizer authorizer_;
  Gate gate_{&authorizer_, kGoingDown};
  PayerRates rates_{PayerRates::Options()};
  CallCounters counters_{&SevenForAll};
  MethodTable table_{&gate_, &rates_, &counters_};
  CallStatus outcome_;
  std::string handled_;
  Response response_;
};

TEST_F(MethodTableTest, AMethodIsFoundByItsPathAndByItsDescriptor) {
  const MethodTable::Method& method = AddCheck();
  EXPECT_EQ(MethodTable::PathOf(Unary()), kPath);
  EXPECT_EQ(table_.Find(kPath), &method);
  EXPECT_EQ(table_.Find(Unary()), &method);
  EXPECT_EQ(table_.Find("/grpc.health.v1.Health/Other"), nullptr);
  EXPECT_EQ(table_.Find(Streaming()), nullptr);
  EXPECT_EQ(table_.AddStreaming(Streaming()).answer, nullptr);
  EXPECT_NE(table_.Find(Streaming()), nullptr);
}

TEST_F(MethodTableTest, ACallIsAnsweredByItsHandlerAfterTheAuthorizerWasAsked) {
  AddCheck();
  EXPECT_TRUE(Call("a").ok());
  EXPECT_EQ(response_.status(), Response::SERVING);
  EXPECT_EQ(handled_, "a");
  EXPECT_EQ(authorizer_.last().call, "Check");
  EXPECT_EQ(authorizer_.last().peer, kPeer);
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("a"));
}

TEST_F(MethodTableTest, AnErrorOfTheHandlerIsTheOutcomeAndHasNoResponse) {
  AddCheck();
  outcome_ = BadForm("service must be short");
  EXPECT_EQ(Call("a").message, "service must be short");
  EXPECT_EQ(response_.status(), Response::UNKNOWN);
}

TEST_F(MethodTableTest, AMessageOfAnotherKindIsRefusedByTheNameOfTheRightOne) {
  const MethodTable::Method& method = AddCheck();
  grpc::Slice slice("\xff\xff");
  grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  EXPECT_EQ(method.answer(Context(), &request, &response).message,
            "the message is not a HealthCheckRequest");
  EXPECT_EQ(authorizer_.count("Check"), 0);
}

class DenyingTableTest : public MethodTableTest {
 protected:
  DenyingTableTest() : MethodTableTest(kDenied) {}
};

TEST_F(DenyingTableTest, ACallThatIsDeniedDoesNotReachItsHandler) {
  AddCheck();
  EXPECT_EQ(Call("a").message, "nobody may");
  EXPECT_EQ(handled_, "");
}

TEST_F(DenyingTableTest,
       AMethodThatSkipsTheGateIsAnsweredToEverybodyAndAlways) {
  MethodTable::MethodOptions options;
  options.skips_gate = true;
  AddCheck(options);
  gate_.BeginGoingDown();
  EXPECT_TRUE(Call("a").ok());
  EXPECT_EQ(authorizer_.count("Check"), 0);
}

TEST_F(MethodTableTest, WhileClientsAreTurnedAwayOtherCallsPass) {
  bool lets_in = false;
  gate_.set_client_check([&](absl::Time now) {
    EXPECT_EQ(now, kNow);
    return lets_in ? CallStatus() : kDenied;
  });
  AddCheck();
  EXPECT_TRUE(Call("a").ok());
  EXPECT_EQ(gate_.EnterClient(Context(), {}).message, "nobody may");
  EXPECT_TRUE(gate_.EnterFrame(Context(), {}).ok());
  lets_in = true;
  EXPECT_TRUE(gate_.EnterClient(Context(), {}).ok());
}

TEST_F(MethodTableTest, AMethodForClientsIsTurnedAwayWhileTheyAre) {
  gate_.set_client_check([](absl::Time) { return kDenied; });
  MethodTable::MethodOptions options;
  options.is_for_clients = true;
  AddCheck(options);
  EXPECT_EQ(Call("a").message, "nobody may");
  EXPECT_EQ(handled_, "");
}

TEST_F(MethodTableTest, AServerThatGoesDownTakesNoCallsButStillFrames) {
  AddCheck();
  gate_.BeginGoingDown();
  EXPECT_EQ(Call("a").message, "going down");
  EXPECT_EQ(handled_, "");
  EXPECT_EQ(gate_.CheckClient(kNow).message, "going down");
  EXPECT_TRUE(gate_.EnterFrame(Context(), {}).ok());
}

TEST_F(MethodTableTest, CallsAreCountedByMethodAndRefusalsByCodeToo) {
  const MethodTable::Method& method = AddCheck();
  TrailingMetadata metadata;
  grpc::ByteBuffer none;
  table_.Finish(&method, kPeer, CallStatus(), &metadata, &none);
  table_.Finish(&method, kPeer, kDenied, &metadata, &none);
  table_.Finish(nullptr, kPeer, kGoingDown, &metadata, &none);
  EXPECT_EQ(method.counters->name(), "Check");
  EXPECT_EQ(method.counters->service(), "Health");
  EXPECT_EQ(method.counters->request_code(), 7);
  EXPECT_EQ(method.counters->calls(), 2);
  EXPECT_EQ(method.counters->refusals().value(kDenied.code), 1);
  const MethodCounters& none_of_ours = counters_.no_method();
  EXPECT_EQ(none_of_ours.name(), "_unknown");
  EXPECT_EQ(none_of_ours.calls(), 1);
  EXPECT_EQ(none_of_ours.refusals().value(kGoingDown.code), 1);
}

TEST_F(MethodTableTest, AMethodThatIsNotThereIsNoRefusal) {
  TrailingMetadata metadata;
  grpc::ByteBuffer none;
  table_.Finish(nullptr, kPeer,
                {absl::StatusCode::kUnimplemented,
                 ResponseCode::kRequestCodeNotSupported, "no such method"},
                &metadata, &none);
  EXPECT_EQ(counters_.no_method().calls(), 1);
  EXPECT_EQ(
      counters_.no_method().refusals().value(absl::StatusCode::kUnimplemented),
      0);
}

TEST_F(MethodTableTest, AnOutcomeIsAGrpcStatusAndANumberInTrailingMetadata) {
  const MethodTable::Method& method = AddCheck();
  TrailingMetadata metadata;
  grpc::ByteBuffer none;
  const grpc::Status status =
      table_.Finish(&method, kPeer, OverLimit("enough"), &metadata, &none);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "enough");
  EXPECT_THAT(metadata, ElementsAre(Pair("rocketmq-response-code", "2")));
}

TEST_F(MethodTableTest, AnotherProtocolTellsOutcomesInItsOwnManner) {
  const BodyOutcomeWriter in_the_body;
  MethodTable::MethodOptions options;
  options.outcomes = &in_the_body;
  const MethodTable::Method& method = AddCheck(options);
  TrailingMetadata metadata;
  grpc::ByteBuffer bytes;
  EXPECT_TRUE(table_.Finish(&method, kPeer, kDenied, &metadata, &bytes).ok());
  Response response;
  ASSERT_TRUE(
      grpc::SerializationTraits<Response>::Deserialize(&bytes, &response).ok());
  EXPECT_EQ(response.status(), Response::SERVICE_UNKNOWN);
  EXPECT_THAT(metadata, IsEmpty());
  EXPECT_EQ(method.counters->refusals().value(kDenied.code), 1);
}

TEST(MetadataViewTest, AValueIsFoundByItsKey) {
  grpc::ServerContext context;
  grpc::testing::ServerContextTestSpouse sent(&context);
  sent.AddClientMetadata("x-mq-client-id", "c1");
  const MetadataView metadata(context);
  EXPECT_EQ(metadata.Find("x-mq-client-id"), "c1");
  EXPECT_EQ(metadata.Find("x-mq-client"), absl::nullopt);
  EXPECT_EQ(MetadataView().Find("x-mq-client-id"), absl::nullopt);
}

TEST(MetadataViewTest, AValueInAnArrayIsFoundByItsKeyTheFirstOfSeveral) {
  grpc_metadata entries[3] = {};
  const char* const texts[3][2] = {
      {"x-mq-client", "c"}, {"x-mq-client-id", "c1"}, {"x-mq-client-id", "c2"}};
  for (int i = 0; i < 3; ++i) {
    entries[i].key = grpc_slice_from_static_string(texts[i][0]);
    entries[i].value = grpc_slice_from_static_string(texts[i][1]);
  }
  const grpc_metadata_array array = {3, 3, entries};
  const MetadataView metadata(array, gpr_inf_future(GPR_CLOCK_MONOTONIC));
  EXPECT_EQ(metadata.Find("x-mq-client-id"), "c1");
  EXPECT_EQ(metadata.Find("x-mq-client-i"), absl::nullopt);
  EXPECT_EQ(metadata.TimeLeft(), absl::InfiniteDuration());
}

TEST(CountItemsTest, IsTheItemsOfAllRepeatedFields) {
  google::protobuf::FileDescriptorProto message;
  message.set_name("a.proto");
  EXPECT_EQ(CountItems(message), 0);
  message.add_dependency("b.proto");
  message.add_message_type()->add_field();
  message.add_message_type();
  EXPECT_EQ(CountItems(message), 3);
}

TEST(CountRowsTest, IsTheItemsOrWhatTheBytesAreIfThatIsMore) {
  google::protobuf::FileDescriptorProto message;
  EXPECT_EQ(CountRows(message), 0);
  message.add_dependency("b.proto");
  EXPECT_EQ(CountRows(message), 1);
  const auto fill_to = [&message](int64_t bytes) {
    std::string* const text = message.mutable_dependency(0);
    while (static_cast<int64_t>(message.ByteSizeLong()) < bytes) {
      text->push_back('x');
    }
  };
  fill_to(2 * kBytesOfARow - 1);
  EXPECT_EQ(CountRows(message), 1);
  fill_to(2 * kBytesOfARow);
  EXPECT_EQ(CountRows(message), 2);
}

TEST(MethodTakingTest, IsTheUnaryMethodWithThatRequest) {
  EXPECT_EQ(&MethodTaking(*Request::descriptor(), Service()), &Unary());
}

}  // namespace
}  // namespace rmq
