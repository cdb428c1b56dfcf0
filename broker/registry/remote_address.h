// A client's address, in the 23 bytes that most take.
#ifndef BROKER_REGISTRY_REMOTE_ADDRESS_H_
#define BROKER_REGISTRY_REMOTE_ADDRESS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace rmq {

// Text that is on the heap only if it is longer than kMaxInline: "host:port" of
// IPv4 never is. (A std::string takes 32 bytes, and the heap beyond 15.)
class RemoteAddress {
 public:
  static constexpr size_t kMaxInline = 22;

  RemoteAddress() = default;
  RemoteAddress(const RemoteAddress&) = delete;
  RemoteAddress& operator=(const RemoteAddress&) = delete;
  ~RemoteAddress() { Clear(); }

  // Copies it.
  void Set(absl::string_view text) {
    Clear();
    if (text.size() <= kMaxInline) {
      text.copy(bytes_, text.size());
      length_ = static_cast<uint8_t>(text.size());
    } else {
      const auto* const copy = new std::string(text);
      std::memcpy(bytes_, &copy, sizeof(void*));
      length_ = kOnHeap;
    }
  }

  // Lives as long as the address, and until the next Set().
  absl::string_view text() const {
    if (length_ == kOnHeap) return *OnHeap();
    return {bytes_, length_};
  }

 private:
  static constexpr uint8_t kOnHeap = kMaxInline + 1;

  const std::string* OnHeap() const {
    const std::string* text;
    std::memcpy(&text, bytes_, sizeof(void*));
    return text;
  }
  void Clear() {
    if (length_ == kOnHeap) delete OnHeap();
    length_ = 0;
  }

  // The text, or the pointer to it.
  char bytes_[kMaxInline];
  uint8_t length_ = 0;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_REMOTE_ADDRESS_H_
