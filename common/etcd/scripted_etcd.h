// An etcd on the wire that does as a test says.
#ifndef COMMON_ETCD_SCRIPTED_ETCD_H_
#define COMMON_ETCD_SCRIPTED_ETCD_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace rmq {

// A server on a port of its own, with one member's share of etcd's API: KV,
// Watch, Lease and Auth. Leases do not end by time. Thread-safe.
class ScriptedEtcd {
 public:
  ScriptedEtcd();
  ~ScriptedEtcd();
  ScriptedEtcd(const ScriptedEtcd&) = delete;
  ScriptedEtcd& operator=(const ScriptedEtcd&) = delete;

  const std::string& address() const;

  void Put(const std::string& key, const std::string& value);
  void Delete(const std::string& key);
  // Empty if there is no such key.
  std::string Value(const std::string& key) const;
  // No revision before the next one is kept.
  void Compact();

  // The next `calls` calls end with the status; none if it is OK.
  void Fail(const absl::Status& status,
            int64_t calls = std::numeric_limits<int64_t>::max());
  // Calls are not answered any more.
  void Hang();
  // The open watches end with the status.
  void EndWatches(const absl::Status& status);

  // Calls need a token from now on, and this user gets one.
  void Allow(const std::string& user, const std::string& password);
  // No token is known any more.
  void ForgetTokens();
  // Renewals of leases need a token, too, as since etcd 3.4.42,
  // 3.5.28 and 3.6.9.
  void RenewForUsersOnly();
  // Tokens that were given.
  int64_t tokens() const;

  // For each call so far, whether it had the metadata hasleader: true.
  std::vector<bool> leaders_asked() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // COMMON_ETCD_SCRIPTED_ETCD_H_
