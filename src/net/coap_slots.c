/* Numbers for objects: an index and the generation of its slot. */
#include "net/coap_slots.h"

void iso_coap_slots_init(struct iso_coap_slots *slots, const struct iso_alloc *alloc, uint32_t max)
{
    *slots = (struct iso_coap_slots){.alloc = alloc, .max = max};
}

void iso_coap_slots_fini(struct iso_coap_slots *slots)
{
    iso_alloc_free(slots->alloc, slots->slots, slots->capacity * sizeof(slots->slots[0]));
    slots->slots = NULL;
    slots->capacity = 0;
}

static enum iso_err grow(struct iso_coap_slots *slots)
{
    uint32_t capacity = slots->capacity < 16 ? 16 : slots->capacity * 2;
    if (capacity > slots->max) {
        capacity = slots->max;
    }
    if (capacity <= slots->capacity) {
        return ISO_E_LIMIT;
    }
    void *grown =
        iso_alloc_resize(slots->alloc, slots->slots, slots->capacity * sizeof(slots->slots[0]),
                         capacity * sizeof(slots->slots[0]));
    if (grown == NULL) {
        return ISO_E_NOMEM;
    }
    slots->slots = grown;
    slots->capacity = capacity;
    return ISO_OK;
}

enum iso_err iso_coap_slots_add(struct iso_coap_slots *slots, void *object, uint64_t *out)
{
    if (slots->used >= slots->max) {
        return ISO_E_LIMIT;
    }
    uint32_t index;
    if (slots->first_free != 0) {
        index = slots->first_free - 1;
        slots->first_free = slots->slots[index].next_free;
    } else {
        if (slots->fresh == slots->capacity) {
            enum iso_err err = grow(slots);
            if (err != ISO_OK) {
                return err;
            }
        }
        index = slots->fresh++;
        slots->slots[index].generation = 0;
    }
    struct iso_coap_slot *slot = &slots->slots[index];
    slot->object = object;
    slot->generation++;
    slots->used++;
    *out = (uint64_t)slot->generation << 32 | (index + 1);
    return ISO_OK;
}

static struct iso_coap_slot *find(const struct iso_coap_slots *slots, uint64_t id)
{
    uint32_t number = (uint32_t)id;
    if (number == 0 || number > slots->fresh) {
        return NULL;
    }
    struct iso_coap_slot *slot = &slots->slots[number - 1];
    return slot->object != NULL && slot->generation == (uint32_t)(id >> 32) ? slot : NULL;
}

void *iso_coap_slots_get(const struct iso_coap_slots *slots, uint64_t id)
{
    const struct iso_coap_slot *slot = find(slots, id);
    return slot != NULL ? slot->object : NULL;
}

void iso_coap_slots_remove(struct iso_coap_slots *slots, uint64_t id)
{
    struct iso_coap_slot *slot = find(slots, id);
    ISO_ASSERT(slot != NULL);
    slot->object = NULL;
    slots->used--;
    /* A slot whose generations are used up is left alone. */
    if (slot->generation != UINT32_MAX) {
        slot->next_free = slots->first_free;
        slots->first_free = (uint32_t)id;
    }
}
