#include "broker/metrics/metrics_exposer.h"

#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/listen_socket.h"
#include "prometheus/text_serializer.h"

namespace rmq {
namespace {

// A connection on which nothing came or went for so long is closed.
constexpr unsigned int kIdleSeconds = 30;
// What a connection's request is read into. A larger one is answered 431.
constexpr size_t kRequestBytes = 16 * 1024;
constexpr char kTextFormat[] = "text/plain; version=0.0.4; charset=utf-8";

MHD_Result Answer(MHD_Connection* connection, unsigned int code,
                  std::string body, const char* header, const char* value) {
  auto* const owned = new std::string(std::move(body));
  MHD_Response* const response =
      MHD_create_response_from_buffer_with_free_callback_cls(
          owned->size(), &(*owned)[0],
          +[](void* text) { delete static_cast<std::string*>(text); }, owned);
  if (response == nullptr) return MHD_NO;  // Closes the connection.
  MHD_add_response_header(response, header, value);
  const MHD_Result queued = MHD_queue_response(connection, code, response);
  MHD_destroy_response(response);  // The connection has one more reference.
  return queued;
}

// Of a request's target, which may be whole, as for a proxy:
// "http://host/metrics".
absl::string_view PathOf(absl::string_view target) {
  if (!absl::ConsumePrefix(&target, "http://")) return target;
  target.remove_prefix(std::min(target.find('/'), target.size()));
  return target;
}

}  // namespace

class MetricsExposer::Impl {
 public:
  explicit Impl(std::shared_ptr<prometheus::Collectable> collectable)
      : collectable_(std::move(collectable)) {}

  ~Impl() {
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
  }

  absl::Status Listen(const std::string& address) {
    const absl::StatusOr<ListenAddress> parsed =
        ParseListenAddress("metrics_address", address);
    if (!parsed.ok()) return parsed.status();
    absl::StatusOr<ListenSocket> socket = ListenSocket::Open(*parsed);
    if (!socket.ok()) return socket.status();
    address_ = socket->address();
    daemon_ =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0,
                         nullptr, nullptr, &OnRequest, this,                 //
                         MHD_OPTION_LISTEN_SOCKET, socket->Release(),        //
                         MHD_OPTION_NOTIFY_CONNECTION, &OnConnection, this,  //
                         // Those that are being closed are among them.
                         MHD_OPTION_CONNECTION_LIMIT,
                         static_cast<unsigned int>(2 * kMostConnections),    //
                         MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,        //
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, kRequestBytes,  //
                         MHD_OPTION_END);
    if (daemon_ == nullptr) {
      return absl::UnavailableError(absl::StrCat(
          "cannot serve HTTP on ", address_, ": its thread cannot be started"));
    }
    return absl::OkStatus();
  }

  const std::string& address() const { return address_; }

 private:
  // These are called by the daemon's thread.

  static MHD_Result OnRequest(void* self, MHD_Connection* connection,
                              const char* url, const char* method,
                              const char* /*version*/,
                              const char* /*upload_data*/,
                              size_t* /*upload_data_size*/,
                              void** /*request_state*/) {
    if (PathOf(url) != "/metrics") {
      return Answer(connection, MHD_HTTP_NOT_FOUND,
                    "not found: metrics are at /metrics\n",
                    MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    }
    if (absl::string_view(method) != MHD_HTTP_METHOD_GET &&
        absl::string_view(method) != MHD_HTTP_METHOD_HEAD) {
      return Answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "",
                    MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    const prometheus::Collectable& collectable =
        *static_cast<Impl*>(self)->collectable_;
    return Answer(connection, MHD_HTTP_OK,
                  prometheus::TextSerializer().Serialize(collectable.Collect()),
                  MHD_HTTP_HEADER_CONTENT_TYPE, kTextFormat);
  }

  static void OnConnection(void* self, MHD_Connection* connection,
                           void** /*socket_context*/,
                           MHD_ConnectionNotificationCode what) {
    std::deque<MHD_Connection*>& open = static_cast<Impl*>(self)->open_;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      const auto found = std::find(open.begin(), open.end(), connection);
      if (found != open.end()) open.erase(found);
      return;
    }
    open.push_back(connection);
    if (open.size() <= kMostConnections) return;
    // The daemon sees its end, and closes it.
    shutdown(
        MHD_get_connection_info(open.front(), MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd,
        SHUT_RDWR);
    open.pop_front();
  }

  const std::shared_ptr<prometheus::Collectable> collectable_;
  std::string address_;
  // The oldest first, without those that were shut down. Used by the daemon's
  // thread only.
  std::deque<MHD_Connection*> open_;
  MHD_Daemon* daemon_ = nullptr;  // Its thread uses the members above.
};

absl::StatusOr<std::unique_ptr<MetricsExposer>> MetricsExposer::Start(
    const std::string& address,
    std::shared_ptr<prometheus::Collectable> collectable) {
  auto impl = std::make_unique<Impl>(std::move(collectable));
  const absl::Status status = impl->Listen(address);
  if (!status.ok()) return status;
  return std::unique_ptr<MetricsExposer>(new MetricsExposer(std::move(impl)));
}

MetricsExposer::MetricsExposer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
MetricsExposer::~MetricsExposer() = default;

const std::string& MetricsExposer::address() const { return impl_->address(); }

}  // namespace rmq
