// IP addresses, and ranges of them as "10.0.0.0/8".
#ifndef COMMON_IP_RANGE_H_
#define COMMON_IP_RANGE_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace rmq {

// An address of IPv4 or IPv6. An IPv6 address that stands for one of IPv4
// (::ffff:10.1.2.3) is that of IPv4. A value.
class IpAddress {
 public:
  // Nothing if `text` is not an address: "10.1.2.3" or "fe80::1", without port,
  // brackets and zone.
  static absl::optional<IpAddress> Parse(absl::string_view text);

  // The address of a client, of its "10.1.2.3:4711" or "[fe80::1%eth0]:4711".
  // Nothing of other peers, as "unix:".
  static absl::optional<IpAddress> OfPeer(absl::string_view host_port);

  bool is_v4() const { return is_v4_; }
  // The bits of an IPv4 address; of an IPv6 address the first 64, which are its
  // network.
  uint64_t network() const { return is_v4_ ? low_ : high_; }

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.high_ == b.high_ && a.low_ == b.low_ && a.is_v4_ == b.is_v4_;
  }
  friend bool operator!=(const IpAddress& a, const IpAddress& b) {
    return !(a == b);
  }

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& address) {
    return H::combine(std::move(h), address.high_, address.low_,
                      address.is_v4_);
  }

 private:
  friend class IpRange;

  IpAddress() = default;
  explicit IpAddress(const std::array<unsigned char, 16>& bytes);

  // The first and the last 64 bits. An IPv4 address is the last 32 of them.
  uint64_t high_ = 0;
  uint64_t low_ = 0;
  bool is_v4_ = false;
};

// The addresses that have the first bits in common. A range of IPv6 has no
// address of IPv4. A value.
class IpRange {
 public:
  // "10.0.0.0/8", "fe80::/10", or an address, which is a range of one.
  // InvalidArgument if it is none of these, or has bits set behind the prefix;
  // the message says what is allowed, and does not repeat `text`.
  static absl::StatusOr<IpRange> Parse(absl::string_view text);

  bool Contains(const IpAddress& address) const {
    return address.is_v4_ == first_.is_v4_ &&
           (address.high_ & high_mask_) == first_.high_ &&
           (address.low_ & low_mask_) == first_.low_;
  }

  friend bool operator==(const IpRange& a, const IpRange& b) {
    return a.first_ == b.first_ && a.high_mask_ == b.high_mask_ &&
           a.low_mask_ == b.low_mask_;
  }

  template <typename H>
  friend H AbslHashValue(H h, const IpRange& range) {
    return H::combine(std::move(h), range.first_, range.high_mask_,
                      range.low_mask_);
  }

 private:
  IpRange(const IpAddress& first, int bits);

  IpAddress first_;
  // The bits that the addresses have in common.
  uint64_t high_mask_;
  uint64_t low_mask_;
};

}  // namespace rmq

#endif  // COMMON_IP_RANGE_H_
