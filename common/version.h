// The project's version.
#ifndef COMMON_VERSION_H_
#define COMMON_VERSION_H_

namespace rmq {

// As in CHANGELOG.md.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace rmq

#endif  // COMMON_VERSION_H_
