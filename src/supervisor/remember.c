/* At most once: calls with an identity, and what is remembered of them. */
#include "supervisor/remember_state.h"

#include "supervisor/item.h"

/* ---- Life --------------------------------------------------------------------------------------
 */

struct iso_sv_memory *iso_sv_memory_create(const struct iso_alloc *alloc, uint64_t (*clock)(void))
{
    struct iso_sv_memory *memory = iso_alloc_new(alloc, sizeof *memory);
    if (memory != NULL) {
        memory->alloc = alloc;
        memory->mark = 1;
        memory->clock = clock != NULL ? clock : uv_hrtime;
    }
    return memory;
}

static void free_memory(struct iso_sv_memory *memory)
{
    iso_alloc_free(memory->alloc, memory->buckets, memory->bucket_count * sizeof *memory->buckets);
    iso_alloc_free(memory->alloc, memory->callers, memory->bucket_count * sizeof *memory->callers);
    iso_alloc_free(memory->alloc, memory, sizeof *memory);
}

void iso_sv_memory_destroy(struct iso_sv_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    while (memory->oldest != NULL) {
        iso_sv_memory_remove(memory->oldest);
    }
    memory->closed = true;
    if (memory->running_count == 0) {
        free_memory(memory); /* else when the last of them ends */
    }
}

/* ---- Results -----------------------------------------------------------------------------------
 */

/* Nothing ran: the same call again may try anew. */
static bool nothing_ran(enum iso_sv_outcome outcome)
{
    return outcome == ISO_SV_ARGUMENT || outcome == ISO_SV_BUSY || outcome == ISO_SV_MOVED ||
           outcome == ISO_SV_NOT_FOUND || outcome == ISO_SV_DEADLOCK ||
           outcome == ISO_SV_UNREACHABLE;
}

/* A result into a call that did not run. */
static void give(struct iso_sv_call *call, enum iso_sv_outcome outcome,
                 enum iso_sv_encoding encoding, struct iso_bytes reply, const char *text)
{
    call->outcome = outcome;
    call->reply_actual = encoding;
    iso_buf_fini(&call->reply);
    if (iso_buf_append(&call->reply, reply.ptr, reply.len) != ISO_OK) {
        call->outcome = ISO_SV_UNKNOWN;
        text = "it was executed; there is no memory for its result";
    }
    if (text != NULL && text[0] != '\0') {
        iso_report_init(&call->report);
        iso_report_set(&call->report, "%s", text);
    }
}

static void replay(const struct iso_sv_memory_entry *entry, struct iso_sv_call *call)
{
    entry->memory->replayed++;
    if (entry->lost) {
        give(call, ISO_SV_UNKNOWN, ISO_SV_JSON, iso_bytes_from(NULL, 0),
             "it was executed; its result was too large to be kept");
    } else {
        give(call, entry->outcome, entry->encoding, iso_bytes_from(entry->reply, entry->reply_len),
             entry->text);
    }
}

/* ---- Calls under way ---------------------------------------------------------------------------
 */

/* The call of an entry has ended: the result is kept, whoever waited for the same has it. */
static void settle(struct iso_sv_memory_entry *entry, struct iso_sv_call *call)
{
    struct iso_sv_memory *memory = entry->memory;
    struct iso_sv_memory_waiter *waiters = entry->waiters;
    bool keep = !entry->transient && !memory->closed;
    if (entry->relayed) {
        give(call, entry->outcome, entry->encoding, iso_bytes_from(entry->reply, entry->reply_len),
             entry->text);
        keep = false;
    }
    entry->waiters = NULL;
    if (keep && !nothing_ran(call->outcome)) {
        iso_sv_memory_set(entry, call->outcome, call->reply_actual, iso_buf_view(&call->reply),
                          iso_str_from_z(call->report.set ? call->report.text : ""));
        iso_sv_memory_finish(entry, memory->clock());
    } else {
        iso_sv_memory_remove(entry);
    }
    while (waiters != NULL) {
        struct iso_sv_memory_waiter *waiter = waiters;
        struct iso_sv_call *other = waiter->call;
        waiters = waiter->next;
        iso_alloc_free(memory->alloc, waiter, sizeof *waiter);
        give(other, call->outcome, call->reply_actual, iso_buf_view(&call->reply),
             call->report.set ? call->report.text : "");
        other->done(other);
    }
    if (memory->closed && memory->running_count == 0) {
        free_memory(memory);
    }
}

static void on_done(struct iso_sv_call *call)
{
    struct iso_sv_memory_entry *entry = call->ctx;
    bool adopted = entry->adopted;
    call->done = entry->done;
    call->ctx = entry->ctx;
    settle(entry, call);
    if (adopted) {
        iso_sv_call_destroy(call);
    } else {
        call->done(call);
    }
}

/* Wait for the call of an entry; true: it cannot, and has ended. */
static bool join(struct iso_sv_memory_entry *entry, struct iso_sv_call *call)
{
    struct iso_sv_memory *memory = entry->memory;
    struct iso_sv_memory_waiter *waiter = NULL;
    if (entry->waiter_count < ISO_SV_REMEMBER_WAITERS) {
        waiter = iso_alloc_new(memory->alloc, sizeof *waiter);
    }
    if (waiter == NULL) {
        give(call, ISO_SV_BUSY, ISO_SV_JSON, iso_bytes_from(NULL, 0),
             "too many wait for the result of the same call");
        return true;
    }
    waiter->call = call;
    *entry->waiters_tail = waiter;
    entry->waiters_tail = &waiter->next;
    entry->waiter_count++;
    memory->joined++;
    return false;
}

static struct iso_sv_memory_entry *begin(struct iso_sv_memory *memory, struct iso_sv_call *call,
                                         bool transient)
{
    struct iso_sv_memory_entry *entry = iso_sv_memory_add(memory, &call->id);
    if (entry != NULL) {
        entry->running = call;
        entry->transient = transient;
        entry->done = call->done;
        entry->ctx = call->ctx;
        call->done = on_done;
        call->ctx = entry;
    }
    return entry;
}

bool iso_sv_remember_ask(struct iso_sv_memory *memory, struct iso_sv_call *call, bool *ended)
{
    iso_sv_memory_expire(memory, memory->clock());
    struct iso_sv_memory_entry *entry = iso_sv_memory_find(memory, &call->id);
    if (entry == NULL) {
        return false;
    }
    *ended = true;
    if (entry->running != NULL) {
        *ended = join(entry, call);
    } else {
        replay(entry, call);
    }
    return true;
}

bool iso_sv_remember_start(struct iso_sv_memory *memory, struct iso_sv_call *call, bool transient,
                           struct iso_sv_component *component, uint32_t index)
{
    bool ended = false;
    if (call->id.caller[0] == '\0') {
        return iso_sv_call_start(call, component, index);
    }
    if (iso_sv_remember_ask(memory, call, &ended)) {
        return ended;
    }
    struct iso_sv_memory_entry *entry = begin(memory, call, transient);
    if (entry == NULL) {
        give(call, ISO_SV_BUSY, ISO_SV_JSON, iso_bytes_from(NULL, 0),
             "no room to remember the result");
        return true;
    }
    if (!iso_sv_call_start(call, component, index)) {
        return false;
    }
    call->done = entry->done;
    call->ctx = entry->ctx;
    settle(entry, call);
    return true;
}

/* A snapshot says what became of a call: what was known of it is over. */
static void supersede(struct iso_sv_memory *memory, const struct iso_sv_call_id *id)
{
    struct iso_sv_memory_entry *entry = iso_sv_memory_find(memory, id);
    if (entry != NULL && entry->running != NULL) {
        entry->superseded = true;
    } else if (entry != NULL) {
        iso_sv_memory_remove(entry);
    }
}

void iso_sv_remember_adopt(struct iso_sv_memory *memory, struct iso_sv_call *call)
{
    if (call->id.caller[0] == '\0') {
        return;
    }
    supersede(memory, &call->id);
    struct iso_sv_memory_entry *entry = begin(memory, call, false);
    if (entry != NULL) {
        entry->adopted = true;
    }
}

/* ---- Relaying ----------------------------------------------------------------------------------
 */

void iso_sv_remember_each(struct iso_sv_memory *memory,
                          void (*visit)(void *ctx, const struct iso_sv_call_id *id), void *ctx)
{
    for (struct iso_sv_memory_entry *entry = memory->running, *next; entry != NULL; entry = next) {
        struct iso_sv_call_id id = {.sequence = entry->sequence};
        next = entry->next_running;
        if (entry->superseded) {
            continue;
        }
        (void)iso_format(id.caller, sizeof id.caller, "%s", entry->caller->name);
        visit(ctx, &id);
    }
}

/* The call that was asked about: the one of the copy that went first. */
static struct iso_sv_memory_entry *relaying(struct iso_sv_memory *memory,
                                            const struct iso_sv_call_id *id)
{
    for (struct iso_sv_memory_entry *entry = memory->running; entry != NULL;
         entry = entry->next_running) {
        if (entry->superseded && !entry->relayed && entry->sequence == id->sequence &&
            strcmp(entry->caller->name, id->caller) == 0) {
            return entry;
        }
    }
    return iso_sv_memory_find(memory, id);
}

void iso_sv_remember_relayed(struct iso_sv_memory *memory, const struct iso_sv_call_id *id,
                             enum iso_sv_outcome outcome, enum iso_sv_encoding encoding,
                             struct iso_bytes reply, struct iso_str text)
{
    struct iso_sv_memory_entry *entry = relaying(memory, id);
    if (entry != NULL && entry->running != NULL && !entry->relayed) {
        iso_sv_memory_set(entry, outcome, encoding, reply, text);
        if (entry->lost || (outcome == ISO_SV_MOVED && entry->transient)) {
            entry->outcome = ISO_SV_UNKNOWN;
        }
        entry->relayed = true;
    }
}

/* ---- As bytes ----------------------------------------------------------------------------------
 */

enum { VERSION = 1, FIELDS = 7 };

/* [caller, sequence, age in ms, outcome, encoding, text, reply or null when it is lost] */
static enum iso_err save_entry(const struct iso_sv_memory_entry *entry, uint64_t now_ns,
                               struct iso_buf *out)
{
    const uint64_t numbers[] = {entry->sequence, (now_ns - entry->finished_ns) / 1000000,
                                entry->outcome, entry->encoding};
    enum iso_err err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, FIELDS);
    if (err == ISO_OK) {
        err = iso_sv_item_text(out, iso_str_from_z(entry->caller->name));
    }
    for (size_t i = 0; i < ISO_COUNT_OF(numbers) && err == ISO_OK; i++) {
        err = iso_sv_item_u64(out, numbers[i]);
    }
    if (err == ISO_OK) {
        err = iso_sv_item_text(out, iso_str_from_z(entry->text));
    }
    if (err == ISO_OK) {
        err = entry->lost ? iso_sv_item_null(out)
                          : iso_sv_item_bytes(out, iso_bytes_from(entry->reply, entry->reply_len));
    }
    return err;
}

uint64_t iso_sv_memory_mark(const struct iso_sv_memory *memory)
{
    return memory->mark;
}

enum iso_err iso_sv_memory_save(const struct iso_sv_memory *memory, uint64_t since,
                                struct iso_buf *out)
{
    uint64_t now_ns = memory->clock();
    size_t before = out->len;
    uint32_t count = 0;
    const struct iso_sv_memory_entry *first = NULL;
    for (const struct iso_sv_memory_entry *entry = memory->newest;
         entry != NULL && entry->serial > since; entry = entry->older) {
        first = entry;
        count++;
    }
    enum iso_err err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, 2);
    if (err == ISO_OK) {
        err = iso_sv_item_u64(out, VERSION);
    }
    if (err == ISO_OK) {
        err = iso_sv_item_head(out, ISO_SV_ITEM_ARRAY, count);
    }
    for (const struct iso_sv_memory_entry *entry = first; entry != NULL && err == ISO_OK;
         entry = entry->newer) {
        err = save_entry(entry, now_ns, out);
    }
    if (err != ISO_OK) {
        out->len = before;
    }
    return err;
}

static enum iso_err load_entry(struct iso_sv_memory *memory, struct iso_sv_items *items,
                               uint64_t now_ns)
{
    struct iso_sv_call_id id = {.sequence = 0};
    bool right = iso_sv_items_array(items, FIELDS) == FIELDS;
    struct iso_str caller = iso_sv_items_text(items, sizeof id.caller - 1);
    id.sequence = iso_sv_items_u64(items);
    uint64_t age_ms = iso_sv_items_u64(items);
    uint64_t outcome = iso_sv_items_u64(items);
    uint64_t encoding = iso_sv_items_u64(items);
    struct iso_str text = iso_sv_items_text(items, sizeof((struct iso_report *)0)->text - 1);
    bool lost = !items->bad && items->rest.len > 0 && items->rest.ptr[0] == 0xf6;
    struct iso_bytes reply =
        lost ? iso_sv_items_any(items) : iso_sv_items_bytes(items, ISO_SV_REMEMBER_BYTES / 2);
    iso_memory_copy(id.caller, caller.ptr, caller.len);
    if (items->bad || !right || caller.len == 0 || strlen(id.caller) != caller.len ||
        outcome >= ISO_SV_OUTCOME_COUNT || encoding > ISO_SV_RAW ||
        memchr(text.len > 0 ? text.ptr : "x", 0, text.len > 0 ? text.len : 1) != NULL) {
        return ISO_E_SNAPSHOT;
    }
    supersede(memory, &id);
    if (age_ms >= ISO_SV_REMEMBER_NS / 1000000) {
        return ISO_OK;
    }
    struct iso_sv_memory_entry *entry = iso_sv_memory_add(memory, &id);
    if (entry == NULL) {
        return ISO_E_NOMEM;
    }
    iso_sv_memory_set(entry, (enum iso_sv_outcome)outcome, (enum iso_sv_encoding)encoding,
                      lost ? iso_bytes_from(NULL, 0) : reply, text);
    entry->lost = entry->lost || lost;
    /* Ages only go down from entry to entry; what says otherwise is younger than it says. */
    uint64_t finished_ns = now_ns - age_ms * 1000000;
    if (age_ms * 1000000 > now_ns) {
        finished_ns = 0;
    }
    if (memory->newest != NULL && finished_ns < memory->newest->finished_ns) {
        finished_ns = memory->newest->finished_ns;
    }
    iso_sv_memory_finish(entry, finished_ns);
    return ISO_OK;
}

enum iso_err iso_sv_memory_load(struct iso_sv_memory *memory, struct iso_bytes bytes,
                                struct iso_report *report)
{
    struct iso_sv_items items = {.rest = bytes};
    size_t fields = iso_sv_items_array(&items, 2);
    uint64_t version = iso_sv_items_u64(&items);
    size_t count = iso_sv_items_array(&items, ISO_SV_REMEMBER_ENTRIES);
    enum iso_err err = items.bad || fields != 2 || version != VERSION ? ISO_E_SNAPSHOT : ISO_OK;
    uint64_t now_ns = memory->clock();
    for (size_t i = 0; i < count && err == ISO_OK; i++) {
        err = load_entry(memory, &items, now_ns);
    }
    if (err == ISO_OK && items.rest.len != 0) {
        err = ISO_E_SNAPSHOT;
    }
    if (err != ISO_OK) {
        iso_report_set(report, "the results that the component remembers are damaged");
    }
    return err;
}

void iso_sv_memory_stats(const struct iso_sv_memory *memory, struct iso_sv_memory_stats *out)
{
    *out = (struct iso_sv_memory_stats){.entries = memory->entry_count,
                                        .under_way = memory->running_count,
                                        .callers = memory->caller_count,
                                        .bytes = memory->bytes,
                                        .replayed = memory->replayed,
                                        .joined = memory->joined};
}

void iso_sv_call_id_from_key(struct iso_sv_call_id *id, struct iso_str holder, struct iso_str key)
{
    uint8_t digest[ISO_SHA256_SIZE];
    iso_sha256(key.ptr, key.len, digest);
    size_t len = holder.len < 24 ? holder.len : 24;
    /* ':' is in no name of a component. */
    size_t at = iso_format(id->caller, sizeof id->caller, "key:%.*s:", (int)len,
                           holder.len > 0 ? holder.ptr : "");
    for (size_t i = 0; i < 24; i++) {
        at += iso_format(id->caller + at, sizeof id->caller - at, "%02x", digest[i]);
    }
    id->sequence = 0;
}
