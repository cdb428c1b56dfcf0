#include "broker/fronts/clientmanager/frame_bytes.h"

#include <algorithm>
#include <cstddef>

#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// How the wire format writes a value: the low three bits of a field's tag.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kLengthDelimited = 2;

}  // namespace

uint64_t ReadRequestId(google::protobuf::io::CodedInputStream* frame) {
  constexpr uint32_t kRequestId =
      pb::ClientFrame::kRequestIdFieldNumber << 3 | kVarint;
  uint64_t request_id = 0;
  if (frame->ReadTag() != kRequestId || !frame->ReadVarint64(&request_id)) {
    return 0;
  }
  return request_id;
}

bool BeginsWithAcknowledgment(absl::string_view frame) {
  constexpr char kRequestId =
      pb::ClientFrame::kRequestIdFieldNumber << 3 | kVarint;
  constexpr char kAcknowledge =
      pb::ClientFrame::kAcknowledgeFieldNumber << 3 | kLengthDelimited;
  constexpr size_t kLongestVarint = 10;
  if (!frame.empty() && frame.front() == kRequestId) {
    frame.remove_prefix(1);
    size_t more = 0;  // Bytes of the id that are not its last.
    while (more < frame.size() && (frame[more] & 0x80) != 0) ++more;
    if (more >= std::min(frame.size(), kLongestVarint)) return false;
    frame.remove_prefix(more + 1);
  }
  return !frame.empty() && frame.front() == kAcknowledge;
}

absl::optional<HeartbeatBytes> FindHeartbeatBytes(absl::string_view frame) {
  constexpr uint32_t kHeartbeat =
      pb::ClientFrame::kHeartbeatFieldNumber << 3 | kLengthDelimited;
  google::protobuf::io::CodedInputStream input(
      reinterpret_cast<const uint8_t*>(frame.data()),
      static_cast<int>(frame.size()));
  HeartbeatBytes found;
  found.request_id = ReadRequestId(&input);
  uint32_t size = 0;
  if (found.request_id == 0 || input.ReadTag() != kHeartbeat ||
      !input.ReadVarint32(&size)) {
    return absl::nullopt;
  }
  found.heartbeat = frame.substr(static_cast<size_t>(input.CurrentPosition()));
  if (found.heartbeat.size() != size) return absl::nullopt;
  return found;
}

}  // namespace rmq
