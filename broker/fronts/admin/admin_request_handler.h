// The requests of operators: the methods of the ClientManagerAdmin service.
#ifndef BROKER_FRONTS_ADMIN_ADMIN_REQUEST_HANDLER_H_
#define BROKER_FRONTS_ADMIN_ADMIN_REQUEST_HANDLER_H_

#include <vector>

#include "broker/fronts/admin/admin_method.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/response_streams.h"

namespace rmq {

// Thread-safe. The parts of the broker are borrowed, and outlive the handler;
// the handler must outlive the calls of the tables that it adds methods to.
class AdminRequestHandler {
 public:
  explicit AdminRequestHandler(const AdminBroker& broker) : broker_(broker) {}
  AdminRequestHandler(const AdminRequestHandler&) = delete;
  AdminRequestHandler& operator=(const AdminRequestHandler&) = delete;

  // Adds every method of the service.
  void AddMethods(MethodTable* table) const;

  // Those of them that answer with many responses.
  std::vector<ResponsesMethod> StreamingMethods() const;

 private:
  const AdminBroker broker_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_ADMIN_REQUEST_HANDLER_H_
