#include "broker/metrics/metrics_exposer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "prometheus/metric_family.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class OneGauge final : public prometheus::Collectable {
 public:
  explicit OneGauge(std::string help = "") : help_(std::move(help)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::MetricFamily family;
    family.name = "one_gauge";
    family.help = help_;
    family.type = prometheus::MetricType::Gauge;
    family.metric.emplace_back().gauge.value = 42;
    return {family};
  }

 private:
  const std::string help_;
};

// A connection to 127.0.0.1 that does what a test says, and no more.
class Connection {
 public:
  explicit Connection(absl::string_view address) {
    sockaddr_in peer = {};
    peer.sin_family = AF_INET;
    int port = 0;
    EXPECT_TRUE(
        absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    peer.sin_port = htons(static_cast<uint16_t>(port));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof peer), 0);
  }
  ~Connection() { close(fd_); }
  Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Connection& operator=(Connection&&) = delete;

  void Send(absl::string_view text) const {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What comes until the end; waits for that.
  std::string ReadAll() const {
    std::string text;
    char piece[4096];
    for (ssize_t n; (n = recv(fd_, piece, sizeof piece, 0)) > 0;) {
      text.append(piece, static_cast<size_t>(n));
    }
    return text;
  }
  // Whether the exposer has closed it, if nothing was sent.
  bool IsClosed() const {
    char byte;
    return recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

 private:
  int fd_ = socket(AF_INET, SOCK_STREAM, 0);
};

class MetricsExposerTest : public ::testing::Test {
 protected:
  void Start(const std::string& address = "127.0.0.1:0",
             const std::string& help = "") {
    auto exposer =
        MetricsExposer::Start(address, std::make_shared<OneGauge>(help));
    ASSERT_THAT(exposer, IsOk());
    exposer_ = *std::move(exposer);
  }
  httplib::Client Http() const {
    httplib::Client client(absl::StrCat("http://", exposer_->address()));
    client.set_connection_timeout(kPatienceSeconds, 0);
    client.set_read_timeout(kPatienceSeconds, 0);
    return client;
  }
  // Whether a scrape is answered, within kPatienceSeconds.
  bool IsServed() const {
    const httplib::Result result = Http().Get("/metrics");
    return result && result->status == 200 &&
           result->body.find("one_gauge 42\n") != std::string::npos;
  }

  static constexpr int kPatienceSeconds = 5;
  std::unique_ptr<MetricsExposer> exposer_;
};

TEST_F(MetricsExposerTest, AScrapeOverHttpShowsTheMetrics) {
  Start();
  const httplib::Result result = Http().Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(result->body, HasSubstr("one_gauge 42\n"));
}

TEST_F(MetricsExposerTest, AConnectionServesSeveralScrapes) {
  Start();
  httplib::Client client = Http();
  client.set_keep_alive(true);
  for (int i = 0; i < 3; ++i) {
    const httplib::Result result = client.Get("/metrics");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 200);
  }
}

TEST_F(MetricsExposerTest, AHeadIsAnsweredWithoutABody) {
  Start();
  const httplib::Result result = Http().Head("/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, "");
}

TEST_F(MetricsExposerTest, AnotherPathIsNotFound) {
  Start();
  for (const char* const path : {"/", "/metrics/", "/metricsx", "/favicon"}) {
    const httplib::Result result = Http().Get(path);
    ASSERT_TRUE(result) << path;
    EXPECT_EQ(result->status, 404) << path;
  }
}

TEST_F(MetricsExposerTest, AnotherMethodIsNotAllowed) {
  Start();
  const httplib::Result result =
      Http().Post("/metrics", "a body", "text/plain");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 405);
  EXPECT_EQ(result->get_header_value("Allow"), "GET, HEAD");
}

TEST_F(MetricsExposerTest, ARequestThatIsTooLargeIsRefusedAndOthersAreServed) {
  Start();
  const httplib::Result result = Http().Get(
      "/metrics", {{"X-Large", std::string(size_t{32} * 1024, 'x')}});
  if (result) {  // Else the connection was closed before all of it was sent.
    EXPECT_EQ(result->status, 431);
  }
  EXPECT_TRUE(IsServed());
}

TEST_F(MetricsExposerTest, BytesThatAreNoRequestAreRefusedAndOthersAreServed) {
  Start();
  const Connection connection(exposer_->address());
  connection.Send("\x16\x03\x01 what a TLS client begins with\r\n\r\n");
  EXPECT_THAT(connection.ReadAll(), testing::Not(HasSubstr("200")));
  EXPECT_TRUE(IsServed());
}

TEST_F(MetricsExposerTest, AWholeTargetIsTakenAsForAProxy) {
  Start();
  for (const char* const target : {"http://host/metrics", "http://host"}) {
    const Connection connection(exposer_->address());
    connection.Send(absl::StrCat("GET ", target,
                                 " HTTP/1.1\r\nHost: host\r\n"
                                 "Connection: close\r\n\r\n"));
    EXPECT_THAT(
        connection.ReadAll(),
        StartsWith(absl::EndsWith(target, "/metrics") ? "HTTP/1.1 200"
                                                      : "HTTP/1.1 404"));
  }
}

TEST_F(MetricsExposerTest, SilentConnectionsDelayNoScrape) {
  Start();
  std::vector<Connection> silent;
  for (size_t i = 0; i < 3 * MetricsExposer::kMostConnections; ++i) {
    silent.emplace_back(exposer_->address());
  }
  EXPECT_TRUE(IsServed());
}

TEST_F(MetricsExposerTest, HalfRequestsDelayNoScrape) {
  Start();
  std::vector<Connection> slow;
  for (size_t i = 0; i < 3 * MetricsExposer::kMostConnections; ++i) {
    slow.emplace_back(exposer_->address());
    slow.back().Send("GET /metr");
  }
  EXPECT_TRUE(IsServed());
}

TEST_F(MetricsExposerTest, SlowReadersDelayNoScrape) {
  // More than the kernel takes on a connection's behalf.
  Start("127.0.0.1:0", std::string(size_t{16} * 1024 * 1024, 'x'));
  std::vector<Connection> slow;
  for (int i = 0; i < 8; ++i) {
    slow.emplace_back(exposer_->address());
    slow.back().Send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  EXPECT_TRUE(IsServed());
}

TEST_F(MetricsExposerTest, OfTooManyConnectionsTheOldestAreClosed) {
  Start();
  const Connection first(exposer_->address());
  std::vector<Connection> later;
  for (size_t i = 0; i < MetricsExposer::kMostConnections - 1; ++i) {
    later.emplace_back(exposer_->address());
  }
  const Connection last(exposer_->address());
  last.Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(last.ReadAll(), HasSubstr("404"));
  EXPECT_EQ(first.ReadAll(), "");  // Which waits for the end.
  EXPECT_FALSE(later.front().IsClosed());
}

TEST_F(MetricsExposerTest, AConnectionThatIsOverMakesRoom) {
  Start();
  const Connection first(exposer_->address());
  for (size_t i = 0; i < 3 * MetricsExposer::kMostConnections; ++i) {
    const Connection connection(exposer_->address());
    connection.Send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_THAT(connection.ReadAll(), HasSubstr("404"));
  }
  EXPECT_FALSE(first.IsClosed());
}

TEST_F(MetricsExposerTest, MetricsAreServedOnIpv6) {
  if (!MetricsExposer::Start("[::1]:0", std::make_shared<OneGauge>()).ok()) {
    GTEST_SKIP() << "SKIPPED: no IPv6 here";
  }
  Start("[::1]:0");
  EXPECT_THAT(exposer_->address(), StartsWith("[::1]:"));
  httplib::Client client(
      "::1", std::stoi(exposer_->address().substr(sizeof "[::1]:" - 1)));
  const httplib::Result result = client.Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
}

TEST_F(MetricsExposerTest, APortInUseIsSaidToBe) {
  Start();
  EXPECT_THAT(
      MetricsExposer::Start(exposer_->address(), std::make_shared<OneGauge>()),
      StatusIs(absl::StatusCode::kUnavailable,
               absl::StrCat("cannot listen on ", exposer_->address(),
                            ": the port is in use")));
}

TEST_F(MetricsExposerTest, AnEndClosesConnectionsAndFreesThePort) {
  Start();
  const std::string address = exposer_->address();
  const Connection silent(address);
  EXPECT_TRUE(IsServed());
  exposer_ = nullptr;
  EXPECT_EQ(silent.ReadAll(), "");
  Start(address);
  EXPECT_TRUE(IsServed());
}

}  // namespace
}  // namespace rmq
