// A client whose brokers are the addresses of a name, while the name moves. The
// test has a mount namespace of its own, with a hosts file of its own, and a
// network of its own, with a server of the DNS.
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/make_resolver.h"
#include "client/discovery/resolver_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/name_server.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kGroup[] = "orders";
constexpr char kClientId[] = "10.0.0.1@client";
constexpr char kName[] = "brokers.test";

std::string Path(const std::string& name) {
  return absl::StrCat(::testing::TempDir(), "/", name);
}

void Write(const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr) << path;
  ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
  ASSERT_EQ(std::fclose(file), 0);
}

// Puts this process, which has one thread yet, into namespaces of its own. The
// error says what could not be done.
absl::Status EnterNamespaces() {
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) {
      return absl::ErrnoToStatus(errno, "unshare");
    }
    Write("/proc/self/setgroups", "deny");
    Write("/proc/self/uid_map", absl::StrCat("0 ", uid, " 1"));
    Write("/proc/self/gid_map", absl::StrCat("0 ", gid, " 1"));
  }
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return absl::ErrnoToStatus(errno, "make mounts private");
  }
  Write(Path("hosts"), "");
  Write(Path("nsswitch.conf"), "hosts: files dns\n");
  Write(Path("resolv.conf"),
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  for (const char* name : {"hosts", "nsswitch.conf", "resolv.conf"}) {
    const std::string there = absl::StrCat("/etc/", name);
    if (mount(Path(name).c_str(), there.c_str(), nullptr, MS_BIND, nullptr) !=
        0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("mount ", there));
    }
  }
  // The network has a loopback interface, which is down.
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  const int result = ioctl(fd, SIOCSIFFLAGS, &request);
  const int error = errno;
  close(fd);
  if (result != 0) return absl::ErrnoToStatus(error, "loopback interface");
  return absl::OkStatus();
}

class MovingNameTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    entered_ = new absl::Status(EnterNamespaces());
  }

  void SetUp() override {
    if (!entered_->ok()) {
      GTEST_SKIP() << "SKIPPED: no namespaces of its own: " << *entered_;
    }
    auto name_server = NameServer::Start();
    ASSERT_THAT(name_server, IsOk());
    name_server_ = *std::move(name_server);
    name_server_->SetMode(NameServer::Mode::kNoSuchName);
    auto a = BrokerProcess::Start(UnusedAddress());
    ASSERT_THAT(a, IsOk());
    a_ = *std::move(a);
    port_ = a_->address().substr(a_->address().rfind(':') + 1);
    auto b = BrokerProcess::Start(absl::StrCat("127.0.0.2:", port_));
    ASSERT_THAT(b, IsOk());
    b_ = *std::move(b);
  }

  void TearDown() override {
    if (entered_->ok()) SetHosts({});
  }

  // What the hosts file says of the name.
  void SetHosts(const std::vector<std::string>& addresses) {
    std::string text;
    for (const std::string& address : addresses) {
      absl::StrAppend(&text, address, " ", kName, "\n");
    }
    Write("/etc/hosts", text);
  }

  void StartClient() {
    DiscoveryOptions discovery;
    discovery.dns_interval = absl::Milliseconds(100);
    discovery.dns_timeout = absl::Milliseconds(200);
    auto resolver =
        MakeResolver(absl::StrCat("dns:///", kName, ":", port_), discovery);
    ASSERT_THAT(resolver, IsOk());
    resolver_ = *std::move(resolver);
    ClientOptions options;
    options.resolver = resolver_;
    options.client_id = kClientId;
    auto client = Client::Create(std::move(options));
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    ConsumerOptions consumer;
    consumer.group = kGroup;
    ASSERT_THAT(client_->RegisterConsumer(std::move(consumer)), IsOk());
    ASSERT_THAT(client_->Start(), IsOk());
  }

  // Where the client is a member.
  std::string Places() const {
    std::vector<std::string> places;
    if (!a_->ConsumerIds(kGroup).empty()) places.push_back("a");
    if (!b_->ConsumerIds(kGroup).empty()) places.push_back("b");
    return absl::StrJoin(places, " ");
  }

  absl::Status Error() const { return resolver_->Status().error; }

  static absl::Status* entered_;
  std::unique_ptr<NameServer> name_server_;
  std::unique_ptr<BrokerProcess> a_, b_;  // 127.0.0.1, 127.0.0.2; one port.
  std::string port_;
  std::shared_ptr<ResolverSource> resolver_;
  std::unique_ptr<Client> client_;
};

absl::Status* MovingNameTest::entered_ = nullptr;

TEST_F(MovingNameTest, TheClientFollowsTheNameInTheHostsFile) {
  SetHosts({"127.0.0.1"});
  StartClient();
  EXPECT_TRUE(Becomes([&] { return Places(); }, "a"));
  SetHosts({"127.0.0.2"});
  EXPECT_TRUE(Becomes([&] { return Places(); }, "b"));
  EXPECT_THAT(a_->ReasonsOfLeaving(kClientId), ElementsAre("UNREGISTERED"));
  SetHosts({"127.0.0.1", "127.0.0.2"});
  EXPECT_TRUE(Becomes([&] { return Places(); }, "a b"));
  EXPECT_THAT(b_->ReasonsOfLeaving(kClientId), IsEmpty());
}

TEST_F(MovingNameTest, TheClientFollowsTheNameInTheDns) {
  name_server_->SetAddresses({"127.0.0.1"});
  StartClient();
  EXPECT_TRUE(Becomes([&] { return Places(); }, "a"));
  name_server_->SetAddresses({"127.0.0.2"});
  EXPECT_TRUE(Becomes([&] { return Places(); }, "b"));
  EXPECT_THAT(a_->ReasonsOfLeaving(kClientId), ElementsAre("UNREGISTERED"));
  name_server_->SetAddresses({"127.0.0.1", "127.0.0.2"});
  EXPECT_TRUE(Becomes([&] { return Places(); }, "a b"));
}

TEST_F(MovingNameTest, NoBrokerIsLeftWhileTheNameIsAway) {
  name_server_->SetAddresses({"127.0.0.1", "127.0.0.2"});
  StartClient();
  EXPECT_TRUE(Becomes([&] { return Places(); }, "a b"));
  const struct {
    NameServer::Mode mode;
    absl::StatusCode code;
  } faults[] = {
      {NameServer::Mode::kNoSuchName, absl::StatusCode::kNotFound},
      {NameServer::Mode::kServerFailure, absl::StatusCode::kUnavailable},
      {NameServer::Mode::kSilent, absl::StatusCode::kDeadlineExceeded},
  };
  for (const auto& fault : faults) {
    name_server_->SetMode(fault.mode);
    EXPECT_TRUE(Becomes([&] { return Error(); },
                        StatusIs(fault.code, HasSubstr(kName))));
    EXPECT_EQ(resolver_->Status().brokers, 2);
    EXPECT_EQ(Places(), "a b");
    name_server_->SetAddresses({"127.0.0.1", "127.0.0.2"});
    EXPECT_TRUE(Becomes([&] { return Error(); }, IsOk()));
  }
  EXPECT_THAT(a_->ReasonsOfLeaving(kClientId), IsEmpty());
  EXPECT_THAT(b_->ReasonsOfLeaving(kClientId), IsEmpty());
}

TEST_F(MovingNameTest, AClientBeginsWithoutTheDnsAndJoinsWhenItIsThere) {
  name_server_->SetMode(NameServer::Mode::kSilent);
  StartClient();
  EXPECT_TRUE(Becomes([&] { return Error(); }, Not(IsOk())));
  EXPECT_THAT(client_->Health(), IsEmpty());
  name_server_->SetAddresses({"127.0.0.1"});
  EXPECT_TRUE(Becomes([&] { return Places(); }, "a"));
}

TEST_F(MovingNameTest, AClientEndsAtOnceWhileALookupBlocks) {
  name_server_->SetMode(NameServer::Mode::kSilent);
  StartClient();
  EXPECT_TRUE(Becomes(
      [&] { return Error(); },
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("no answer"))));
  EXPECT_THAT(client_->Shutdown(absl::ZeroDuration()), IsOk());
  client_ = nullptr;
  resolver_ = nullptr;
}

}  // namespace
}  // namespace rmq
