/*
 * abi_save.c - a typed call under way as bytes, and back (docs/snapshot.md, "Typed calls"): what
 * the continuation needs besides the store, which the engine's snapshot has.
 *
 * That is the phase; until the function begins, the arguments (as CBOR) and the addresses of the
 * blocks made for them; afterwards, until it is delivered, the result. The sizes of the blocks are
 * not in it: measuring the arguments gives them again. What is read is hostile: every address is
 * checked against the memory, every value against its type, and the function under way in the store
 * must be the one that the phase calls.
 */
#include "interface/abi_binding.h"

enum {
    VERSION = 1,
    FLAG_RELEASING = 1, /* the result was delivered: only cleaning up is left */
    FLAG_LATE = 2,      /* lifting failed for lack of memory */
    FLAGS = FLAG_RELEASING | FLAG_LATE,
    ID_BYTES = 8
};

static const uint8_t magic[4] = {'I', 'S', 'O', 'C'};

/* ---- Whose call it is ------------------------------------------------------------------------ */

static void hash_str(struct iso_sha256 *sha, struct iso_str text)
{
    uint8_t len[4];
    iso_store_u32le(len, (uint32_t)text.len);
    iso_sha256_update(sha, len, sizeof len);
    iso_sha256_update(sha, text.ptr, text.len);
}

static void hash_type(struct iso_sha256 *sha, const struct iso_vtype *type)
{
    uint8_t head[5];
    if (type == NULL) {
        head[0] = 0xff;
        iso_sha256_update(sha, head, 1);
        return;
    }
    head[0] = (uint8_t)type->kind;
    iso_store_u32le(head + 1, type->member_count);
    iso_sha256_update(sha, head, sizeof head);
    for (uint32_t i = 0; i < type->member_count; i++) {
        hash_str(sha, type->members[i].name);
        hash_type(sha, type->members[i].type);
    }
    if (type->element != NULL) {
        hash_type(sha, type->element);
    }
}

/* Of the convention, the function's name and its type: tells calls of different functions apart; it
 * proves nothing. */
static void call_id(const struct iso_binding *binding, uint8_t out[ID_BYTES])
{
    const struct iso_wit_func *func = binding->func;
    struct iso_sha256 sha;
    uint8_t digest[ISO_SHA256_SIZE], head[5];
    head[0] = binding->convention == &iso_abi_wasm_bindgen ? 2 : binding->derived ? 1 : 0;
    iso_store_u32le(head + 1, func->param_count);
    iso_sha256_init(&sha);
    iso_sha256_update(&sha, head, sizeof head);
    hash_str(&sha, func->name);
    for (uint32_t i = 0; i < func->param_count; i++) {
        hash_str(&sha, func->params[i].name);
        hash_type(&sha, func->params[i].type);
    }
    hash_type(&sha, func->result);
    iso_sha256_final(&sha, digest);
    memcpy(out, digest, ID_BYTES);
}

/* ---- What each phase needs ------------------------------------------------------------------- */

struct iso_func *iso_abi_phase_func(const struct iso_binding *binding, enum iso_abi_phase phase)
{
    switch (phase) {
    case ISO_ABI_FRAME:
    case ISO_ABI_UNFRAME:
        return binding->bindgen.frame;
    case ISO_ABI_ALLOC:
        return binding->allocator;
    case ISO_ABI_CALL:
        return binding->callee;
    case ISO_ABI_POST:
        return binding->post;
    default:
        return NULL;
    }
}

static bool needs_args(enum iso_abi_phase phase)
{
    return phase == ISO_ABI_FRAME || phase == ISO_ABI_ALLOC;
}

bool iso_binding_needs_args(const struct iso_binding *binding)
{
    return needs_args(binding->phase);
}

static bool needs_result(const struct iso_binding *binding, enum iso_abi_phase phase,
                         unsigned flags)
{
    return (phase == ISO_ABI_POST || phase == ISO_ABI_UNFRAME) && flags == 0 &&
           binding->func->result != NULL;
}

/* The core values of the result, which the post-return function wants. */
static const uint8_t *result_types(const struct iso_binding *binding, uint32_t *count)
{
    if (binding->convention == &iso_abi_wasm_bindgen) {
        *count = binding->bindgen.result.node != NULL ? binding->bindgen.result.flat : 0;
        return binding->bindgen.result.types;
    }
    *count = binding->plan->core_result_count;
    return binding->plan->core_results;
}

static bool is_wide(uint8_t type)
{
    return type == ISO_TYPE_I64 || type == ISO_TYPE_F64;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static enum iso_err put_value(struct iso_buf *out, const struct iso_vtype *type,
                              const struct iso_value *value)
{
    size_t start = out->len;
    enum iso_err err = iso_buf_append_u32le(out, 0);
    if (err == ISO_OK) {
        err = iso_cbor_encode(type, value, out);
    }
    if (err == ISO_OK) {
        size_t len = out->len - start - 4;
        if (len > UINT32_MAX) {
            return ISO_E_LIMIT;
        }
        iso_store_u32le(out->ptr + start, (uint32_t)len);
    }
    return err;
}

static enum iso_err put_head(const struct iso_binding *binding, unsigned flags, struct iso_buf *out)
{
    uint8_t head[20];
    memcpy(head, magic, sizeof magic);
    iso_store_u16le(head + 4, VERSION);
    head[6] = (uint8_t)binding->phase;
    head[7] = (uint8_t)flags;
    call_id(binding, head + 8);
    iso_store_u32le(head + 16, binding->bindgen.frame != NULL && binding->phase != ISO_ABI_FRAME
                                   ? binding->bindgen.frame_addr
                                   : 0);
    return iso_buf_append(out, head, sizeof head);
}

static enum iso_err put_slots(const struct iso_binding *binding, struct iso_buf *out)
{
    uint32_t count = 0;
    const uint8_t *types = result_types(binding, &count);
    enum iso_err err = ISO_OK;
    for (uint32_t i = 0; i < count && err == ISO_OK; i++) {
        err = iso_buf_append_u64le(out, is_wide(types[i]) ? binding->slots[i].u64
                                                          : binding->slots[i].u32);
    }
    return err;
}

static enum iso_err put_args(const struct iso_binding *binding, struct iso_buf *out)
{
    const struct iso_wit_func *func = binding->func;
    enum iso_err err = iso_buf_append_u32le(out, binding->blocks_made);
    for (uint32_t i = 0; i < binding->blocks_made && err == ISO_OK; i++) {
        err = iso_buf_append_u32le(out, binding->blocks.items[i].addr);
    }
    for (uint32_t i = 0; i < func->param_count && err == ISO_OK; i++) {
        err = put_value(out, func->params[i].type, &binding->args[i]);
    }
    return err;
}

enum iso_err iso_binding_save(const struct iso_binding *binding, struct iso_buf *out,
                              struct iso_report *report)
{
    size_t start = out->len;
    unsigned flags =
        (binding->releasing ? FLAG_RELEASING : 0u) | (binding->late != ISO_OK ? FLAG_LATE : 0u);
    struct iso_func *func = iso_abi_phase_func(binding, binding->phase);
    if (binding->phase != ISO_ABI_VIEWED &&
        (func == NULL || iso_store_func(binding->store) != func)) {
        return iso_fail(report, ISO_E_STATE, "no call of this function is under way");
    }
    enum iso_err err = put_head(binding, flags, out);
    if (err == ISO_OK && needs_args(binding->phase)) {
        err = put_args(binding, out);
    }
    if (err == ISO_OK && binding->phase == ISO_ABI_VIEWED) {
        err = put_slots(binding, out);
    }
    if (err == ISO_OK && needs_result(binding, binding->phase, flags)) {
        err = put_value(out, binding->func->result, &binding->value);
    }
    if (err != ISO_OK) {
        out->len = start;
    }
    return err;
}

/* ---- In -------------------------------------------------------------------------------------- */

struct loader {
    struct iso_binding *binding;
    struct iso_bytes rest;
    struct iso_arena *arena;
    struct iso_report *report;
    uint64_t memory_size;
    enum iso_abi_phase phase;
    unsigned flags;
};

static enum iso_err bad(struct loader *loader, const char *what)
{
    return iso_fail(loader->report, ISO_E_SNAPSHOT, "the saved call %s", what);
}

/* NULL when there are fewer bytes. */
static const uint8_t *take(struct loader *loader, size_t len)
{
    const uint8_t *at = loader->rest.ptr;
    if (len > loader->rest.len) {
        return NULL;
    }
    loader->rest = iso_bytes_from(at + len, loader->rest.len - len);
    return at;
}

static enum iso_err get_value(struct loader *loader, const struct iso_vtype *type, const char *root,
                              struct iso_value *out)
{
    const uint8_t *len = take(loader, 4);
    const uint8_t *bytes = len != NULL ? take(loader, iso_load_u32le(len)) : NULL;
    if (bytes == NULL) {
        return bad(loader, "ends too early");
    }
    enum iso_err err = iso_cbor_decode(type, iso_bytes_from(bytes, iso_load_u32le(len)), root,
                                       loader->arena, out, loader->report);
    return err == ISO_E_ARGUMENT || err == ISO_E_MALFORMED ? ISO_E_SNAPSHOT : err;
}

/* An address that the module gave in the call before. */
static enum iso_err check_block(struct loader *loader, const struct iso_abi_block *block)
{
    enum iso_err err =
        iso_abi_block_check(block, loader->memory_size, "the saved call has", loader->report);
    return err == ISO_OK ? err : ISO_E_SNAPSHOT;
}

static enum iso_err get_head(struct loader *loader)
{
    struct iso_binding *binding = loader->binding;
    uint8_t id[ID_BYTES];
    const uint8_t *head = take(loader, 20);
    if (head == NULL || memcmp(head, magic, sizeof magic) != 0) {
        return bad(loader, "does not begin as one");
    }
    if (iso_load_u16le(head + 4) != VERSION) {
        return iso_fail(loader->report, ISO_E_SNAPSHOT,
                        "the saved call has version %u; this program reads version %u",
                        (unsigned)iso_load_u16le(head + 4), (unsigned)VERSION);
    }
    call_id(binding, id);
    if (memcmp(head + 8, id, sizeof id) != 0) {
        return iso_fail(loader->report, ISO_E_SNAPSHOT,
                        "the saved call is not one of %.*s as it is here",
                        (int)binding->func->name.len, binding->func->name.ptr);
    }
    if (head[6] <= ISO_ABI_IDLE || head[6] > ISO_ABI_UNFRAME || (head[7] & ~FLAGS) != 0) {
        return bad(loader, "has an unknown phase or flag");
    }
    loader->phase = (enum iso_abi_phase)head[6];
    loader->flags = head[7];
    binding->bindgen.frame_addr = iso_load_u32le(head + 16);
    if (binding->bindgen.frame == NULL || loader->phase == ISO_ABI_FRAME) {
        return binding->bindgen.frame_addr == 0 ? ISO_OK : bad(loader, "has a frame too many");
    }
    struct iso_abi_block block = {.align = 8, .size = 16, .addr = binding->bindgen.frame_addr};
    return check_block(loader, &block);
}

/* Can the phase and its flags be, here and now? */
static enum iso_err check_phase(struct loader *loader)
{
    const struct iso_binding *binding = loader->binding;
    bool cleaning = loader->phase == ISO_ABI_POST || loader->phase == ISO_ABI_UNFRAME;
    bool given = loader->phase == ISO_ABI_VIEWED || (loader->flags & FLAG_RELEASING) != 0;
    if (given && !binding->views) {
        return bad(loader, "has delivered views of its result; this one is not to");
    }
    if ((loader->flags != 0 && !cleaning) || loader->flags == FLAGS ||
        (cleaning && binding->views && loader->flags == 0)) {
        return bad(loader, "has a flag that its phase cannot have");
    }
    struct iso_func *func = iso_abi_phase_func(binding, loader->phase);
    if (loader->phase != ISO_ABI_VIEWED &&
        (func == NULL || func != iso_store_func(binding->store))) {
        return bad(loader, "is not what is under way in the store");
    }
    return ISO_OK;
}

static enum iso_err get_args(struct loader *loader)
{
    struct iso_binding *binding = loader->binding;
    const struct iso_wit_func *func = binding->func;
    const uint8_t *made = take(loader, 4);
    const uint8_t *addrs = made != NULL && iso_load_u32le(made) <= loader->rest.len / 4
                               ? take(loader, (size_t)iso_load_u32le(made) * 4)
                               : NULL;
    struct iso_value *args = iso_arena_array(loader->arena, func->param_count, sizeof *args);
    if (addrs == NULL || args == NULL) {
        return addrs == NULL ? bad(loader, "ends too early") : ISO_E_NOMEM;
    }
    for (uint32_t i = 0; i < func->param_count; i++) {
        enum iso_err err = get_value(loader, func->params[i].type, "argument", &args[i]);
        if (err != ISO_OK) {
            return err;
        }
    }
    binding->args = args;
    binding->blocks.count = 0;
    enum iso_err err = binding->convention->measure(binding, loader->report);
    if (err != ISO_OK) {
        return err == ISO_E_ARGUMENT ? ISO_E_SNAPSHOT : err;
    }
    binding->blocks_made = iso_load_u32le(made);
    if (loader->phase == ISO_ABI_FRAME ? binding->blocks_made != 0
                                       : binding->blocks_made >= binding->blocks.count) {
        return bad(loader, "has more blocks than its arguments need");
    }
    for (uint32_t i = 0; i < binding->blocks_made && err == ISO_OK; i++) {
        binding->blocks.items[i].addr = iso_load_u32le(addrs + (size_t)i * 4);
        err = check_block(loader, &binding->blocks.items[i]);
    }
    return err;
}

static enum iso_err get_slots(struct loader *loader)
{
    struct iso_binding *binding = loader->binding;
    uint32_t count = 0;
    const uint8_t *types = result_types(binding, &count);
    const uint8_t *slots = take(loader, (size_t)count * 8);
    if (slots == NULL) {
        return bad(loader, "ends too early");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits = iso_load_u64le(slots + (size_t)i * 8);
        if (is_wide(types[i])) {
            binding->slots[i].u64 = bits;
        } else {
            binding->slots[i].u32 = (uint32_t)bits;
        }
    }
    return ISO_OK;
}

static enum iso_err get_rest(struct loader *loader)
{
    struct iso_binding *binding = loader->binding;
    enum iso_err err = ISO_OK;
    if (needs_args(loader->phase)) {
        err = get_args(loader);
    }
    if (err == ISO_OK && loader->phase == ISO_ABI_VIEWED) {
        err = get_slots(loader);
    }
    if (err == ISO_OK && needs_result(binding, loader->phase, loader->flags)) {
        err = get_value(loader, binding->func->result, "result", &binding->value);
    }
    return err == ISO_OK && loader->rest.len != 0 ? bad(loader, "has more bytes than it needs")
                                                  : err;
}

enum iso_err iso_binding_load(struct iso_binding *binding, struct iso_bytes bytes,
                              struct iso_arena *arena, struct iso_report *report)
{
    struct loader loader = {.binding = binding, .arena = arena, .report = report};
    if (binding->phase != ISO_ABI_IDLE) {
        return iso_fail(report, ISO_E_STATE, "a call of this function is under way");
    }
    /* Strings and bytes of what is decoded stay in it. */
    uint8_t *copy = iso_arena_alloc(arena, bytes.len);
    if (copy == NULL) {
        return ISO_E_NOMEM;
    }
    iso_memory_copy(copy, bytes.ptr, bytes.len);
    loader.rest = iso_bytes_from(copy, bytes.len);
    (void)iso_instance_memory(binding->instance, &loader.memory_size);
    binding->blocks.count = 0;
    binding->blocks_made = 0;
    enum iso_err err = get_head(&loader);
    if (err == ISO_OK) {
        err = check_phase(&loader);
    }
    if (err == ISO_OK) {
        err = get_rest(&loader);
    }
    if (err == ISO_OK) {
        binding->phase = loader.phase;
        binding->releasing = (loader.flags & FLAG_RELEASING) != 0;
        binding->late = (loader.flags & FLAG_LATE) != 0 ? ISO_E_NOMEM : ISO_OK;
    }
    return err;
}
