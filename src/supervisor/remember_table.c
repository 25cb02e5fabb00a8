/* The results that a component remembers: found by caller and sequence, forgotten by age, number
 * and size. */
#include "supervisor/remember_state.h"

enum { BUCKETS_MIN = 16 };

/* FNV-1a. Callers are known (tokens, components of the application), so nobody gains by collisions.
 */
static uint32_t hash_name(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    }
    return hash;
}

static uint32_t hash_entry(const char *name, uint64_t sequence)
{
    uint64_t mixed = (sequence + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return hash_name(name) ^ (uint32_t)(mixed >> 32);
}

static struct iso_sv_memory_caller *find_caller(const struct iso_sv_memory *memory,
                                                const char *name)
{
    if (memory->bucket_count == 0) {
        return NULL;
    }
    struct iso_sv_memory_caller *caller =
        memory->callers[hash_name(name) & (memory->bucket_count - 1)];
    while (caller != NULL && strcmp(caller->name, name) != 0) {
        caller = caller->next;
    }
    return caller;
}

struct iso_sv_memory_entry *iso_sv_memory_find(const struct iso_sv_memory *memory,
                                               const struct iso_sv_call_id *id)
{
    if (memory->bucket_count == 0) {
        return NULL;
    }
    struct iso_sv_memory_entry *entry =
        memory->buckets[hash_entry(id->caller, id->sequence) & (memory->bucket_count - 1)];
    while (entry != NULL && (entry->superseded || entry->sequence != id->sequence ||
                             strcmp(entry->caller->name, id->caller) != 0)) {
        entry = entry->next;
    }
    return entry;
}

/* ---- Growing -----------------------------------------------------------------------------------
 */

static bool grow(struct iso_sv_memory *memory)
{
    uint32_t count = memory->bucket_count != 0 ? memory->bucket_count * 2 : BUCKETS_MIN;
    struct iso_sv_memory_entry **buckets = iso_alloc_array(memory->alloc, count, sizeof *buckets);
    struct iso_sv_memory_caller **callers = iso_alloc_array(memory->alloc, count, sizeof *callers);
    if (buckets == NULL || callers == NULL) {
        iso_alloc_free(memory->alloc, buckets, count * sizeof *buckets);
        iso_alloc_free(memory->alloc, callers, count * sizeof *callers);
        return false;
    }
    for (uint32_t i = 0; i < memory->bucket_count; i++) {
        for (struct iso_sv_memory_entry *entry = memory->buckets[i], *next; entry != NULL;
             entry = next) {
            next = entry->next;
            uint32_t at = hash_entry(entry->caller->name, entry->sequence) & (count - 1);
            entry->next = buckets[at];
            buckets[at] = entry;
        }
        for (struct iso_sv_memory_caller *caller = memory->callers[i], *next; caller != NULL;
             caller = next) {
            next = caller->next;
            uint32_t at = hash_name(caller->name) & (count - 1);
            caller->next = callers[at];
            callers[at] = caller;
        }
    }
    iso_alloc_free(memory->alloc, memory->buckets, memory->bucket_count * sizeof *buckets);
    iso_alloc_free(memory->alloc, memory->callers, memory->bucket_count * sizeof *callers);
    memory->buckets = buckets;
    memory->callers = callers;
    memory->bucket_count = count;
    return true;
}

static struct iso_sv_memory_caller *get_caller(struct iso_sv_memory *memory, const char *name)
{
    struct iso_sv_memory_caller *caller = find_caller(memory, name);
    if (caller == NULL && memory->caller_count < ISO_SV_REMEMBER_CALLERS) {
        caller = iso_alloc_new(memory->alloc, sizeof *caller);
        if (caller != NULL) {
            struct iso_sv_memory_caller **bucket =
                &memory->callers[hash_name(name) & (memory->bucket_count - 1)];
            (void)iso_format(caller->name, sizeof caller->name, "%s", name);
            caller->next = *bucket;
            *bucket = caller;
            memory->caller_count++;
        }
    }
    return caller;
}

static void drop_caller(struct iso_sv_memory *memory, struct iso_sv_memory_caller *caller)
{
    struct iso_sv_memory_caller **link =
        &memory->callers[hash_name(caller->name) & (memory->bucket_count - 1)];
    while (*link != caller) {
        link = &(*link)->next;
    }
    *link = caller->next;
    memory->caller_count--;
    iso_alloc_free(memory->alloc, caller, sizeof *caller);
}

/* ---- Entries -----------------------------------------------------------------------------------
 */

struct iso_sv_memory_entry *iso_sv_memory_add(struct iso_sv_memory *memory,
                                              const struct iso_sv_call_id *id)
{
    /* Room, at the cost of the oldest that is finished. */
    while (memory->oldest != NULL && (memory->entry_count >= ISO_SV_REMEMBER_ENTRIES ||
                                      (memory->caller_count >= ISO_SV_REMEMBER_CALLERS &&
                                       find_caller(memory, id->caller) == NULL))) {
        iso_sv_memory_remove(memory->oldest);
    }
    if (memory->entry_count >= ISO_SV_REMEMBER_ENTRIES ||
        (memory->entry_count >= memory->bucket_count && !grow(memory))) {
        return NULL;
    }
    struct iso_sv_memory_caller *caller = get_caller(memory, id->caller);
    struct iso_sv_memory_entry *entry =
        caller != NULL ? iso_alloc_new(memory->alloc, sizeof *entry) : NULL;
    if (entry == NULL) {
        if (caller != NULL && caller->count == 0) {
            drop_caller(memory, caller);
        }
        return NULL;
    }
    struct iso_sv_memory_entry **bucket =
        &memory->buckets[hash_entry(id->caller, id->sequence) & (memory->bucket_count - 1)];
    entry->memory = memory;
    entry->caller = caller;
    entry->sequence = id->sequence;
    entry->waiters_tail = &entry->waiters;
    entry->next = *bucket;
    *bucket = entry;
    caller->count++;
    memory->entry_count++;
    memory->running_count++;
    entry->next_running = memory->running;
    if (memory->running != NULL) {
        memory->running->prev_running = entry;
    }
    memory->running = entry;
    return entry;
}

static void unlink_running(struct iso_sv_memory_entry *entry)
{
    struct iso_sv_memory *memory = entry->memory;
    if (entry->prev_running != NULL) {
        entry->prev_running->next_running = entry->next_running;
    } else {
        memory->running = entry->next_running;
    }
    if (entry->next_running != NULL) {
        entry->next_running->prev_running = entry->prev_running;
    }
    memory->running_count--;
}

static void unlink_finished(struct iso_sv_memory_entry *entry)
{
    struct iso_sv_memory *memory = entry->memory;
    struct iso_sv_memory_caller *caller = entry->caller;
    *(entry->older != NULL ? &entry->older->newer : &memory->oldest) = entry->newer;
    *(entry->newer != NULL ? &entry->newer->older : &memory->newest) = entry->older;
    *(entry->caller_older != NULL ? &entry->caller_older->caller_newer : &caller->oldest) =
        entry->caller_newer;
    *(entry->caller_newer != NULL ? &entry->caller_newer->caller_older : &caller->newest) =
        entry->caller_older;
}

static void drop_result(struct iso_sv_memory_entry *entry)
{
    struct iso_sv_memory *memory = entry->memory;
    memory->bytes -= entry->reply_len;
    iso_alloc_free(memory->alloc, entry->reply, entry->reply_len);
    entry->reply = NULL;
    entry->reply_len = 0;
    if (entry->text != NULL) {
        iso_alloc_free(memory->alloc, entry->text, strlen(entry->text) + 1);
        entry->text = NULL;
    }
}

void iso_sv_memory_finish(struct iso_sv_memory_entry *entry, uint64_t now_ns)
{
    struct iso_sv_memory *memory = entry->memory;
    struct iso_sv_memory_caller *caller = entry->caller;
    unlink_running(entry);
    entry->running = NULL;
    entry->finished_ns = now_ns;
    entry->serial = ++memory->mark;
    entry->older = memory->newest;
    *(memory->newest != NULL ? &memory->newest->newer : &memory->oldest) = entry;
    memory->newest = entry;
    entry->caller_older = caller->newest;
    *(caller->newest != NULL ? &caller->newest->caller_newer : &caller->oldest) = entry;
    caller->newest = entry;
    if (caller->count > ISO_SV_REMEMBER_PER_CALLER) {
        iso_sv_memory_remove(caller->oldest);
    }
}

void iso_sv_memory_remove(struct iso_sv_memory_entry *entry)
{
    struct iso_sv_memory *memory = entry->memory;
    struct iso_sv_memory_caller *caller = entry->caller;
    struct iso_sv_memory_entry **link =
        &memory->buckets[hash_entry(caller->name, entry->sequence) & (memory->bucket_count - 1)];
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    entry->running != NULL ? unlink_running(entry) : unlink_finished(entry);
    drop_result(entry);
    memory->entry_count--;
    if (--caller->count == 0) {
        drop_caller(memory, caller);
    }
    iso_alloc_free(memory->alloc, entry, sizeof *entry);
}

void iso_sv_memory_set(struct iso_sv_memory_entry *entry, enum iso_sv_outcome outcome,
                       enum iso_sv_encoding encoding, struct iso_bytes reply, struct iso_str text)
{
    struct iso_sv_memory *memory = entry->memory;
    entry->outcome = outcome;
    entry->encoding = encoding;
    entry->lost = reply.len > ISO_SV_REMEMBER_BYTES / 2;
    /* The replies of older ones go first; that they were executed is still known. */
    for (struct iso_sv_memory_entry *old = memory->oldest;
         old != NULL && !entry->lost && memory->bytes > ISO_SV_REMEMBER_BYTES - reply.len;
         old = old->newer) {
        old->lost = old->lost || old->reply_len > 0;
        drop_result(old);
    }
    entry->lost = entry->lost || memory->bytes > ISO_SV_REMEMBER_BYTES - reply.len;
    if (!entry->lost && reply.len > 0) {
        entry->reply = iso_alloc_resize(memory->alloc, NULL, 0, reply.len);
        entry->lost = entry->reply == NULL;
    }
    if (!entry->lost) {
        iso_memory_copy(entry->reply, reply.ptr, reply.len);
        entry->reply_len = reply.len;
        memory->bytes += reply.len;
    }
    if (text.len > 0) {
        entry->text = iso_alloc_new(memory->alloc, text.len + 1);
        if (entry->text != NULL) {
            memcpy(entry->text, text.ptr, text.len);
        }
    }
}

void iso_sv_memory_expire(struct iso_sv_memory *memory, uint64_t now_ns)
{
    while (memory->oldest != NULL && now_ns >= memory->oldest->finished_ns + ISO_SV_REMEMBER_NS) {
        iso_sv_memory_remove(memory->oldest);
    }
}
