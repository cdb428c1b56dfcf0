// Has files read again.
#ifndef BROKER_FRONTS_ADMIN_RELOAD_METHODS_H_
#define BROKER_FRONTS_ADMIN_RELOAD_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// ReloadConfig.
AdminMethods ReloadMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_RELOAD_METHODS_H_
