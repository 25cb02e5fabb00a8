/* Names and texts of the error codes, generated from err.def. */
#include "base/err.h"

#include "base/macros.h"

#include <stddef.h>

struct err_row {
    const char *name;
    const char *text;
};

static const struct err_row err_rows[] = {
#define ISO_ERR(name, text) {#name, text},
#include "base/err.def"
#undef ISO_ERR
};

static const struct err_row err_unknown = {"ISO_E_?", "unknown error"};

static const struct err_row *err_row_of(enum iso_err err)
{
    size_t index = (size_t)err;
    return index < ISO_COUNT_OF(err_rows) ? &err_rows[index] : &err_unknown;
}

const char *iso_err_name(enum iso_err err)
{
    return err_row_of(err)->name;
}

const char *iso_err_text(enum iso_err err)
{
    return err_row_of(err)->text;
}
