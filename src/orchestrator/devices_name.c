/* devices_name.c - texts in which supervisors name devices by their ids, as people read them here.
 */
#include "orchestrator/devices.h"

#include "daemon/state.h"

enum { ID_LEN = ISO_STATE_ID_SIZE - 1 };

static bool is_of_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The device whose id stands at `at` and is no part of a longer word; NULL. */
static const struct iso_or_device *device_at(const struct iso_or_devices *devices,
                                             struct iso_str text, size_t at)
{
    size_t len = 0;
    if (at > 0 && is_of_id(text.ptr[at - 1])) {
        return NULL;
    }
    while (at + len < text.len && len <= ID_LEN && is_of_id(text.ptr[at + len])) {
        len++;
    }
    const struct iso_str id = iso_str_from(text.ptr + at, len);
    const struct iso_or_device *device = len == ID_LEN ? iso_or_devices_find(devices, id) : NULL;
    return device != NULL && iso_str_equal_z(id, device->id) ? device : NULL;
}

bool iso_or_devices_name(const struct iso_or_devices *devices, struct iso_str text,
                         struct iso_buf *out)
{
    const size_t before = out->len;
    size_t from = 0;
    enum iso_err err = ISO_OK;
    for (size_t at = 0; err == ISO_OK && at < text.len; at++) {
        const struct iso_or_device *device = device_at(devices, text, at);
        if (device != NULL) {
            err = iso_buf_append(out, text.ptr + from, at - from);
            err = err != ISO_OK ? err : iso_buf_append(out, device->name, strlen(device->name));
            from = at + ID_LEN;
            at = from - 1;
        }
    }
    if (err == ISO_OK && from != 0) {
        err = iso_buf_append(out, text.ptr + from, text.len - from);
    }
    if (err != ISO_OK || from == 0) {
        out->len = before;
        return false;
    }
    return true;
}
