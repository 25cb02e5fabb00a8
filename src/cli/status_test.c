/* Exit statuses: each error has one, and no two reasons share a number. */
#include "cli/status.h"

#include "base/test.h"

TEST(no_number_is_given_twice)
{
    static const int numbers[] = {
#define ISO_CLI_STATUS(name, number, meaning) number,
#include "cli/status.def"
#undef ISO_CLI_STATUS
    };
    for (size_t i = 1; i < ISO_COUNT_OF(numbers); i++) {
        CHECK(numbers[i] > numbers[i - 1]);
        CHECK(numbers[i] < 256);
    }
}

TEST(every_error_has_a_status_of_the_table)
{
    for (int err = ISO_OK; err <= ISO_E_PENDING; err++) {
        int status = iso_cli_status_from((enum iso_err)err);
        bool known = false;
#define ISO_CLI_STATUS(name, number, meaning) known = known || status == number;
#include "cli/status.def"
#undef ISO_CLI_STATUS
        CHECK(known);
        CHECK((status == ISO_CLI_OK) == (err == ISO_OK));
    }
}

TEST(statuses_of_programs)
{
    CHECK_EQ_I64(iso_cli_status_of_program(0), 0);
    CHECK_EQ_I64(iso_cli_status_of_program(255), 255);
    CHECK_EQ_I64(iso_cli_status_of_program(256), 255);
    CHECK_EQ_I64(iso_cli_status_of_program(UINT32_MAX), 255);
}
