// Who calls.
#ifndef BROKER_AUTH_PRINCIPAL_H_
#define BROKER_AUTH_PRINCIPAL_H_

#include <string>

namespace rmq {

// A user of the rules, or anonymous: all anonymous callers are one principal.
// A value.
struct Principal {
  // Empty: anonymous.
  std::string user;

  bool is_anonymous() const { return user.empty(); }

  friend bool operator==(const Principal& a, const Principal& b) {
    return a.user == b.user;
  }
};

// Whether `caller` may act as a client id which `holder` holds: heartbeat,
// unregister, replace its channel, or open another one. A client id belongs to
// the principal that holds it while one of its channels lives. A user may take
// over an anonymous one, so that clients can begin to authenticate one by one.
inline bool MayActAsClientOf(const Principal& holder, const Principal& caller) {
  return holder.is_anonymous() || holder == caller;
}

}  // namespace rmq

#endif  // BROKER_AUTH_PRINCIPAL_H_
