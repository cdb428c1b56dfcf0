// How cmctl shows answers: as aligned tables for people, as JSON for programs.
//
// Tables escape what is not printable: names and expressions come from clients
// and must not steer the operator's terminal. JSON keeps every field, also
// empty ones, under its name in the .proto files.
#ifndef TOOLS_CMCTL_RENDER_H_
#define TOOLS_CMCTL_RENDER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::cmctl {

namespace pb = ::rocketmq::clientmanager::v1;

// Absent: that kind was not asked for.
struct Groups {
  absl::optional<std::vector<pb::GroupSummary>> consumers;
  absl::optional<std::vector<pb::GroupSummary>> producers;
};

// What the times in a table are relative to.
struct TableTime {
  absl::Time now;
  absl::TimeZone zone;
};

std::string GroupsTable(const Groups& groups);
std::string GroupsJson(const Groups& groups);

std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections,
    const TableTime& time);
std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections,
    const TableTime& time);
std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections);
std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections);

std::string IdsTable(const pb::GetConsumerListByGroupResponse& ids);
std::string IdsJson(absl::string_view group,
                    const pb::GetConsumerListByGroupResponse& ids);

std::string ExpressionTable(absl::string_view type,
                            absl::string_view expression,
                            absl::string_view broker);
std::string ExpressionJson(absl::string_view type,
                           absl::string_view expression);

// UTF-8 with its control characters written out, as "\x1b".
std::string EscapeControls(absl::string_view text);

// "3s ago", "2m 5s ago", "3h 12m ago", "4d 2h ago"; of a time that is still to
// come by this machine's clock, "0s ago".
std::string Ago(absl::Time time, absl::Time now);

// Rows under a header, columns two spaces apart; a line per row. Every row has
// as many cells as the header.
std::string AlignColumns(const std::vector<std::vector<std::string>>& rows);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_RENDER_H_
