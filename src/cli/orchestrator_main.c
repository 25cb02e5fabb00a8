/* The program `isomer-orchestrator`, which `isomer orchestrator` starts. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return iso_cli_command_orchestrator.run(&iso_cli_command_orchestrator, argc, argv);
}
