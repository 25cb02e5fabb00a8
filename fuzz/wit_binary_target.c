/* Fuzz target `wit_binary`: any bytes as the contents of a component-type section. A world that is
 * decoded must print as text that parses. Inputs that do not begin like a component get such a
 * beginning, or the fuzzer would be busy with it. */
#include "harness.h"
#include "target.h"

#include "interface/interface.h"

#include <string.h>

static void check(struct iso_bytes section)
{
    struct iso_wit wit, again;
    struct iso_report report;
    struct iso_buf text;

    iso_report_init(&report);
    enum iso_err err = iso_wit_decode(iso_alloc_libc(), section, &wit, &report);
    if (err == ISO_OK) {
        iso_buf_init(&text, iso_alloc_libc(), SIZE_MAX);
        err = iso_wit_print(&wit, &text);
        if (err != ISO_OK) {
            fuzz_fail("not printed: %s", iso_err_name(err));
        }
        const struct iso_wit_source source = {.name = "fuzz.wit", .text = iso_buf_view(&text)};
        err = iso_wit_parse(iso_alloc_libc(), &source, 1, &again, &report);
        if (err != ISO_OK && err != ISO_E_LIMIT) {
            fuzz_fail("the printed text is refused: %s\n%.*s", report.text, (int)text.len,
                      (const char *)text.ptr);
        }
        iso_wit_fini(&again);
        iso_buf_fini(&text);
    } else if (err != ISO_E_MALFORMED && err != ISO_E_INVALID && err != ISO_E_UNSUPPORTED &&
               err != ISO_E_LIMIT) {
        fuzz_fail("refused with %s", iso_err_name(err));
    } else if (!report.set) {
        fuzz_fail("refused without a reason (%s)", iso_err_name(err));
    }
    iso_wit_fini(&wit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t header[] = "\0asm\x0d\0\1\0\0\x19\x16wit-component-encoding\4";
    uint8_t with_header[8192];
    size_t header_len = sizeof header; /* with the closing zero: the encoding, UTF-8 */

    check(iso_bytes_from(data, len));
    if (len <= sizeof with_header - header_len) {
        memcpy(with_header, header, header_len);
        iso_memory_copy(with_header + header_len, data, len);
        check(iso_bytes_from(with_header, header_len + len));
    }
    return 0;
}
