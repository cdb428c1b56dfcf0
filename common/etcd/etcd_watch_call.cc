#include "common/etcd/etcd_watch_call.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/support/status.h"

namespace rmq {

namespace pb = ::etcdserverpb;

std::string EndOfPrefix(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last < 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return std::string(1, '\0');  // All keys.
}

EtcdWatchCall::EtcdWatchCall(EtcdTransport* transport)
    : transport_(*transport), call_(transport) {
  call_.AddToken();
}

EtcdWatchCall::~EtcdWatchCall() {
  if (stream_ == nullptr || finished_) return;
  call_.context().TryCancel();
  End().IgnoreError();
}

absl::Status EtcdWatchCall::Open(const std::string& prefix,
                                 int64_t from_revision) {
  const gpr_timespec deadline = transport_.Deadline();
  pb::Watch::Stub stub(call_.channel());
  stream_ = stub.PrepareAsyncWatch(&call_.context(), transport_.queue());
  stream_->StartCall(start_.Begin());
  if (!transport_.Drive(&start_.done, deadline)) {
    return absl::DeadlineExceededError("no answer");
  }
  if (!start_.ok) return End();
  pb::WatchRequest request;
  pb::WatchCreateRequest* const create = request.mutable_create_request();
  create->set_key(prefix);
  create->set_range_end(EndOfPrefix(prefix));
  create->set_start_revision(from_revision);
  stream_->Write(request, write_.Begin());
  if (!transport_.Drive(&write_.done, deadline)) {
    return absl::DeadlineExceededError("no answer");
  }
  if (!write_.ok) return End();
  const absl::StatusOr<bool> answered = Read(deadline);
  if (!answered.ok()) return answered.status();
  if (!*answered) return absl::DeadlineExceededError("no answer");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<EtcdChange>> EtcdWatchCall::Next(
    absl::Duration timeout) {
  const absl::StatusOr<bool> read = Read(EtcdTransport::After(timeout));
  if (!read.ok()) return transport_.NoteFailure(read.status());
  std::vector<EtcdChange> changes;
  if (!*read) return changes;
  for (mvccpb::Event& event : *response_.mutable_events()) {
    EtcdChange change;
    change.key = event.kv().key();
    if (event.type() == mvccpb::Event::PUT) {
      mvccpb::KeyValue& kv = *event.mutable_kv();
      change.value.emplace();
      change.value->key = std::move(*kv.mutable_key());
      change.value->value = std::move(*kv.mutable_value());
      change.value->mod_revision = kv.mod_revision();
      change.value->lease = kv.lease();
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

absl::StatusOr<bool> EtcdWatchCall::Read(gpr_timespec deadline) {
  // A read that has had no answer goes on.
  if (read_.done) {
    response_.Clear();
    stream_->Read(&response_, read_.Begin());
  }
  if (!transport_.Drive(&read_.done, deadline)) return false;
  if (!read_.ok) return End();
  if (!response_.canceled()) return true;
  if (response_.compact_revision() > 0) {
    return absl::OutOfRangeError(absl::StrCat("compacted up to revision ",
                                              response_.compact_revision()));
  }
  const std::string reason =
      absl::StrCat("the watch was ended: ", response_.cancel_reason());
  return absl::StrContains(reason, "permission denied")
             ? absl::PermissionDeniedError(reason)
             : absl::UnavailableError(reason);
}

absl::Status EtcdWatchCall::End() {
  if (finished_) return absl::UnavailableError("the watch has ended");
  finished_ = true;
  for (const Operation* operation : {&start_, &write_, &read_}) {
    transport_.Drive(&operation->done);
  }
  grpc::Status status;
  bool done = false;
  stream_->Finish(&status, EtcdTransport::Tag(&done));
  transport_.Drive(&done);
  return status.ok() ? absl::UnavailableError("the watch ended")
                     : EtcdTransport::FromGrpc(status);
}

}  // namespace rmq
