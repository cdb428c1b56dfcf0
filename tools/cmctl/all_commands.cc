#include <utility>
#include <vector>

#include "tools/cmctl/auth_commands.h"
#include "tools/cmctl/client_commands.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/commands.h"
#include "tools/cmctl/drain_command.h"
#include "tools/cmctl/watch_command.h"

namespace rmq::cmctl {
namespace {

std::vector<Command> MakeCommands() {
  std::vector<Command> all;
  for (std::vector<Command>& family : std::vector<std::vector<Command>>{
           LookUpCommands(),
           WatchCommands(),
           DrainCommands(),
           ClientCommands(),
           AuthCommands(),
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
