#include "tools/cmctl/all_commands.h"

#include <utility>

#include "tools/cmctl/auth_commands.h"
#include "tools/cmctl/broker_commands.h"
#include "tools/cmctl/channel_commands.h"
#include "tools/cmctl/client_commands.h"
#include "tools/cmctl/config_commands.h"
#include "tools/cmctl/doctor_command.h"
#include "tools/cmctl/drain_command.h"
#include "tools/cmctl/group_commands.h"
#include "tools/cmctl/policy_commands.h"
#include "tools/cmctl/reference_commands.h"
#include "tools/cmctl/status_command.h"
#include "tools/cmctl/watch_command.h"

namespace rmq::cmctl {
namespace {

std::vector<Command> MakeCommands() {
  std::vector<Command> all;
  for (std::vector<Command>& family : std::vector<std::vector<Command>>{
           BrokerCommands(),
           StatusCommands(),
           DoctorCommands(),
           GroupCommands(),
           ChannelCommands(),
           PolicyCommands(),
           WatchCommands(),
           DrainCommands(),
           ClientCommands(),
           AuthCommands(),
           ConfigCommands(),
           ReferenceCommands(&Commands),
       }) {
    for (Command& command : family) all.push_back(std::move(command));
  }
  return all;
}

}  // namespace

const std::vector<Command>& Commands() {
  static const std::vector<Command>& commands =
      *new std::vector<Command>(MakeCommands());
  return commands;
}

}  // namespace rmq::cmctl
