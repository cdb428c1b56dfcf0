// Reads parts of a frame without parsing all of it.
#ifndef BROKER_FRONTS_CLIENTMANAGER_FRAME_BYTES_H_
#define BROKER_FRONTS_CLIENTMANAGER_FRAME_BYTES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "google/protobuf/io/coded_stream.h"

namespace rmq {

// Returns the request id that a frame's bytes begin with, as protobuf writes
// them; 0 if they begin with something else. Reads no further.
uint64_t ReadRequestId(google::protobuf::io::CodedInputStream* frame);

// Whether a frame's bytes begin with an acknowledgment, or with a request id
// and then an acknowledgment, as protobuf writes them. The first 12 bytes of a
// frame are enough to tell.
bool BeginsWithAcknowledgment(absl::string_view frame);

// A frame that holds a request id (not 0) and then a heartbeat, and no more, as
// protobuf writes them.
struct HeartbeatBytes {
  uint64_t request_id;
  // The HeartbeatRequest: a view into the frame.
  absl::string_view heartbeat;
};

// Returns nothing for any other bytes. Does not look into the heartbeat.
absl::optional<HeartbeatBytes> FindHeartbeatBytes(absl::string_view frame);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_FRAME_BYTES_H_
