// Whom a request of a client acts for.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CALLER_H_
#define BROKER_FRONTS_CLIENTMANAGER_CALLER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "common/response_code.h"

namespace rmq {

// The client of one request, and its channel. A request is handled in one way,
// however it came: only its Caller differs. A unary call acts on the client's
// stand-in (StandInCaller), a frame on its stream (StreamCaller).
//
// Lives as long as its request is handled; one thread.
class Caller {
 public:
  virtual ~Caller() = default;

  // The client's channel; null if the client has stated nothing yet, so that
  // there is nothing to act on. Valid while the Caller is.
  virtual ClientChannel* channel() = 0;

  // The client id; empty if it is not known yet.
  virtual absl::string_view client_id() const = 0;

  // Whether a request that states `client_id` is this caller's, and of good
  // form. A caller whose client id is not known yet takes any: Bind() decides.
  virtual CallStatus CheckClientId(absl::string_view client_id) const = 0;

  // Returns the error that Bind() would return for the form of `client_id`; OK
  // if CheckClientId() has checked the form. So a client id of bad form is
  // reported before what else is wrong with a request.
  virtual CallStatus CheckBind(absl::string_view client_id) const = 0;

  // Makes sure that the client has a channel in the ClientTable, of this client
  // id and principal (empty: anonymous); channel() returns it afterwards. Does
  // nothing if it has one. An error if the client id is of bad form, or if the
  // table is full.
  virtual CallStatus Bind(absl::string_view client_id,
                          absl::string_view principal, absl::Time now) = 0;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CALLER_H_
