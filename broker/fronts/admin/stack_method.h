// The method that has a client print the stacks of its threads.
#ifndef BROKER_FRONTS_ADMIN_STACK_METHOD_H_
#define BROKER_FRONTS_ADMIN_STACK_METHOD_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

AdminStreamingMethod StackMethod();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_STACK_METHOD_H_
