// How much memory the process has.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_RESIDENT_MEMORY_H_
#define COMMON_RPC_SERVER_ACCEPTOR_RESIDENT_MEMORY_H_

#include <cstdint>

namespace rmq {

// In bytes; 0 if the system does not tell. Thread-safe.
int64_t ResidentMemory();

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_RESIDENT_MEMORY_H_
