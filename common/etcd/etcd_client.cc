#include "common/etcd/etcd_client.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/etcd/etcd_transport.h"
#include "common/etcd/etcd_watch_call.h"
#include "common/rpc/credentials/channel_security.h"
#include "common/validation.h"
#include "etcd/api/etcdserverpb/rpc.grpc.pb.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"

namespace rmq {
namespace {

namespace pb = ::etcdserverpb;

EtcdValue FromProto(mvccpb::KeyValue* kv) {
  EtcdValue value;
  value.key = std::move(*kv->mutable_key());
  value.value = std::move(*kv->mutable_value());
  value.mod_revision = kv->mod_revision();
  value.lease = kv->lease();
  return value;
}

}  // namespace

class EtcdClient::Impl {
 public:
  Impl(const EtcdOptions& options, std::shared_ptr<ChannelSecurity> security)
      : transport_(options, std::move(security)) {}

  EtcdTransport& transport() { return transport_; }

  // One renewal, as a stream of its own.
  absl::Status KeepAlive(int64_t lease, pb::LeaseKeepAliveResponse* response) {
    EtcdTransport::Call call(&transport_);
    call.AddToken();
    call.context().set_deadline(transport_.Deadline());
    pb::Lease::Stub stub(call.channel());
    const auto stream =
        stub.PrepareAsyncLeaseKeepAlive(&call.context(), transport_.queue());
    // The deadline ends each of these.
    const auto await = [this](bool* done) { transport_.Drive(done); };
    bool ok = false;
    {
      bool done = false;
      stream->StartCall(EtcdTransport::Tag(&done, &ok));
      await(&done);
    }
    if (ok) {
      pb::LeaseKeepAliveRequest request;
      request.set_id(lease);
      bool done = false;
      stream->WriteLast(request, {}, EtcdTransport::Tag(&done, &ok));
      await(&done);
    }
    if (ok) {
      bool done = false;
      stream->Read(response, EtcdTransport::Tag(&done, &ok));
      await(&done);
    }
    const bool answered = ok;
    grpc::Status status;
    bool done = false;
    // Nothing more is of interest.
    if (answered) call.context().TryCancel();
    stream->Finish(&status, EtcdTransport::Tag(&done));
    await(&done);
    if (answered) return absl::OkStatus();
    return status.ok() ? absl::UnavailableError("the stream ended")
                       : EtcdTransport::FromGrpc(status);
  }

 private:
  EtcdTransport transport_;
};

absl::StatusOr<std::unique_ptr<EtcdClient>> EtcdClient::Create(
    const EtcdOptions& options, Clock* clock) {
  absl::StatusOr<std::shared_ptr<ChannelSecurity>> security =
      ChannelSecurity::Create(options.tls, absl::nullopt, clock);
  if (!security.ok()) return security.status();
  return std::unique_ptr<EtcdClient>(
      new EtcdClient(std::make_unique<Impl>(options, *std::move(security))));
}

EtcdClient::EtcdClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EtcdClient::~EtcdClient() = default;

absl::StatusOr<int64_t> EtcdClient::GrantLease(absl::Duration ttl) {
  pb::LeaseGrantRequest request;
  request.set_ttl(std::max<int64_t>(1, absl::ToInt64Seconds(ttl)));
  pb::LeaseGrantResponse response;
  EtcdTransport& transport = impl_->transport();
  const absl::Status status = transport.Try([&] {
    return transport.Unary(&pb::Lease::Stub::PrepareAsyncLeaseGrant, request,
                           &response);
  });
  if (!status.ok()) return status;
  return response.id();
}

absl::StatusOr<absl::Duration> EtcdClient::KeepLeaseAlive(int64_t lease) {
  pb::LeaseKeepAliveResponse response;
  const absl::Status status =
      impl_->transport().Try([&] { return impl_->KeepAlive(lease, &response); },
                             /*needs_user=*/false);
  if (!status.ok()) return status;
  if (response.ttl() <= 0) {
    return absl::NotFoundError(absl::StrCat("etcd has no lease ", lease));
  }
  return absl::Seconds(response.ttl());
}

absl::Status EtcdClient::RevokeLease(int64_t lease) {
  pb::LeaseRevokeRequest request;
  request.set_id(lease);
  pb::LeaseRevokeResponse response;
  EtcdTransport& transport = impl_->transport();
  return transport.Try([&] {
    return transport.Unary(&pb::Lease::Stub::PrepareAsyncLeaseRevoke, request,
                           &response);
  });
}

absl::StatusOr<absl::optional<EtcdValue>> EtcdClient::Get(
    const std::string& key) {
  pb::RangeRequest request;
  request.set_key(key);
  pb::RangeResponse response;
  EtcdTransport& transport = impl_->transport();
  const absl::Status status = transport.Try([&] {
    return transport.Unary(&pb::KV::Stub::PrepareAsyncRange, request,
                           &response);
  });
  if (!status.ok()) return status;
  absl::optional<EtcdValue> value;
  if (response.kvs_size() > 0) value = FromProto(response.mutable_kvs(0));
  return value;
}

absl::StatusOr<bool> EtcdClient::PutIf(const std::string& key,
                                       int64_t mod_revision,
                                       const std::string& value,
                                       int64_t lease) {
  pb::TxnRequest request;
  pb::Compare* const compare = request.add_compare();
  compare->set_key(key);
  compare->set_result(pb::Compare::EQUAL);
  // The change of a key that is not there has revision 0.
  compare->set_target(pb::Compare::MOD);
  compare->set_mod_revision(mod_revision);
  pb::PutRequest* const put = request.add_success()->mutable_request_put();
  put->set_key(key);
  put->set_value(value);
  put->set_lease(lease);
  pb::TxnResponse response;
  EtcdTransport& transport = impl_->transport();
  const absl::Status status = transport.Try([&] {
    return transport.Unary(&pb::KV::Stub::PrepareAsyncTxn, request, &response);
  });
  if (!status.ok()) return status;
  return response.succeeded();
}

absl::StatusOr<EtcdListing> EtcdClient::List(const std::string& prefix,
                                             size_t most) {
  pb::RangeRequest request;
  request.set_key(prefix);
  request.set_range_end(EndOfPrefix(prefix));
  request.set_limit(static_cast<int64_t>(most));
  pb::RangeResponse response;
  EtcdTransport& transport = impl_->transport();
  const absl::Status status = transport.Try([&] {
    return transport.Unary(&pb::KV::Stub::PrepareAsyncRange, request,
                           &response);
  });
  if (!status.ok()) return status;
  if (response.more()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("etcd must have at most ", most, " keys under ",
                     Quoted(prefix), ", got ", response.count()));
  }
  EtcdListing listing;
  listing.revision = response.header().revision();
  for (mvccpb::KeyValue& kv : *response.mutable_kvs()) {
    listing.values.push_back(FromProto(&kv));
  }
  return listing;
}

absl::StatusOr<std::unique_ptr<EtcdWatch>> EtcdClient::Watch(
    const std::string& prefix, int64_t from_revision) {
  EtcdTransport& transport = impl_->transport();
  std::unique_ptr<EtcdWatchCall> call;
  const absl::Status status = transport.Try([&] {
    call = nullptr;
    call = std::make_unique<EtcdWatchCall>(&transport);
    return call->Open(prefix, from_revision);
  });
  if (!status.ok()) return status;
  return call;
}

void EtcdClient::Cancel() { impl_->transport().Cancel(); }

}  // namespace rmq
