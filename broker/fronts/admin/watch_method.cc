#include "broker/fronts/admin/watch_method.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/fill_watch.h"
#include "broker/watch/watcher.h"
#include "broker/watch/watches.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/response_source.h"
#include "common/rpc/server/response_streams.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace rmq {
namespace {

grpc::Slice Serialize(const pb::WatchResponse& response) {
  grpc::Slice slice(response.ByteSizeLong());
  response.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return slice;
}

// The responses of one watch.
class WatchSource final : public ResponseSource {
 public:
  WatchSource(std::unique_ptr<Watches::Watch> watch, const AdminBroker& broker)
      : watch_(std::move(watch)), broker_(broker) {}

  NextResponse Next(absl::Time now) override {
    Watcher::Step step = watch_->Next(now);
    switch (step.kind) {
      case Watcher::Step::Kind::kNothing: break;
      case Watcher::Step::Kind::kProgress: return Progress(step);
      case Watcher::Step::Kind::kSnapshot: return Snapshot(step);
      case Watcher::Step::Kind::kEvent: return Event(step);
      case Watcher::Step::Kind::kEnd:
        return NextResponse::End(std::move(step.status));
    }
    return NextResponse::Nothing();
  }

 private:
  NextResponse Progress(const Watcher::Step& step) const {
    pb::WatchResponse response;
    pb::WatchProgress& progress = *response.mutable_progress();
    progress.set_revision(step.revision);
    progress.set_oldest_revision(step.oldest_revision);
    progress.set_broker_incarnation(broker_.incarnation);
    return NextResponse::Of(response);
  }

  static NextResponse Snapshot(const Watcher::Step& step) {
    pb::WatchResponse response;
    pb::WatchSnapshot& snapshot = *response.mutable_snapshot();
    for (const GroupedMember& member : step.members) {
      FillWatchedMember(step.members_kind, member, snapshot.add_members());
    }
    snapshot.set_last(step.last);
    snapshot.set_revision(step.revision);
    return NextResponse::Of(response, CountRows(snapshot));
  }

  // The bytes are the same for all watches.
  NextResponse Event(const Watcher::Step& step) const {
    const KeptEvent& event = *step.event;
    const auto& bytes = event.message.Get<grpc::Slice>([this, &event] {
      pb::WatchResponse response;
      FillWatchEvent(event, broker_.clock, response.mutable_event());
      return Serialize(response);
    });
    NextResponse next;
    next.outcome = NextResponse::Outcome::kResponse;
    next.goes_on = step.goes_on;
    next.bytes = grpc::ByteBuffer(&bytes, 1);
    return next;
  }

  const std::unique_ptr<Watches::Watch> watch_;
  const AdminBroker& broker_;
};

CallStatus ParseFilter(const pb::WatchRequest& request, const Limits& limits,
                       WatchFilter* filter) {
  if (static_cast<size_t>(request.groups_size()) > kMostWatchedGroups) {
    return BadForm(absl::StrCat("groups must be at most ", kMostWatchedGroups,
                                ", got ", request.groups_size()));
  }
  for (const std::string& group : request.groups()) {
    const absl::Status form = ValidateGroup("groups", group, limits);
    if (!form.ok()) return FromStatus(form);
  }
  filter->groups.assign(request.groups().begin(), request.groups().end());
  absl::c_sort(filter->groups);
  const auto twice = absl::c_adjacent_find(filter->groups);
  if (twice != filter->groups.end()) {
    return BadForm(absl::StrCat("groups must name each group once, got ",
                                Quoted(*twice), " twice"));
  }
  for (const int kind : request.kinds()) {
    switch (kind) {
      case pb::GROUP_KIND_PRODUCER: filter->producers = true; break;
      case pb::GROUP_KIND_CONSUMER: filter->consumers = true; break;
      default:
        return BadForm(absl::StrCat(
            "kinds must be GROUP_KIND_PRODUCER or GROUP_KIND_CONSUMER, got ",
            kind));
    }
  }
  return {};
}

CallStatus OpenWatch(const AdminCall& call, const pb::WatchRequest& request,
                     ResponseWaker waker,
                     std::shared_ptr<ResponseSource>* source) {
  WatchFilter filter;
  CallStatus status = ParseFilter(request, call.broker.limits, &filter);
  if (!status.ok()) return status;
  // With a snapshot it does not matter who the broker was.
  if (request.from_revision() != 0 && request.broker_incarnation() != 0 &&
      request.broker_incarnation() != call.broker.incarnation) {
    return {absl::StatusCode::kOutOfRange, ResponseCode::kSystemError,
            absl::StrCat("broker_incarnation must be ", call.broker.incarnation,
                         ", got ", request.broker_incarnation(),
                         ": the broker has restarted, and its revisions began "
                         "anew; watch again from 0")};
  }
  std::unique_ptr<Watches::Watch> watch;
  status = call.broker.watches->Open(
      std::move(filter), request.from_revision(),
      [waker = std::move(waker)] { waker.Wake(); }, &watch);
  if (!status.ok()) return status;
  *source = std::make_shared<WatchSource>(std::move(watch), call.broker);
  return {};
}

ResponsesMethod::Limits LimitsOf(const AdminBroker& broker) {
  const size_t most = broker.watches->options().max_watches;
  return {most, std::max<size_t>(1, most / 2)};
}

}  // namespace

AdminStreamingMethod WatchMethod() {
  return ResponsesOf<pb::WatchRequest>(LimitsOf, OpenWatch);
}

}  // namespace rmq
