// Warnings about a client as parts of an answer.
#ifndef BROKER_FRONTS_CLIENTMANAGER_FILL_WARNINGS_H_
#define BROKER_FRONTS_CLIENTMANAGER_FILL_WARNINGS_H_

#include <string>
#include <utility>
#include <vector>

#include "broker/registry/client_warning.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

inline void FillWarnings(std::vector<ClientWarning> warnings,
                         pb::HeartbeatResponse* response) {
  for (ClientWarning& warning : warnings) {
    pb::Warning* const message = response->add_warnings();
    message->set_kind(static_cast<pb::Warning::Kind>(warning.kind));
    message->set_group(std::move(warning.group));
    message->set_message(std::move(warning.message));
    for (std::string& client_id : warning.client_ids) {
      message->add_client_ids(std::move(client_id));
    }
  }
}

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_FILL_WARNINGS_H_
