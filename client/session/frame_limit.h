// The size limit of frames, as brokers tell it.
#ifndef CLIENT_SESSION_FRAME_LIMIT_H_
#define CLIENT_SESSION_FRAME_LIMIT_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// The limit in bytes that `refusal` names, if the refusal is about the size of
// a frame of `frame_bytes` bytes. It knows the words of brokers and of gRPC;
// other words with such numbers are not about the size.
absl::optional<size_t> FrameLimitOf(const absl::Status& refusal,
                                    size_t frame_bytes);

// The size in bytes of the largest frame that states `statement`: an upper
// bound.
size_t LargestFrameOf(
    const rocketmq::clientmanager::v1::HeartbeatRequest& statement);

}  // namespace rmq

#endif  // CLIENT_SESSION_FRAME_LIMIT_H_
