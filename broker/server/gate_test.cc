// Every way into the broker passes the one gate, and says which request of
// RocketMQ's it is: walked through the services' own descriptors, so that what
// is added later is held to it too.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "broker/server/test_broker.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::OneofDescriptor;
using ::google::protobuf::ServiceDescriptor;
using ::testing::ElementsAre;

const CallStatus kDenied = {absl::StatusCode::kPermissionDenied,
                            ResponseCode::kSystemError, "nobody may"};

const ServiceDescriptor* Service(const std::string& name) {
  // Names a message of each file, which links its descriptors.
  pb::ClientFrame::descriptor();
  pb::ListGroupsRequest::descriptor();
  return DescriptorPool::generated_pool()->FindServiceByName(
      absl::StrCat("rocketmq.clientmanager.v1.", name));
}

grpc::Status CallWithNothing(const std::shared_ptr<grpc::Channel>& connection,
                             const MethodDescriptor& method) {
  grpc::Status status;
  grpc::ClientContext context;
  SetTestDeadline(context);
  grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  absl::Notification done;
  grpc::GenericStub(connection)
      .UnaryCall(
          &context,
          absl::StrCat("/", method.service()->full_name(), "/", method.name()),
          {}, &request, &response, [&](grpc::Status outcome) {
            status = std::move(outcome);
            done.Notify();
          });
  done.WaitForNotification();
  return status;
}

TEST(GateTest, EveryUnaryMethodIsAskedForAndDenied) {
  TestBroker broker(TestBroker::DefaultOptions(), kDenied);
  int methods = 0;
  for (const char* name : {"ClientManager", "ClientManagerAdmin"}) {
    const ServiceDescriptor* const service = Service(name);
    ASSERT_NE(service, nullptr) << name;
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      if (method.client_streaming() || method.server_streaming()) continue;
      SCOPED_TRACE(method.full_name());
      const grpc::Status status = CallWithNothing(broker.connection(), method);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
          << status.error_message();
      EXPECT_EQ(broker.authorizer().count(method.name()), 1);
      ++methods;
    }
  }
  EXPECT_GE(methods, 4 + 3);
}

// The first message of a streaming method passes the gate as the method of its
// own name, or, if it is one of several kinds, as the unary method of its kind.
// The kinds of Connect's frames are walked below.
TEST(GateTest, EveryStreamingMethodIsAskedForAndDenied) {
  std::vector<std::string> methods_of_frames;
  for (const char* name : {"ClientManager", "ClientManagerAdmin"}) {
    const ServiceDescriptor* const service = Service(name);
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      if (!method.client_streaming() && !method.server_streaming()) continue;
      if (method.input_type() == pb::ClientFrame::descriptor()) {
        methods_of_frames.push_back(method.full_name());
        continue;
      }
      SCOPED_TRACE(method.full_name());
      TestBroker broker(TestBroker::DefaultOptions(), kDenied);
      EXPECT_EQ(CallWithNothing(broker.connection(), method).error_code(),
                grpc::StatusCode::PERMISSION_DENIED);
      EXPECT_EQ(broker.authorizer().count(method.name()), 1);
    }
  }
  EXPECT_THAT(methods_of_frames,
              ElementsAre("rocketmq.clientmanager.v1.ClientManager.Connect"));
}

TEST(GateTest, EveryKindOfFrameIsAskedForAsItsUnaryMethodAndDenied) {
  std::map<std::string, std::string> method_of_request;
  const ServiceDescriptor* const service = Service("ClientManager");
  for (int i = 0; i < service->method_count(); ++i) {
    method_of_request[service->method(i)->input_type()->full_name()] =
        service->method(i)->name();
  }
  TestBroker broker(TestBroker::DefaultOptions(), kDenied);
  const OneofDescriptor* const kinds =
      pb::ClientFrame::descriptor()->FindOneofByName("request");
  ASSERT_GE(kinds->field_count(), 4);
  for (int i = 0; i < kinds->field_count(); ++i) {
    const FieldDescriptor* const kind = kinds->field(i);
    if (kind->message_type() == pb::Acknowledge::descriptor()) continue;
    SCOPED_TRACE(kind->name());
    const std::string& method =
        method_of_request[kind->message_type()->full_name()];
    const int asked = broker.authorizer().count(method);
    pb::ClientFrame frame;
    frame.GetReflection()->MutableMessage(&frame, kind);
    // A stream ends with its heartbeat.
    const pb::Reply reply = broker.Connect()->Call(frame);
    EXPECT_EQ(reply.status().code(), grpc::StatusCode::PERMISSION_DENIED)
        << reply.ShortDebugString();
    EXPECT_EQ(reply.response_case(), pb::Reply::RESPONSE_NOT_SET);
    EXPECT_EQ(broker.authorizer().count(method), asked + 1);
  }
}

// There is no unary method that does the same, and no answer.
TEST(GateTest, AnAcknowledgmentIsAskedForAsConnectAndDropped) {
  TestBroker broker(TestBroker::DefaultOptions(), kDenied);
  const auto stream = broker.Connect();
  pb::ClientFrame frame;
  frame.mutable_acknowledge()->set_group("orders");
  frame.mutable_acknowledge()->set_epoch(1);
  EXPECT_TRUE(stream->Write(frame));
  broker.authorizer().AwaitCount("Connect", 1);
  // The next reply is that of the next frame.
  EXPECT_EQ(stream->Call(ConsumerHeartbeat("c1", "orders")).status().code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST(GateTest, ALightHeartbeatOfAStreamThatStatedNothingIsDeniedToo) {
  TestBroker broker(TestBroker::DefaultOptions(), kDenied);
  const auto stream = broker.Connect();
  pb::HeartbeatRequest light;
  light.set_client_id("c1");
  light.set_statement_token(1);
  EXPECT_EQ(stream->Call(light).status().code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST(GateTest, EveryMethodSaysWhichRequestOfRocketMqsItIs) {
  const std::map<std::string, pb::RequestCode> codes = {
      {"Heartbeat", pb::REQUEST_CODE_HEART_BEAT},
      {"UnregisterClient", pb::REQUEST_CODE_UNREGISTER_CLIENT},
      {"CheckClientConfig", pb::REQUEST_CODE_CHECK_CLIENT_CONFIG},
      {"GetConsumerListByGroup", pb::REQUEST_CODE_GET_CONSUMER_LIST_BY_GROUP},
      {"GetConsumerConnectionList",
       pb::REQUEST_CODE_GET_CONSUMER_CONNECTION_LIST},
      {"GetProducerConnectionList",
       pb::REQUEST_CODE_GET_PRODUCER_CONNECTION_LIST},
      {"QueryTopicConsumeByWho", pb::REQUEST_CODE_QUERY_TOPIC_CONSUME_BY_WHO},
      {"GetAllProducerInfo", pb::REQUEST_CODE_GET_ALL_PRODUCER_INFO},
  };
  EXPECT_EQ(pb::REQUEST_CODE_HEART_BEAT, 34);
  EXPECT_EQ(pb::REQUEST_CODE_UNREGISTER_CLIENT, 35);
  EXPECT_EQ(pb::REQUEST_CODE_GET_CONSUMER_LIST_BY_GROUP, 38);
  EXPECT_EQ(pb::REQUEST_CODE_NOTIFY_CONSUMER_IDS_CHANGED, 40);
  EXPECT_EQ(pb::REQUEST_CODE_CHECK_CLIENT_CONFIG, 46);
  size_t found = 0;
  for (const char* name : {"ClientManager", "ClientManagerAdmin"}) {
    const ServiceDescriptor* const service = Service(name);
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      const auto code = codes.find(method.name());
      EXPECT_EQ(
          method.options().GetExtension(pb::request_code),
          code == codes.end() ? pb::REQUEST_CODE_UNSPECIFIED : code->second)
          << method.full_name();
      found += code == codes.end() ? 0 : 1;
    }
  }
  EXPECT_EQ(found, codes.size());
}

}  // namespace
}  // namespace rmq
