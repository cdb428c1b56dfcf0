#include "broker/fronts/admin/reload_methods.h"

#include <string>

#include "broker/fronts/admin/write_audit.h"
#include "broker/storage/file_reloader.h"

namespace rmq {
namespace {

CallStatus ReloadConfig(const AdminCall& call,
                        const pb::ReloadConfigRequest& request,
                        pb::ReloadConfigResponse* response) {
  if (call.broker.reloader == nullptr) return {};
  // Before they are read: what has ended is in them.
  response->set_pending(call.broker.reloader->IsPending() ||
                        !request.show_only());
  for (const FileReloader::State& state : call.broker.reloader->States()) {
    pb::LoadedFiles* const files = response->add_files();
    files->set_name(state.name);
    files->set_loads(state.loads);
    files->set_failures(state.failures);
    files->set_error(std::string(state.last.message()));
  }
  if (request.show_only()) return {};
  WriteAudit(call, "reload asked", /*changes=*/true, /*channels=*/0, "");
  call.broker.reloader->ReloadNow();
  return {};
}

}  // namespace

AdminMethods ReloadMethods() { return {MethodOf(ReloadConfig)}; }

}  // namespace rmq
