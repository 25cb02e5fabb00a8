/* Fuzz target `wit`: any bytes as WIT text. What is accepted is printed, and the printed text must
 * be accepted and print the same. */
#include "harness.h"
#include "target.h"

#include "interface/interface.h"

static enum iso_err parse(struct iso_bytes text, struct iso_wit *out, struct iso_report *report)
{
    const struct iso_wit_source source = {.name = "fuzz.wit", .text = text};

    iso_report_init(report);
    return iso_wit_parse(iso_alloc_libc(), &source, 1, out, report);
}

static void print(const struct iso_wit *wit, struct iso_buf *out)
{
    enum iso_err err = iso_wit_print(wit, out);

    if (err != ISO_OK) {
        fuzz_fail("not printed: %s", iso_err_name(err));
    }
}

/* Texts may grow beyond the limits when printed: names of others are written out. */
static void check_round_trip(const struct iso_wit *wit)
{
    struct iso_buf first, second;
    struct iso_wit again;
    struct iso_report report;

    iso_buf_init(&first, iso_alloc_libc(), SIZE_MAX);
    iso_buf_init(&second, iso_alloc_libc(), SIZE_MAX);
    print(wit, &first);
    enum iso_err err = parse(iso_buf_view(&first), &again, &report);
    if (err == ISO_OK) {
        print(&again, &second);
        if (!iso_bytes_equal(iso_buf_view(&first), iso_buf_view(&second))) {
            fuzz_fail("printed again it differs:\n%.*s\n%.*s", (int)first.len,
                      (const char *)first.ptr, (int)second.len, (const char *)second.ptr);
        }
    } else if (err != ISO_E_LIMIT) {
        fuzz_fail("the printed text is refused: %s\n%.*s", report.text, (int)first.len,
                  (const char *)first.ptr);
    }
    iso_wit_fini(&again);
    iso_buf_fini(&first);
    iso_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct iso_wit wit;
    struct iso_report report;

    enum iso_err err = parse(iso_bytes_from(data, len), &wit, &report);
    if (err == ISO_OK) {
        check_round_trip(&wit);
    } else if (err != ISO_E_MALFORMED && err != ISO_E_INVALID && err != ISO_E_UNSUPPORTED &&
               err != ISO_E_LIMIT) {
        fuzz_fail("refused with %s", iso_err_name(err));
    } else if (!report.set) {
        fuzz_fail("refused without a reason (%s)", iso_err_name(err));
    }
    iso_wit_fini(&wit);
    return 0;
}
