#include "common/rpc/server/listen_socket.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/server/listen_address.h"
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
