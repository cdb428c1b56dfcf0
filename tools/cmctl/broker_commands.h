// The command that shows what brokers are.
#ifndef TOOLS_CMCTL_BROKER_COMMANDS_H_
#define TOOLS_CMCTL_BROKER_COMMANDS_H_

#include <string>
#include <vector>

#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

std::vector<Command> BrokerCommands();

// Of a GetBrokerResponse: who the broker is, since when, how full, how secured.
const Table& BrokerTable();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_BROKER_COMMANDS_H_
