// With what cmctl exits.
#ifndef TOOLS_CMCTL_EXIT_CODES_H_
#define TOOLS_CMCTL_EXIT_CODES_H_

namespace rmq::cmctl {

inline constexpr int kExitOk = 0;
// The broker cannot be asked, refuses, or does not have what was looked for;
// none of several does.
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
// Of several brokers some answered, and others cannot be asked or refuse.
inline constexpr int kExitNotWhole = 3;
// The brokers disagree, or something is wrong with them.
inline constexpr int kExitFindings = 4;
// And the signal's number: the user has pressed Ctrl-C (130), or SIGTERM came
// (143). As shells have it.
inline constexpr int kExitSignalled = 128;

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_EXIT_CODES_H_
