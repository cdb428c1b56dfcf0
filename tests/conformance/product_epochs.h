// What the product says of the epochs of consumer groups.
#ifndef TESTS_CONFORMANCE_PRODUCT_EPOCHS_H_
#define TESTS_CONFORMANCE_PRODUCT_EPOCHS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// Remembers the epochs that each group has had, so that an operation can name
// one by how long ago it was, as a model does. Borrows the table.
class ProductEpochs {
 public:
  explicit ProductEpochs(ClientTable* table) : table_(*table) {}

  // "epochs": each group with the number of its epochs. Looks at them, and so
  // has to come after each operation.
  void Count(Outcome* outcome);
  // "list_at": the client ids of the group `ms` epochs ago, read one by one.
  void ListAt(const Operation& operation, Outcome* outcome);
  // "begin_list", "end_list": the same for now; other operations come between
  // the first client id and the rest.
  void BeginList(const Operation& operation);
  void EndList(const Operation& operation, Outcome* outcome);
  // "acknowledge": the epoch `ms` epochs ago; -1: the next one; -2: none.
  void Acknowledge(const Operation& operation, ClientChannel& channel,
                   absl::Time now, Outcome* outcome);

 private:
  // A list that is being read.
  struct Listing {
    uint64_t epoch = 0;
    MemberCursor cursor = 0;
    std::set<std::string> client_ids;
  };

  uint64_t EpochOf(const Operation& operation) const;
  // Reads one client id more. False if that is not possible any more.
  bool Read(const std::string& group, Listing* listing) const;
  static void Show(const Listing& listing, Outcome* outcome);

  ClientTable& table_;
  // 0 while the group has no members.
  std::map<std::string, std::vector<uint64_t>> epochs_;
  std::map<std::string, Listing> begun_;
};

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_PRODUCT_EPOCHS_H_
