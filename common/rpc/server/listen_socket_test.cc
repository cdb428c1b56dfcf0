#include "common/rpc/server/listen_socket.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/transport_kind.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<ListenSocket> Open(const std::string& address) {
  return ListenSocket::Open(*ParseListenAddress("address", address));
}

TEST(ListenSocketTest, APortOfZeroIsChosen) {
  const auto socket = Open("127.0.0.1:0");
  ASSERT_THAT(socket, IsOk());
  EXPECT_THAT(socket->address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(socket->address(), "127.0.0.1:0");
}

TEST(ListenSocketTest, ANameIsLookedUp) {
  const auto socket = Open("localhost:0");
  ASSERT_THAT(socket, IsOk());
  // On IPv4, which is what most mean.
  const std::string port = socket->address().substr(10);
  EXPECT_THAT(Open("127.0.0.1:" + port),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("in use")));
}

TEST(ListenSocketTest, APortInUseIsSaidToBe) {
  const auto first = Open("127.0.0.1:0");
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Open(first->address()),
              StatusIs(absl::StatusCode::kUnavailable,
                       absl::StrCat("cannot listen on ", first->address(),
                                    ": the port is in use")));
}

TEST(ListenSocketTest, APortIsFreeOnceItsSocketIsGone) {
  std::string address;
  {
    const auto socket = Open("127.0.0.1:0");
    ASSERT_THAT(socket, IsOk());
    address = socket->address();
  }
  EXPECT_THAT(Open(address), IsOk());
}

TEST(ListenSocketTest, AnAddressOfAnotherMachineIsSaidToBe) {
  EXPECT_THAT(Open("192.0.2.1:0"),
              StatusIs(absl::StatusCode::kUnavailable,
                       "cannot listen on 192.0.2.1:0: the address is not this "
                       "machine's"));
}

TEST(ListenSocketTest, AnUnknownNameIsSaidToBe) {
  const std::string name(300, 'x');  // No name is so long: nobody is asked.
  EXPECT_THAT(Open(name + ":0"),
              StatusIs(absl::StatusCode::kUnavailable,
                       StartsWith("cannot listen on " + name + ":0: ")));
}

TEST(ListenSocketTest, AnIpv6AddressIsTakenOrSaidNotToBe) {
  const auto socket = Open("[::1]:0");
  if (socket.ok()) {
    EXPECT_THAT(socket->address(), StartsWith("[::1]:"));
  } else {
    EXPECT_THAT(socket, StatusIs(absl::StatusCode::kUnavailable,
                                 AnyOf(HasSubstr("not this machine's"),
                                       HasSubstr("does not speak"))));
  }
}

TEST(ListenSocketTest, AllAddressesOfIpv6AreThoseOfIpv4Too) {
  const auto socket = Open("[::]:0");
  if (!socket.ok()) GTEST_SKIP() << "SKIPPED: no IPv6 here";
  const std::string port = socket->address().substr(5);
  EXPECT_THAT(Open("0.0.0.0:" + port),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("in use")));
}

// A directory whose name is short enough for a socket's.
class UnixSocketTest : public ::testing::Test {
 protected:
  UnixSocketTest() { path_ = absl::StrCat(mkdtemp(directory_), "/socket"); }
  ~UnixSocketTest() override {
    unlink(path_.c_str());
    rmdir(directory_);
  }

  absl::StatusOr<ListenSocket> OpenUnix() const {
    return ListenSocket::Open(*ParseServerAddress("address", "unix:" + path_,
                                                  TransportKind::kPlaintext));
  }
  // What is at the path; nothing if there is nothing.
  absl::optional<struct stat> AtPath() const {
    struct stat file = {};
    if (lstat(path_.c_str(), &file) != 0) return absl::nullopt;
    return file;
  }
  // Leaves a file as a process does that is killed.
  void LeaveSocket() const {
    sockaddr_un place = {};
    place.sun_family = AF_UNIX;
    path_.copy(place.sun_path, sizeof place.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place),
              0);
    ASSERT_EQ(listen(fd, 1), 0);
    close(fd);
  }

  std::string path_;

 private:
  char directory_[32] = "/tmp/listen_socket_test.XXXXXX";
};

TEST_F(UnixSocketTest, ItsFileIsForThisUserAndGoesWithIt) {
  {
    const auto socket = OpenUnix();
    ASSERT_THAT(socket, IsOk());
    EXPECT_EQ(socket->address(), "unix:" + path_);
    EXPECT_EQ(socket->kind(), TransportKind::kLocal);
    ASSERT_TRUE(AtPath().has_value());
    EXPECT_EQ(AtPath()->st_mode, S_IFSOCK | 0600);
  }
  EXPECT_FALSE(AtPath().has_value());
}

TEST_F(UnixSocketTest, TheFileOfAProcessThatHasEndedIsReplaced) {
  LeaveSocket();
  EXPECT_THAT(OpenUnix(), IsOk());
}

TEST_F(UnixSocketTest, ASecondOneIsRefusedAndTheFirstStays) {
  const auto first = OpenUnix();
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(OpenUnix(), StatusIs(absl::StatusCode::kUnavailable,
                                   absl::StrCat("cannot listen on unix:", path_,
                                                ": a process listens there "
                                                "already, or the file is no "
                                                "socket")));
  EXPECT_TRUE(AtPath().has_value());
}

TEST_F(UnixSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(OpenUnix(), StatusIs(absl::StatusCode::kUnavailable,
                                   HasSubstr("the file is no socket")));
  EXPECT_EQ(AtPath()->st_size, 8);
}

TEST_F(UnixSocketTest, AFileThatIsAnotherOneByNowIsLeftAlone) {
  {
    const auto socket = OpenUnix();
    ASSERT_THAT(socket, IsOk());
    ASSERT_EQ(unlink(path_.c_str()), 0);
    LeaveSocket();
  }
  EXPECT_TRUE(AtPath().has_value());
}

TEST_F(UnixSocketTest, ADirectoryThatIsNotThereIsSaidToBe) {
  path_ += "/none/socket";
  EXPECT_THAT(OpenUnix(), StatusIs(absl::StatusCode::kUnavailable,
                                   HasSubstr("No such file or directory")));
}

TEST(ListenSocketTest, AReleasedDescriptorStaysOpen) {
  int fd = -1;
  {
    auto socket = Open("127.0.0.1:0");
    ASSERT_THAT(socket, IsOk());
    fd = socket->Release();
  }
  EXPECT_EQ(close(fd), 0);
}

}  // namespace
}  // namespace rmq
