/* devices_remove.c - a device is given back: it belongs to nobody, our token is withdrawn there,
 * and it is forgotten here. */
#include "orchestrator/devices_op.h"

#include "base/format.h"

static enum iso_err forget(struct iso_or_op *op)
{
    struct iso_or_devices *devices = op->devices;
    struct iso_or_entry *entry = iso_or_entry_find(devices, iso_str_from_z(op->id));
    if (entry == NULL) {
        return ISO_OK; /* somebody else was quicker */
    }
    const enum iso_err err =
        iso_or_store_device_remove(devices->store, iso_str_from_z(op->id), &op->report);
    if (err == ISO_OK) {
        iso_or_entry_event(entry, "device-removed", entry->device.address);
        iso_or_entry_tell(entry, true);
        iso_or_entry_remove(entry);
    }
    return err;
}

/* Before anything is asked of the device: a store that cannot be written to (a full disk) ends it
 * here, with nothing done. What is forgotten whatever the device says is forgotten now; else the
 * device stays until it has been given back, and its row is written as it is. */
static enum iso_err record(struct iso_or_op *op)
{
    if (op->forget) {
        return forget(op);
    }
    return iso_or_entry_keep(iso_or_entry_find(op->devices, iso_str_from_z(op->id)), &op->report);
}

/* Withdrawing a token ends what is open with it, perhaps this very request: whatever came back, it
 * has been tried. */
static enum iso_err on_withdrawn(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    (void)answer;
    iso_or_op_end(op, forget(op));
    return ISO_OK;
}

static enum iso_err on_disowned(struct iso_or_op *op, const struct iso_http_client_answer *answer)
{
    if (!iso_or_ask_answered(answer) && !op->forget) {
        return iso_or_op_refused(op, "it cannot be given back; it can be forgotten here", answer);
    }
    /* Of the answers that refuse, all say that it is not ours any more, or never knew owners. */
    if (iso_or_ask_answered(answer) && answer->status >= 500 && !op->forget) {
        return iso_or_op_refused(op, "it cannot be given back", answer);
    }
    if (!iso_or_ask_answered(answer) || answer->status == 401 ||
        iso_or_op_withdraw(op, on_withdrawn) != ISO_OK) {
        iso_or_op_end(op, forget(op));
    }
    return ISO_OK;
}

static void begin(struct iso_or_op *op)
{
    const struct iso_str given = iso_str_from_z(op->given);
    const struct iso_or_device *device = iso_or_devices_find(op->devices, given);
    if (device == NULL) {
        iso_or_op_end(op,
                      iso_fail(&op->report, ISO_E_NOT_FOUND, "no device is called %s", op->given));
        return;
    }
    memcpy(op->id, device->id, sizeof op->id);
    if (!iso_or_devices_reach(op->devices, iso_str_from_z(op->id), &op->target)) {
        const enum iso_err unseen =
            op->forget ? forget(op)
                       : iso_fail(&op->report, ISO_E_IO,
                                  "it cannot be given back; it can be forgotten here: it does not "
                                  "answer at %s",
                                  device->address);
        iso_or_op_end(op, unseen);
        return;
    }
    enum iso_err err = record(op);
    if (err == ISO_OK) {
        err = iso_or_op_ask(op, "DELETE", "/v1/owner", iso_bytes_from(NULL, 0), false, on_disowned);
    }
    if (err != ISO_OK) {
        iso_or_op_end(op, err);
    }
}

enum iso_err iso_or_devices_remove(struct iso_or_devices *devices, struct iso_str id, bool forget,
                                   iso_or_device_done done, void *ctx)
{
    struct iso_or_op *op = iso_or_op_new(devices, done, ctx, begin);
    if (op == NULL) {
        return ISO_E_NOMEM;
    }
    (void)iso_format(op->given, sizeof op->given, "%.*s", (int)id.len, id.ptr);
    op->forget = forget;
    return ISO_OK;
}
