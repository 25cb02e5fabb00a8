/* Outcomes of calls as CoAP codes (RFC 7252, section 5.9; RFC 8132, section 2; RFC 8516), and back:
 * the table of docs/internals/links.md. */
#include "supervisor/peers.h"

static const uint8_t codes[ISO_SV_OUTCOME_COUNT] = {
    [ISO_SV_DONE] = ISO_COAP_CODE(2, 4),        [ISO_SV_ERROR] = ISO_COAP_CODE(4, 22),
    [ISO_SV_ARGUMENT] = ISO_COAP_CODE(4, 0),    [ISO_SV_TRAP] = ISO_COAP_CODE(5, 0),
    [ISO_SV_BUSY] = ISO_COAP_CODE(4, 29),       [ISO_SV_LIMIT] = ISO_COAP_CODE(5, 3),
    [ISO_SV_MOVED] = ISO_COAP_CODE(4, 9),       [ISO_SV_NOT_FOUND] = ISO_COAP_CODE(4, 4),
    [ISO_SV_GONE] = ISO_COAP_CODE(5, 3),        [ISO_SV_DEADLOCK] = ISO_COAP_CODE(5, 8),
    [ISO_SV_UNREACHABLE] = ISO_COAP_CODE(5, 2), [ISO_SV_UNKNOWN] = ISO_COAP_CODE(5, 4),
};

uint8_t iso_sv_outcome_to_code(enum iso_sv_outcome outcome)
{
    return (size_t)outcome < ISO_COUNT_OF(codes) ? codes[outcome] : ISO_COAP_CODE(5, 0);
}

static bool begins_with(struct iso_str text, const char *name)
{
    size_t len = strlen(name);
    return text.len > len && memcmp(text.ptr, name, len) == 0 && text.ptr[len] == ':';
}

enum iso_sv_outcome iso_sv_outcome_from_code(uint8_t code, struct iso_str text, bool *again)
{
    *again = false;
    for (unsigned i = 0; i < ISO_SV_OUTCOME_COUNT; i++) {
        enum iso_sv_outcome outcome = (enum iso_sv_outcome)i;
        if (codes[i] == code &&
            (code != ISO_COAP_CODE(5, 3) || begins_with(text, iso_sv_outcome_name(outcome)))) {
            *again = outcome == ISO_SV_MOVED;
            return outcome;
        }
    }
    if (code == ISO_COAP_CODE(5, 3)) {
        *again = true; /* not yet: the callee's generation has not been committed, or no room */
        return ISO_SV_UNREACHABLE;
    }
    if (ISO_COAP_CODE_CLASS(code) == 2) {
        return ISO_SV_DONE;
    }
    /* What was refused before it could run: unauthorized, forbidden, too large, ... */
    return ISO_COAP_CODE_CLASS(code) == 4 ? ISO_SV_NOT_FOUND : ISO_SV_UNKNOWN;
}
