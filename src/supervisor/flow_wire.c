/* Messages and outcomes of flows as CBOR (RFC 8949): docs/deployment.md, "On the wire". */
#include "supervisor/flow.h"
#include "supervisor/item.h"

enum { VERSION = 1, MESSAGE_FIELDS = 10, OUTCOME_FIELDS = 5 };

static uint32_t take_u32(struct iso_sv_items *items)
{
    uint64_t value = iso_sv_items_u64(items);
    if (value > UINT32_MAX) {
        items->bad = true;
    }
    return (uint32_t)value;
}

/* The head of the array and the version in it. */
static enum iso_err begin(struct iso_sv_items *items, size_t max, size_t *count)
{
    *count = iso_sv_items_array(items, max);
    uint64_t version = iso_sv_items_u64(items);
    if (items->bad) {
        return ISO_E_MALFORMED;
    }
    return version == VERSION ? ISO_OK : ISO_E_UNSUPPORTED;
}

enum iso_err iso_sv_flow_message_read(struct iso_bytes bytes, struct iso_sv_flow_message *out)
{
    struct iso_sv_items items = {.rest = bytes};
    size_t count = 0;
    enum iso_err err = begin(&items, MESSAGE_FIELDS + ISO_SV_FLOW_STEPS + 1, &count);
    if (err != ISO_OK) {
        return err;
    }
    *out = (struct iso_sv_flow_message){.value_count = 0};
    out->generation = iso_sv_items_u64(&items);
    out->number = iso_sv_items_u64(&items);
    out->step = take_u32(&items);
    out->attempt = take_u32(&items);
    out->age_us = iso_sv_items_u64(&items);
    out->stream = iso_sv_items_u64(&items);
    out->hop = iso_sv_items_u64(&items);
    out->base = iso_sv_items_u64(&items);
    out->mask = iso_sv_items_u64(&items);
    for (uint64_t mask = out->mask; mask != 0 && !items.bad; mask &= mask - 1) {
        if (out->value_count == ISO_SV_FLOW_STEPS + 1) {
            return ISO_E_MALFORMED;
        }
        out->values[out->value_count++] = iso_sv_items_any(&items);
    }
    return items.bad || items.rest.len != 0 || count != MESSAGE_FIELDS + out->value_count
               ? ISO_E_MALFORMED
               : ISO_OK;
}

/* What goes before the values; they take their place as they are. */
static enum iso_err write_numbers(const uint64_t *numbers, size_t count, struct iso_buf *out)
{
    enum iso_err err = ISO_OK;
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        err = iso_sv_item_u64(out, numbers[i]);
    }
    return err;
}

/* An item that is already written; null in the place of none. */
static enum iso_err write_item(struct iso_bytes item, struct iso_buf *out)
{
    return item.len > 0 ? iso_buf_append(out, item.ptr, item.len) : iso_sv_item_null(out);
}

enum iso_err iso_sv_flow_message_write(const struct iso_sv_flow_message *message,
                                       struct iso_buf *out)
{
    const uint64_t numbers[MESSAGE_FIELDS] = {
        VERSION,         message->generation, message->number, message->step, message->attempt,
        message->age_us, message->stream,     message->hop,    message->base, message->mask};
    size_t total = 0;
    for (uint32_t i = 0; i < message->value_count; i++) {
        total += message->values[i].len + 1;
    }
    enum iso_err err = iso_buf_reserve(out, total + 9 * (MESSAGE_FIELDS + 1));
    if (err == ISO_OK) {
        err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, MESSAGE_FIELDS + message->value_count);
    }
    if (err == ISO_OK) {
        err = write_numbers(numbers, MESSAGE_FIELDS, out);
    }
    for (uint32_t i = 0; i < message->value_count && err == ISO_OK; i++) {
        err = write_item(message->values[i], out);
    }
    return err;
}

static void read_outcome(struct iso_sv_items *items, struct iso_sv_flow_outcome *out)
{
    if (iso_sv_items_array(items, OUTCOME_FIELDS) != OUTCOME_FIELDS) {
        items->bad = true;
    }
    out->number = iso_sv_items_u64(items);
    uint64_t end = iso_sv_items_u64(items);
    if (end > ISO_SV_FLOW_DROPPED) {
        items->bad = true;
    }
    out->end = (enum iso_sv_flow_end)(end % (ISO_SV_FLOW_DROPPED + 1));
    out->step = take_u32(items);
    out->text = iso_sv_items_text(items, ISO_SV_FLOW_TEXT);
    out->result = iso_sv_items_any(items);
    if (out->result.len == 1 && out->result.ptr[0] == 0xf6) {
        out->result = iso_bytes_from(NULL, 0);
    }
}

enum iso_err iso_sv_flow_outcomes_read(struct iso_bytes bytes, uint64_t *generation,
                                       struct iso_sv_flow_outcome outcomes[ISO_SV_FLOW_OUTCOMES],
                                       size_t *count)
{
    struct iso_sv_items items = {.rest = bytes};
    size_t fields = 0;
    enum iso_err err = begin(&items, 3, &fields);
    if (err != ISO_OK) {
        return err;
    }
    *generation = iso_sv_items_u64(&items);
    size_t found = iso_sv_items_array(&items, ISO_SV_FLOW_OUTCOMES);
    for (size_t i = 0; i < found && !items.bad; i++) {
        read_outcome(&items, &outcomes[i]);
    }
    if (items.bad || items.rest.len != 0 || fields != 3) {
        return ISO_E_MALFORMED;
    }
    *count = found;
    return ISO_OK;
}

enum iso_err iso_sv_flow_outcomes_write(uint64_t generation,
                                        const struct iso_sv_flow_outcome *outcomes, size_t count,
                                        struct iso_buf *out)
{
    const uint64_t head[] = {VERSION, generation};
    enum iso_err err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, 3);
    if (err == ISO_OK) {
        err = write_numbers(head, ISO_COUNT_OF(head), out);
    }
    if (err == ISO_OK) {
        err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, count);
    }
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        const uint64_t numbers[] = {outcomes[i].number, outcomes[i].end, outcomes[i].step};
        err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, OUTCOME_FIELDS);
        if (err == ISO_OK) {
            err = write_numbers(numbers, ISO_COUNT_OF(numbers), out);
        }
        if (err == ISO_OK) {
            err = iso_sv_item_text(out, outcomes[i].text);
        }
        if (err == ISO_OK) {
            err = write_item(outcomes[i].result, out);
        }
    }
    return err;
}
