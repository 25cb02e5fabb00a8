/* Exit statuses. */
#include "cli/status.h"

int iso_cli_status_from(enum iso_err err)
{
    switch (err) {
    case ISO_OK:
        return ISO_CLI_OK;
    case ISO_E_NOMEM:
        return ISO_CLI_SYSTEM;
    case ISO_E_ARGUMENT:
        return ISO_CLI_USAGE;
    case ISO_E_MALFORMED:
    case ISO_E_INVALID:
    case ISO_E_UNSUPPORTED:
        return ISO_CLI_INVALID;
    case ISO_E_LIMIT:
        return ISO_CLI_LIMIT;
    case ISO_E_LINK:
        return ISO_CLI_UNLINKABLE;
    case ISO_E_TRAP:
        return ISO_CLI_TRAP;
    case ISO_E_SNAPSHOT:
    case ISO_E_REFUSED:
        return ISO_CLI_SNAPSHOT_REFUSED;
    case ISO_E_NOT_FOUND:
    case ISO_E_ACCESS:
        return ISO_CLI_UNREADABLE;
    case ISO_E_IO:
    case ISO_E_EXISTS:
        return ISO_CLI_IO;
    case ISO_E_STATE:
    case ISO_E_PENDING:
        break;
    }
    return ISO_CLI_INTERNAL;
}

int iso_cli_status_of_program(uint32_t status)
{
    return status > 255 ? 255 : (int)status;
}

void iso_cli_status_print(FILE *out)
{
    static const struct {
        int number;
        const char *meaning;
    } table[] = {
#define ISO_CLI_STATUS(name, number, meaning) {number, meaning},
#include "cli/status.def"
#undef ISO_CLI_STATUS
    };
    for (size_t i = 0; i < ISO_COUNT_OF(table); i++) {
        fprintf(out, "  %3d  %s\n", table[i].number, table[i].meaning);
    }
}
