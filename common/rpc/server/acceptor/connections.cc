#include "common/rpc/server/acceptor/connections.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {

absl::string_view NameOf(ConnectionRefusal refusal) {
  switch (refusal) {
    case ConnectionRefusal::kTooMany: return "connections";
    case ConnectionRefusal::kTooManyOfAddress: return "address";
    case ConnectionRefusal::kAddressIsHeld: return "held";
    case ConnectionRefusal::kNoFirstBytes: return "no_first_bytes";
    case ConnectionRefusal::kOtherProtocol: return "other_protocol";
    case ConnectionRefusal::kTlsWithoutCall: return "tls_without_call";
  }
  return "";
}

absl::string_view NameOf(ConnectionAbuse abuse) {
  switch (abuse) {
    case ConnectionAbuse::kWastedCalls: return "wasted_calls";
    case ConnectionAbuse::kWastedBytes: return "wasted_bytes";
    case ConnectionAbuse::kStuckThread: return "stuck_thread";
  }
  return "";
}

absl::Status Connections::Options::Validate() const {
  constexpr int64_t kLargestRate = int64_t{1} << 40;
  for (const auto& [name, value, largest] :
       {std::make_tuple("max_connections", max_connections, kMostConnections),
        std::make_tuple("max_connections_per_address",
                        max_connections_per_address, kMostConnections),
        std::make_tuple("max_wasted_calls_rate", int64_t{max_wasted_calls_rate},
                        int64_t{1'000'000}),
        std::make_tuple("max_wasted_bytes_rate", max_wasted_bytes_rate,
                        kLargestRate)}) {
    if (value < 0 || value > largest) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " must be 0 to ", largest, ", got ", value));
    }
  }
  return absl::OkStatus();
}

Connections::Options Connections::Options::WithOpenFiles(
    int64_t open_files) const {
  Options options = *this;
  if (options.max_connections == 0) {
    const int64_t reserve = std::min(kReservedFiles, open_files / 4);
    options.max_connections =
        std::clamp<int64_t>(open_files - reserve, 1, kMostConnections);
  }
  if (options.max_connections_per_address == 0) {
    options.max_connections_per_address =
        std::max<int64_t>(1, options.max_connections / 2);
  }
  return options;
}

Connections::Connections(const Options& options)
    : options_(options.WithOpenFiles(kMostConnections)),
      wasted_calls_rate_(options.max_wasted_calls_rate,
                         kCallsBurst * options.max_wasted_calls_rate),
      strict_wasted_calls_rate_(
          options.max_wasted_calls_rate,
          kStrictCallsBurst * options.max_wasted_calls_rate),
      all_wasted_calls_rate_(kCallsBurst * options.max_wasted_calls_rate,
                             2 * kCallsBurst * options.max_wasted_calls_rate),
      wasted_bytes_(options.max_wasted_bytes_rate, options.max_message_bytes) {}

ConnectionPtr Connections::Open(absl::string_view peer,
                                std::unique_ptr<ConnectionSocket> socket,
                                absl::Time now, ConnectionRefusal* refusal) {
  const ClientNetwork network = ClientNetworkOf(peer);
  absl::optional<ConnectionRefusal> full;
  bool sweeps;
  {
    MutexLock lock(&mu_);
    full = WhyFull(network);
    sweeps = full.has_value() && now - last_sweep_ >= kSweepPause;
    if (sweeps) last_sweep_ = now;
  }
  if (sweeps) {
    for (const ConnectionPtr& connection : All()) {
      if (!connection->socket_->BytesReceived().has_value()) {
        Forget(connection, now);
      }
    }
  }
  MutexLock lock(&mu_);
  if (ended_addresses_.IsHeld(network, now)) {
    full = ConnectionRefusal::kAddressIsHeld;
  } else {
    full = WhyFull(network);
  }
  if (full.has_value()) {
    *refusal = *full;
    return nullptr;
  }
  // The port was another connection's, which is closed.
  const auto former = connections_.find(peer);
  if (former != connections_.end()) ForgetLocked(*ConnectionPtr(*former));
  auto connection = std::make_shared<Connection>(
      ++last_number_, std::string(peer), now, std::move(socket));
  connections_.insert(connection);
  ++by_network_[network];
  return connection;
}

absl::optional<ConnectionRefusal> Connections::WhyFull(
    ClientNetwork network) const {
  if (static_cast<int64_t>(connections_.size()) >= options_.max_connections) {
    return ConnectionRefusal::kTooMany;
  }
  const auto found = by_network_.find(network);
  if (found != by_network_.end() &&
      found->second >= options_.max_connections_per_address) {
    return ConnectionRefusal::kTooManyOfAddress;
  }
  return absl::nullopt;
}

void Connections::NoteRefused(absl::string_view peer,
                              ConnectionRefusal refusal) {
  refused_.Count(refusal);
  refused_since_log_.fetch_add(1, std::memory_order_relaxed);
  LOG_EVERY_T(WARNING, 1) << "connections refused" << Kv("peer", peer)
                          << Kv("reason", NameOf(refusal))
                          << Kv("connections", size())
                          << Kv("refused", refused_since_log_.exchange(0));
}

void Connections::Close(const ConnectionPtr& connection) {
  MutexLock lock(&mu_);
  const auto found = connections_.find(connection->peer());
  if (found != connections_.end() && *found == connection) {
    ForgetLocked(*connection);
  }
}

void Connections::Forget(const ConnectionPtr& connection, absl::Time now) {
  Close(connection);
  if (connection->is_tls() && connection->counts().calls == 0 &&
      !connection->is_ended() &&
      now - connection->since() <= kTlsWithoutCallLimit) {
    NoteRefused(connection->peer(), ConnectionRefusal::kTlsWithoutCall);
  }
}

void Connections::ForgetLocked(const Connection& connection) {
  const auto network = by_network_.find(connection.network());
  if (--network->second == 0) by_network_.erase(network);
  connections_.erase(connections_.find(connection.peer()));
}

std::vector<ConnectionPtr> Connections::All() const {
  MutexLock lock(&mu_);
  return {connections_.begin(), connections_.end()};
}

bool Connections::Look(absl::Time now, int64_t memory, absl::Duration stuck) {
  std::vector<ConnectionPtr> open = All();
  open.erase(std::remove_if(open.begin(), open.end(),
                            [this, now](const ConnectionPtr& connection) {
                              const absl::optional<uint64_t> bytes =
                                  connection->socket_->BytesReceived();
                              if (bytes.has_value()) {
                                connection->bytes_.store(
                                    *bytes, std::memory_order_relaxed);
                                return false;
                              }
                              Forget(connection, now);
                              return true;
                            }),
             open.end());
  const WastedBytes::Found found = wasted_bytes_.Look(
      open, now, memory, stuck, [this, now](const Connection& connection) {
        MutexLock lock(&mu_);
        return ended_addresses_.IsSuspect(connection.network(), now);
      });
  for (const ConnectionPtr& connection : found.wasteful) {
    End(*connection, ConnectionAbuse::kWastedBytes, now);
  }
  if (found.stuck != nullptr) {
    End(*found.stuck, ConnectionAbuse::kStuckThread, now);
  }
  return found.is_urgent;
}

void Connections::End(Connection& connection, ConnectionAbuse abuse,
                      absl::Time now) {
  if (connection.is_ended_.exchange(true)) return;
  if (connection.socket_ != nullptr) connection.socket_->End();
  ended_.Count(abuse);
  ended_since_log_.fetch_add(1, std::memory_order_relaxed);
  const Connection::Counts counts = connection.counts();
  LOG_EVERY_T(WARNING, 1) << "connections ended"
                          << Kv("peer", connection.peer())
                          << Kv("reason", NameOf(abuse))
                          << Kv("bytes", counts.bytes)
                          << Kv("messages", counts.messages)
                          << Kv("calls", counts.calls)
                          << Kv("wasted_calls", counts.wasted_calls)
                          << Kv("ended", ended_since_log_.exchange(0));
  MutexLock lock(&mu_);
  ended_addresses_.Note(connection.network(), now);
}

std::vector<ConnectionPtr> Connections::List(uint64_t number,
                                             size_t max) const {
  std::vector<ConnectionPtr> listed = All();
  const auto by_number = [](const ConnectionPtr& a, const ConnectionPtr& b) {
    return a->number() < b->number();
  };
  listed.erase(std::remove_if(listed.begin(), listed.end(),
                              [number](const ConnectionPtr& connection) {
                                return connection->number() <= number;
                              }),
               listed.end());
  if (listed.size() > max) {
    std::nth_element(listed.begin(),
                     listed.begin() + static_cast<std::ptrdiff_t>(max),
                     listed.end(), by_number);
    listed.resize(max);
  }
  std::sort(listed.begin(), listed.end(), by_number);
  return listed;
}

bool Connections::IsForOperators(absl::string_view peer) const {
  if (absl::StartsWith(peer, "unix:")) return true;
  MutexLock lock(&mu_);
  const auto found = connections_.find(peer);
  return found != connections_.end() && (*found)->is_for_operators();
}

size_t Connections::size() const {
  MutexLock lock(&mu_);
  return connections_.size();
}

ConnectionPtr Connections::Find(absl::string_view peer, absl::Time now) {
  {
    MutexLock lock(&mu_);
    const auto found = connections_.find(peer);
    if (found != connections_.end()) return *found;
  }
  return std::make_shared<Connection>(0, std::string(peer), now, nullptr);
}

CallStatus Connections::BeginCall(Connection& connection, absl::Time now) {
  connection.calls_.fetch_add(1, std::memory_order_relaxed);
  if (connection.is_ended()) {
    return {absl::StatusCode::kCancelled, ResponseCode::kSystemError,
            "the connection was ended"};
  }
  if (connection.open_calls_.fetch_add(1) >= options_.max_calls) {
    connection.open_calls_.fetch_sub(1);
    NoteWastedCall(connection, now);
    return OverLimit(
        absl::StrCat("calls that are open on one connection must be at most ",
                     options_.max_calls));
  }
  return {};
}

void Connections::EndCall(Connection& connection) {
  connection.open_calls_.fetch_sub(1);
}

void Connections::NoteWastedCall(Connection& connection, absl::Time now) {
  connection.wasted_calls_.fetch_add(1, std::memory_order_relaxed);
  {
    MutexLock lock(&mu_);
    // The whole server has a credit, too: many connections that waste a little
    // each take as much as one that wastes much.
    const bool is_strict =
        !all_wasted_calls_rate_.Take(now, &all_calls_full_at_) ||
        ended_addresses_.IsSuspect(connection.network(), now);
    const Rate& rate =
        is_strict ? strict_wasted_calls_rate_ : wasted_calls_rate_;
    if (rate.Take(now, &connection.calls_full_at_)) return;
  }
  End(connection, ConnectionAbuse::kWastedCalls, now);
}

CallStatus ConnectionCall::Begin(Connections* connections,
                                 absl::string_view peer, absl::Time now) {
  connections_ = connections;
  connection_ = connections->Find(peer, now);
  CallStatus status = connections->BeginCall(*connection_, now);
  is_counted_ = status.ok();
  return status;
}

void ConnectionCall::End(absl::Time now) {
  if (!is_counted_) return;
  is_counted_ = false;
  if (!has_message_) connections_->NoteWastedCall(*connection_, now);
  connections_->EndCall(*connection_);
}

}  // namespace rmq
