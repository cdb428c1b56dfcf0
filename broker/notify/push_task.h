// The notifier's delayed pushes as a task of a timer.
#ifndef BROKER_NOTIFY_PUSH_TASK_H_
#define BROKER_NOTIFY_PUSH_TASK_H_

#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_table.h"
#include "common/due_task.h"

namespace rmq {

// Makes the pushes that wait for the end of a group's window, or for their
// turn.
class PushTask final : public DueTask {
 public:
  // Borrows both.
  PushTask(ConsumerIdsNotifier* notifier, ClientTable* table)
      : notifier_(*notifier), table_(*table) {}

  absl::Time NextDue() override { return notifier_.NextDeadline(); }
  void Run(absl::Time now) override {
    if (now >= notifier_.NextDeadline()) notifier_.Flush(table_, now);
  }

 private:
  ConsumerIdsNotifier& notifier_;
  ClientTable& table_;
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_PUSH_TASK_H_
