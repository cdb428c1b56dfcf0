#include "client/client_runtime.h"

#include "client/client_runtime_impl.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "glog/logging.h"

namespace rmq {

bool ClientRuntime::Impl::TakeClientId(absl::string_view client_id) {
  MutexLock lock(&mu_);
  return client_ids_.insert(std::string(client_id)).second;
}

void ClientRuntime::Impl::ReturnClientId(absl::string_view client_id) {
  MutexLock lock(&mu_);
  client_ids_.erase(client_id);
}

std::shared_ptr<ClientRuntime> ClientRuntime::Create() {
  return std::shared_ptr<ClientRuntime>(new ClientRuntime());
}

ClientRuntime::ClientRuntime() : impl_(std::make_unique<Impl>(&RealClock())) {}

ClientRuntime::~ClientRuntime() {
  CHECK(!impl_->dispatcher().IsCurrent())
      << "the last client of a runtime is destroyed inside a callback";
}

}  // namespace rmq
