// The core's values as messages of the admin service.
#ifndef BROKER_FRONTS_ADMIN_FILL_ADMIN_H_
#define BROKER_FRONTS_ADMIN_FILL_ADMIN_H_

#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/labels.h"
#include "broker/registry/subscription_table.h"
#include "common/clock.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// `clock` turns the core's times into wall time.
void FillConnection(const MemberInfo& member, Clock& clock,
                    pb::Connection* message);
void FillChannel(const ClientChannel& channel, Clock& clock,
                 pb::Channel* message);

// `Map` is the message's map from string to string.
template <typename Map>
void FillLabels(const LabelsPtr& labels, Map* map) {
  if (labels == nullptr) return;
  for (const Label& label : *labels) (*map)[label.key] = label.value;
}

void FillSubscription(absl::string_view topic,
                      const SubscriptionData& subscription,
                      pb::SubscriptionData* message);

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_FILL_ADMIN_H_
