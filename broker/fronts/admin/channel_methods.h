// Methods that find one channel.
#ifndef BROKER_FRONTS_ADMIN_CHANNEL_METHODS_H_
#define BROKER_FRONTS_ADMIN_CHANNEL_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// FindConsumerChannel, FindProducerChannel, GetAvailableProducerChannel.
AdminMethods ChannelMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_CHANNEL_METHODS_H_
