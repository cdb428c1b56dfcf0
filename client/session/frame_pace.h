// When the frames of one stream may be written.
#ifndef CLIENT_SESSION_FRAME_PACE_H_
#define CLIENT_SESSION_FRAME_PACE_H_

#include <algorithm>

#include "absl/time/time.h"

namespace rmq {

// Keeps heartbeats, unregistrations and requests for pages apart, each kind
// from its own, and all frames further apart while the broker answers
// RESOURCE_EXHAUSTED. Acknowledgments have a rate of their own
// (SessionMemberships).
//
// Deterministic: `now` comes from the session's loop. Not thread-safe.
class FramePace {
 public:
  // A heartbeat follows the one before by at least this, whatever asks for it:
  // changes in a row share one, and a broker that always asks for a full
  // statement is not flooded.
  static constexpr absl::Duration kMinHeartbeatGap = absl::Milliseconds(100);
  // Unregistrations that a broker wants one by one follow each other by at
  // least this: with ten heartbeats a second they stay below the hundred frames
  // a second that brokers take by default.
  static constexpr absl::Duration kUnregisterGap = absl::Milliseconds(20);
  // Requests for pages of member lists follow each other by at least this.
  static constexpr absl::Duration kPageGap = absl::Milliseconds(20);
  // After a RESOURCE_EXHAUSTED frames follow each other by at least the first
  // of these, and by twice as much after each further one, up to the second.
  static constexpr absl::Duration kFirstFrameGap = absl::Milliseconds(100);
  static constexpr absl::Duration kMaxFrameGap = absl::Seconds(5);

  void OnHeartbeatWritten(absl::Time now) {
    last_frame_ = last_heartbeat_ = now;
    heartbeat_was_last_ = true;
  }
  void OnUnregistrationWritten(absl::Time now) {
    last_frame_ = last_unregistration_ = now;
    heartbeat_was_last_ = false;
  }

  void OnPageRequestWritten(absl::Time now) { last_frame_ = last_page_ = now; }

  // The broker answered RESOURCE_EXHAUSTED to a frame that was written at
  // `written`. Frames that were on their way together slow down once.
  void SlowDown(absl::Time written, absl::Time now) {
    if (written < slowed_at_) return;
    slowed_at_ = now;
    frame_gap_ =
        std::min(std::max(frame_gap_ * 2, kFirstFrameGap), kMaxFrameGap);
  }
  // The broker has taken all that it refused.
  void EndSlowDown() { frame_gap_ = absl::ZeroDuration(); }

  absl::Time last_heartbeat() const { return last_heartbeat_; }
  bool heartbeat_was_last() const { return heartbeat_was_last_; }

  // When a heartbeat that is wanted at `wanted` may be written.
  absl::Time HeartbeatAt(absl::Time wanted) const {
    return std::max(wanted, last_frame_ + frame_gap_);
  }
  // When the next unregistration may be written.
  absl::Time NextUnregistration() const {
    return std::max(last_unregistration_ + kUnregisterGap,
                    last_frame_ + frame_gap_);
  }
  // When the next request for a page may be written.
  absl::Time NextPageRequest() const {
    return std::max(last_page_ + kPageGap, last_frame_ + frame_gap_);
  }

 private:
  absl::Time last_frame_ = absl::InfinitePast();
  absl::Time last_heartbeat_ = absl::InfinitePast();
  absl::Time last_unregistration_ = absl::InfinitePast();
  absl::Time last_page_ = absl::InfinitePast();
  bool heartbeat_was_last_ = false;
  absl::Duration frame_gap_;                     // Zero unless slowed down.
  absl::Time slowed_at_ = absl::InfinitePast();  // When `frame_gap_` grew.
};

}  // namespace rmq

#endif  // CLIENT_SESSION_FRAME_PACE_H_
