// Shows groups whose members do not state the same, and client ids that several
// processes use, as text for people.
#ifndef TOOLS_CMCTL_WARNING_VIEWS_H_
#define TOOLS_CMCTL_WARNING_VIEWS_H_

#include <vector>

#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

std::vector<AnswerPart> ShowConsistency(
    const rocketmq::clientmanager::v1::GetSubscriptionConsistencyResponse&
        consistency,
    const TableTime& time);

AnswerPart ShowDuplicates(
    const rocketmq::clientmanager::v1::ListDuplicateClientIdsResponse&
        duplicates,
    const TableTime& time);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_WARNING_VIEWS_H_
