#include "tools/loadgen/lease_frames.h"

#include "absl/strings/str_cat.h"
#include "etcd/api/etcdserverpb/rpc.pb.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/slice.h"

namespace rmq::loadgen {

std::string LeaseFrames::ClientId(int client) const {
  return absl::StrCat("lease ", client + 1);
}

const char* LeaseFrames::method() const {
  return "/etcdserverpb.Lease/LeaseKeepAlive";
}

grpc::ByteBuffer LeaseFrames::Full(int client) const {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(client + 1);
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer LeaseFrames::Light(uint64_t /*statement_token*/) const {
  return grpc::ByteBuffer();  // No answer has a token.
}

Answer LeaseFrames::Parse(const grpc::ByteBuffer& frame,
                          HeldLists* /*lists*/) const {
  Answer answer;
  etcdserverpb::LeaseKeepAliveResponse response;
  grpc::ByteBuffer copy(frame);
  if (!grpc::SerializationTraits<
           etcdserverpb::LeaseKeepAliveResponse>::Deserialize(&copy, &response)
           .ok()) {
    answer.error = "the frame is not a LeaseKeepAliveResponse";
  } else if (response.ttl() <= 0) {
    answer.error = absl::StrCat("there is no lease ", response.id());
  }
  return answer;
}

}  // namespace rmq::loadgen
