#include "common/etcd/scripted_etcd.h"

#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "etcd/api/etcdserverpb/rpc.grpc.pb.h"
#include "glog/logging.h"
#include "grpc/support/time.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"

namespace rmq {

namespace pb = ::etcdserverpb;
using grpc::ServerContext;
using grpc::StatusCode;

namespace {

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<StatusCode>(status.code()),
                      std::string(status.message()));
}

}  // namespace

// The state, and all services.
class ScriptedEtcd::Impl {
 public:
  Impl() : kv_(this), watch_(this), lease_(this), auth_(this) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                             &port);
    builder.RegisterService(&kv_);
    builder.RegisterService(&watch_);
    builder.RegisterService(&lease_);
    builder.RegisterService(&auth_);
    server_ = builder.BuildAndStart();
    CHECK(server_ != nullptr);
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  ~Impl() {
    {
      MutexLock lock(&mu_);
      ended_ = true;
      changed_.SignalAll();
    }
    server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  }

  const std::string& address() const { return address_; }

  void PutLocked(const std::string& key, const std::string& value,
                 int64_t lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    mvccpb::KeyValue& kv = values_[key];
    kv.set_key(key);
    kv.set_value(value);
    kv.set_lease(lease);
    kv.set_mod_revision(++revision_);
    mvccpb::Event event;
    *event.mutable_kv() = kv;
    history_.push_back(event);
  }

  void DeleteLocked(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (values_.erase(key) == 0) return;
    mvccpb::Event event;
    event.set_type(mvccpb::Event::DELETE);
    event.mutable_kv()->set_key(key);
    event.mutable_kv()->set_mod_revision(++revision_);
    history_.push_back(event);
  }

  static std::string Metadata(const ServerContext& context, const char* key) {
    const auto found = context.client_metadata().find(key);
    return found == context.client_metadata().end()
               ? std::string()
               : std::string(found->second.data(), found->second.size());
  }

  // What becomes of a call, before it is looked at.
  grpc::Status Begin(ServerContext* context, bool needs_token = true)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    leaders_asked_.push_back(Metadata(*context, "hasleader") == "true");
    while (hangs_ && !ended_ && !context->IsCancelled()) {
      RealClock().WaitUntil(&lock, &changed_,
                            RealClock().TimeNow() + absl::Milliseconds(10));
    }
    if (!failure_.ok() && failing_calls_ > 0) {
      --failing_calls_;
      return failure_;
    }
    return needs_token ? CheckTokenLocked(*context) : grpc::Status::OK;
  }

  grpc::Status CheckTokenLocked(const ServerContext& context)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (user_.empty()) return grpc::Status::OK;
    const std::string token = Metadata(context, "token");
    if (token.empty()) {
      return {StatusCode::INVALID_ARGUMENT, "etcdserver: user name is empty"};
    }
    if (known_tokens_.count(token) == 0) {
      return {StatusCode::UNAUTHENTICATED, "etcdserver: invalid auth token"};
    }
    return grpc::Status::OK;
  }

  class KvService final : public pb::KV::Service {
   public:
    explicit KvService(Impl* impl) : impl_(*impl) {}

    grpc::Status Range(ServerContext* context, const pb::RangeRequest* request,
                       pb::RangeResponse* response) override {
      const grpc::Status begun = impl_.Begin(context);
      if (!begun.ok()) return begun;
      MutexLock lock(&impl_.mu_);
      impl_.RangeLocked(*request, response);
      return grpc::Status::OK;
    }

    grpc::Status Txn(ServerContext* context, const pb::TxnRequest* request,
                     pb::TxnResponse* response) override {
      const grpc::Status begun = impl_.Begin(context);
      if (!begun.ok()) return begun;
      MutexLock lock(&impl_.mu_);
      const pb::Compare& compare = request->compare(0);
      const auto found = impl_.values_.find(compare.key());
      const int64_t present =
          found == impl_.values_.end() ? 0 : found->second.mod_revision();
      response->set_succeeded(present == compare.mod_revision());
      if (!response->succeeded()) return grpc::Status::OK;
      const pb::PutRequest& put = request->success(0).request_put();
      impl_.PutLocked(put.key(), put.value(), put.lease());
      impl_.changed_.SignalAll();
      return grpc::Status::OK;
    }

   private:
    Impl& impl_;
  };

  class WatchService final : public pb::Watch::Service {
   public:
    explicit WatchService(Impl* impl) : impl_(*impl) {}

    grpc::Status Watch(
        ServerContext* context,
        grpc::ServerReaderWriter<pb::WatchResponse, pb::WatchRequest>* stream)
        override {
      const grpc::Status begun = impl_.Begin(context, /*needs_token=*/false);
      if (!begun.ok()) return begun;
      pb::WatchRequest request;
      if (!stream->Read(&request)) return grpc::Status::OK;
      const pb::WatchCreateRequest create = request.create_request();
      pb::WatchResponse created;
      created.set_created(true);
      {
        MutexLock lock(&impl_.mu_);
        const grpc::Status user = impl_.CheckTokenLocked(*context);
        if (!user.ok()) {
          // As etcd: the stream is fine, and the reason has the error as text.
          created.set_canceled(true);
          created.set_cancel_reason(
              absl::StrCat("rpc error: code = Unauthenticated desc = ",
                           user.error_message()));
        }
      }
      stream->Write(created);
      if (created.canceled()) return grpc::Status::OK;
      int64_t next = create.start_revision();
      while (!context->IsCancelled()) {
        pb::WatchResponse response;
        {
          MutexLock lock(&impl_.mu_);
          if (impl_.ended_) return grpc::Status::OK;
          if (!impl_.watches_end_.ok()) return impl_.watches_end_;
          if (next < impl_.compacted_) {
            response.set_canceled(true);
            response.set_compact_revision(impl_.compacted_);
          }
          for (const mvccpb::Event& event : impl_.history_) {
            if (event.kv().mod_revision() >= next &&
                event.kv().key() >= create.key() &&
                event.kv().key() < create.range_end()) {
              *response.add_events() = event;
            }
          }
          next = impl_.revision_ + 1;
          if (response.events_size() == 0 && !response.canceled()) {
            RealClock().WaitUntil(
                &lock, &impl_.changed_,
                RealClock().TimeNow() + absl::Milliseconds(10));
            continue;
          }
        }
        stream->Write(response);
        if (response.canceled()) return grpc::Status::OK;
      }
      return grpc::Status::OK;
    }

   private:
    Impl& impl_;
  };

  class LeaseService final : public pb::Lease::Service {
   public:
    explicit LeaseService(Impl* impl) : impl_(*impl) {}

    grpc::Status LeaseGrant(ServerContext* context,
                            const pb::LeaseGrantRequest* request,
                            pb::LeaseGrantResponse* response) override {
      const grpc::Status begun = impl_.Begin(context);
      if (!begun.ok()) return begun;
      MutexLock lock(&impl_.mu_);
      response->set_id(++impl_.last_lease_);
      response->set_ttl(request->ttl());
      impl_.leases_[response->id()] = request->ttl();
      return grpc::Status::OK;
    }

    grpc::Status LeaseRevoke(ServerContext* context,
                             const pb::LeaseRevokeRequest* request,
                             pb::LeaseRevokeResponse* /*response*/) override {
      const grpc::Status begun = impl_.Begin(context);
      if (!begun.ok()) return begun;
      MutexLock lock(&impl_.mu_);
      impl_.leases_.erase(request->id());
      std::vector<std::string> keys;
      for (const auto& [key, kv] : impl_.values_) {
        if (kv.lease() == request->id()) keys.push_back(key);
      }
      for (const std::string& key : keys) impl_.DeleteLocked(key);
      return grpc::Status::OK;
    }

    grpc::Status LeaseKeepAlive(
        ServerContext* context,
        grpc::ServerReaderWriter<pb::LeaseKeepAliveResponse,
                                 pb::LeaseKeepAliveRequest>* stream) override {
      bool needs_token;
      {
        MutexLock lock(&impl_.mu_);
        needs_token = impl_.renews_for_users_only_;
      }
      const grpc::Status begun = impl_.Begin(context, needs_token);
      if (!begun.ok()) return begun;
      pb::LeaseKeepAliveRequest request;
      while (stream->Read(&request)) {
        pb::LeaseKeepAliveResponse response;
        response.set_id(request.id());
        {
          MutexLock lock(&impl_.mu_);
          const auto found = impl_.leases_.find(request.id());
          if (found != impl_.leases_.end()) response.set_ttl(found->second);
        }
        stream->Write(response);
      }
      return grpc::Status::OK;
    }

   private:
    Impl& impl_;
  };

  class AuthService final : public pb::Auth::Service {
   public:
    explicit AuthService(Impl* impl) : impl_(*impl) {}

    grpc::Status Authenticate(ServerContext* context,
                              const pb::AuthenticateRequest* request,
                              pb::AuthenticateResponse* response) override {
      const grpc::Status begun = impl_.Begin(context, /*needs_token=*/false);
      if (!begun.ok()) return begun;
      MutexLock lock(&impl_.mu_);
      if (impl_.user_.empty()) {
        return {StatusCode::FAILED_PRECONDITION,
                "etcdserver: authentication is not enabled"};
      }
      if (request->name() != impl_.user_ ||
          request->password() != impl_.password_) {
        return {StatusCode::INVALID_ARGUMENT,
                "etcdserver: authentication failed, invalid user ID or "
                "password"};
      }
      response->set_token(absl::StrCat("token-", ++impl_.tokens_));
      impl_.known_tokens_.insert(response->token());
      return grpc::Status::OK;
    }

   private:
    Impl& impl_;
  };

  void RangeLocked(const pb::RangeRequest& request, pb::RangeResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    response->mutable_header()->set_revision(revision_);
    for (const auto& [key, kv] : values_) {
      const bool is_asked =
          request.range_end().empty()
              ? key == request.key()
              : key >= request.key() && key < request.range_end();
      if (!is_asked) continue;
      response->set_count(response->count() + 1);
      if (request.limit() > 0 && response->kvs_size() >= request.limit()) {
        response->set_more(true);
        continue;
      }
      *response->add_kvs() = kv;
    }
  }

  absl::Mutex mu_;
  CondVar changed_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool hangs_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status failure_ ABSL_GUARDED_BY(mu_);
  int64_t failing_calls_ ABSL_GUARDED_BY(mu_) = 0;
  grpc::Status watches_end_ ABSL_GUARDED_BY(mu_);
  bool renews_for_users_only_ ABSL_GUARDED_BY(mu_) = false;
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 1;
  int64_t compacted_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t last_lease_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t tokens_ ABSL_GUARDED_BY(mu_) = 0;
  std::string user_ ABSL_GUARDED_BY(mu_);
  std::string password_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> known_tokens_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, int64_t> leases_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, mvccpb::KeyValue> values_ ABSL_GUARDED_BY(mu_);
  std::vector<mvccpb::Event> history_ ABSL_GUARDED_BY(mu_);
  std::vector<bool> leaders_asked_ ABSL_GUARDED_BY(mu_);

 private:
  KvService kv_;
  WatchService watch_;
  LeaseService lease_;
  AuthService auth_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

ScriptedEtcd::ScriptedEtcd() : impl_(std::make_unique<Impl>()) {}
ScriptedEtcd::~ScriptedEtcd() = default;

const std::string& ScriptedEtcd::address() const { return impl_->address(); }

void ScriptedEtcd::Put(const std::string& key, const std::string& value) {
  MutexLock lock(&impl_->mu_);
  impl_->PutLocked(key, value, 0);
  impl_->changed_.SignalAll();
}

void ScriptedEtcd::Delete(const std::string& key) {
  MutexLock lock(&impl_->mu_);
  impl_->DeleteLocked(key);
  impl_->changed_.SignalAll();
}

std::string ScriptedEtcd::Value(const std::string& key) const {
  MutexLock lock(&impl_->mu_);
  const auto found = impl_->values_.find(key);
  return found == impl_->values_.end() ? "" : found->second.value();
}

void ScriptedEtcd::Compact() {
  MutexLock lock(&impl_->mu_);
  impl_->compacted_ = impl_->revision_ + 1;
}

void ScriptedEtcd::Fail(const absl::Status& status, int64_t calls) {
  MutexLock lock(&impl_->mu_);
  impl_->failure_ = ToGrpc(status);
  impl_->failing_calls_ = calls;
}

void ScriptedEtcd::Hang() {
  MutexLock lock(&impl_->mu_);
  impl_->hangs_ = true;
}

void ScriptedEtcd::EndWatches(const absl::Status& status) {
  MutexLock lock(&impl_->mu_);
  impl_->watches_end_ = ToGrpc(status);
  impl_->changed_.SignalAll();
}

void ScriptedEtcd::Allow(const std::string& user, const std::string& password) {
  MutexLock lock(&impl_->mu_);
  impl_->user_ = user;
  impl_->password_ = password;
}

void ScriptedEtcd::ForgetTokens() {
  MutexLock lock(&impl_->mu_);
  impl_->known_tokens_.clear();
}

void ScriptedEtcd::RenewForUsersOnly() {
  MutexLock lock(&impl_->mu_);
  impl_->renews_for_users_only_ = true;
}

int64_t ScriptedEtcd::tokens() const {
  MutexLock lock(&impl_->mu_);
  return impl_->tokens_;
}

std::vector<bool> ScriptedEtcd::leaders_asked() const {
  MutexLock lock(&impl_->mu_);
  return impl_->leaders_asked_;
}

}  // namespace rmq
