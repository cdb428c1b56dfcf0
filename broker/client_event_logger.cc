#include "broker/client_event_logger.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "broker/registry/client_channel.h"
#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {
namespace {

std::string Who(const ClientEvent& event) {
  return absl::StrCat(Kv("kind", Name(event.kind)), Kv("group", event.group),
                      Kv("client_id", event.client_id),
                      Kv("channel", event.channel->id()),
                      Kv("remote", event.channel->remote_address()));
}

}  // namespace

void ClientEventLogger::OnClientEvent(const ClientEvent& event) {
  if (event.type == EventType::kClientRegister) {
    LOG(INFO) << "joined" << Who(event);
  } else if (event.type == EventType::kClientUnregister) {
    LOG(INFO) << (event.reason == RemovalReason::kReplaced ? "replaced"
                                                           : "left")
              << Who(event) << Kv("reason", Name(event.reason));
  }
}

}  // namespace rmq
