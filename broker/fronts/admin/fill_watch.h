// What watchers are told, as messages.
#ifndef BROKER_FRONTS_ADMIN_FILL_WATCH_H_
#define BROKER_FRONTS_ADMIN_FILL_WATCH_H_

#include "broker/registry/client_event.h"
#include "broker/registry/table_queries.h"
#include "broker/watch/kept_event.h"
#include "common/clock.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// `clock` turns the core's times into wall time.
void FillWatchEvent(const KeptEvent& event, Clock& clock,
                    pb::WatchEvent* message);

void FillWatchedMember(GroupKind kind, const GroupedMember& grouped,
                       pb::WatchedMember* message);

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_FILL_WATCH_H_
