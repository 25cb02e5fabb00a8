/* The program `isomer-supervisor`, which `isomer supervisor` starts. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return iso_cli_command_supervisor.run(&iso_cli_command_supervisor, argc, argv);
}
