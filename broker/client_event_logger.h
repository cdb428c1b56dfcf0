// One line of the log for each channel that joins or leaves a group.
#ifndef BROKER_CLIENT_EVENT_LOGGER_H_
#define BROKER_CLIENT_EVENT_LOGGER_H_

#include "broker/registry/client_event.h"

namespace rmq {

// "joined", "left" with the reason, "replaced" for what a newer stream of the
// same client took over. Thread-safe.
class ClientEventLogger final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override;
};

}  // namespace rmq

#endif  // BROKER_CLIENT_EVENT_LOGGER_H_
