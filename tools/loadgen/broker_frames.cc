#include "tools/loadgen/broker_frames.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status_code_enum.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::loadgen {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr uint64_t kRequestId = 1;
constexpr uint64_t kListRequestId = 2;
// As "10.20.30.40@12345#67890123456789" is.
constexpr size_t kClientIdBytes = 32;

grpc::ByteBuffer ToBuffer(const pb::ClientFrame& frame) {
  const grpc::Slice slice(frame.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

absl::optional<grpc::ByteBuffer> ResponseOf(
    absl::optional<pb::ClientFrame> frame) {
  if (!frame.has_value()) return absl::nullopt;
  if (!frame->has_acknowledge()) frame->set_request_id(kListRequestId);
  return ToBuffer(*frame);
}

// The answer to a light heartbeat, when there is nothing to say.
std::string LightAnswer() {
  pb::BrokerFrame frame;
  frame.mutable_reply()->set_request_id(kRequestId);
  frame.mutable_reply()->mutable_heartbeat();
  return frame.SerializeAsString();
}

bool IsLightAnswer(const grpc::ByteBuffer& frame) {
  static const std::string* const kExpected = new std::string(LightAnswer());
  grpc::Slice slice;
  return frame.Length() == kExpected->size() &&
         frame.TrySingleSlice(&slice).ok() &&
         std::memcmp(slice.begin(), kExpected->data(), slice.size()) == 0;
}

}  // namespace

BrokerFrames::BrokerFrames(const LoadOptions& options) : options_(options) {}

const char* BrokerFrames::method() const {
  return "/rocketmq.clientmanager.v1.ClientManager/Connect";
}

std::string BrokerFrames::ClientId(int client) const {
  const std::string begin = absl::StrCat(options_.client_prefix, "@");
  const int digits = static_cast<int>(
      begin.size() + 8 < kClientIdBytes ? kClientIdBytes - begin.size() : 8);
  return absl::StrFormat("%s%0*d", begin, digits, client);
}

grpc::ByteBuffer BrokerFrames::Full(int client) const {
  const int64_t first =
      options_.fill_groups
          ? int64_t{client} * options_.groups / options_.streams
          : client;
  const auto group = [&](int nth) {
    return static_cast<int>((first + nth) % options_.groups);
  };
  pb::ClientFrame frame;
  frame.set_request_id(kRequestId);
  pb::HeartbeatRequest& heartbeat = *frame.mutable_heartbeat();
  heartbeat.set_client_id(ClientId(client));
  heartbeat.set_incarnation(options_.seed);
  heartbeat.set_language(pb::LANGUAGE_CODE_CPP);
  for (int i = 0; i < options_.producer_groups; ++i) {
    heartbeat.add_producers()->set_group(
        absl::StrFormat("producer-group-%05d", group(i)));
  }
  for (int i = 0; i < options_.consumer_groups; ++i) {
    pb::ConsumerData& consumer = *heartbeat.add_consumers();
    consumer.set_group(absl::StrFormat("consumer-group-%05d", group(i)));
    consumer.set_consume_type(pb::CONSUME_TYPE_CONSUME_PASSIVELY);
    consumer.set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
    consumer.set_consume_from_where(pb::CONSUME_FROM_WHERE_LAST_OFFSET);
    for (int j = 0; j < options_.subscriptions; ++j) {
      pb::SubscriptionData& subscription = *consumer.add_subscriptions();
      subscription.set_topic(absl::StrFormat("topic-%05d-%d", group(i), j));
      subscription.set_expression("tagA || tagB");
      subscription.set_expression_type("TAG");
      subscription.set_sub_version(1);
    }
  }
  return ToBuffer(frame);
}

grpc::ByteBuffer BrokerFrames::Light(uint64_t statement_token) const {
  pb::ClientFrame frame;
  frame.set_request_id(kRequestId);
  frame.mutable_heartbeat()->set_statement_token(statement_token);
  return ToBuffer(frame);
}

Answer BrokerFrames::Parse(const grpc::ByteBuffer& frame,
                           HeldLists* lists) const {
  Answer answer;
  if (IsLightAnswer(frame)) return answer;
  pb::BrokerFrame message;
  grpc::ByteBuffer copy(frame);
  if (!grpc::SerializationTraits<pb::BrokerFrame>::Deserialize(&copy, &message)
           .ok()) {
    answer.error = "the frame is not a BrokerFrame";
    return answer;
  }
  if (message.has_notify_consumer_ids_changed()) {
    answer.is_push = true;
    if (lists != nullptr) {
      answer.response =
          ResponseOf(lists->OnPush(message.notify_consumer_ids_changed()));
    }
    return answer;
  }
  const pb::Reply& reply = message.reply();
  if (reply.request_id() == kListRequestId) {
    answer.is_list = true;
    const bool has_list = reply.has_get_consumer_list_by_group();
    if (lists != nullptr) {
      answer.response = ResponseOf(lists->OnList(
          has_list ? &reply.get_consumer_list_by_group() : nullptr));
    }
    return answer;
  }
  const pb::HeartbeatResponse& heartbeat = reply.heartbeat();
  if (reply.status().code() == grpc::StatusCode::ABORTED) {
    answer.channel_closed = true;
  } else if (reply.status().code() != 0) {
    answer.error = absl::StrCat("code ", reply.status().code(), ": ",
                                reply.status().message());
  } else if (!reply.has_heartbeat()) {
    answer.error = "the reply is not to a heartbeat";
  } else if (heartbeat.skipped_groups_size() > 0) {
    answer.error =
        absl::StrCat("group ", heartbeat.skipped_groups(0).group(),
                     " was skipped: ", heartbeat.skipped_groups(0).message());
  }
  answer.statement_token = heartbeat.statement_token();
  answer.full_statement_needed = heartbeat.full_statement_needed();
  return answer;
}

}  // namespace rmq::loadgen
