/* Types in a few words, for tests. See the header. */
#include "codec/type_test_support.h"

#include "base/test.h"

struct iso_arena iso_test_arena;
struct iso_report iso_test_report;

enum { MEMBERS_MAX = 16 };

static const struct iso_vtype *finish(struct iso_vtype *type)
{
    CHECK_OK(iso_vtype_finish(type, NULL));
    return type;
}

static struct iso_vtype *make(struct iso_arena *arena, enum iso_vkind kind)
{
    struct iso_vtype *type = iso_arena_alloc(arena, sizeof *type);
    CHECK(type != NULL);
    type->kind = kind;
    return type;
}

const struct iso_vtype *iso_test_of(struct iso_arena *arena, enum iso_vkind kind,
                                    const struct iso_vtype *element)
{
    struct iso_vtype *type = make(arena, kind);
    type->element = element;
    return finish(type);
}

const struct iso_vtype *iso_test_type(struct iso_arena *arena, enum iso_vkind kind,
                                      const char *name, ...)
{
    struct iso_vtype *type = make(arena, kind);
    struct iso_vmember *members = iso_arena_array(arena, MEMBERS_MAX, sizeof *members);
    bool has_names = kind != ISO_V_TUPLE && kind != ISO_V_RESULT;
    va_list args;
    CHECK(members != NULL);
    va_start(args, name);
    for (const char *member = va_arg(args, const char *); member != NULL;
         member = va_arg(args, const char *)) {
        CHECK(type->member_count < MEMBERS_MAX);
        members[type->member_count].name = iso_str_from_z(has_names ? member : NULL);
        members[type->member_count].type = va_arg(args, const struct iso_vtype *);
        type->member_count++;
    }
    va_end(args);
    type->name = iso_str_from_z(name);
    type->members = members;
    return finish(type);
}

const struct iso_vtype *iso_test_many(struct iso_arena *arena, enum iso_vkind kind, uint32_t count,
                                      const struct iso_vtype *member)
{
    struct iso_vtype *type = make(arena, kind);
    struct iso_vmember *members = iso_arena_array(arena, count, sizeof *members);
    CHECK(members != NULL);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        size_t len = iso_format(name, sizeof name, "m%u", (unsigned)i);
        members[i].name.ptr = iso_arena_copy_str(arena, iso_str_from(name, len));
        members[i].name.len = len;
        members[i].type = member;
        CHECK(members[i].name.ptr != NULL);
    }
    type->members = members;
    type->member_count = count;
    return finish(type);
}

void iso_test_begin(void)
{
    iso_arena_init(&iso_test_arena, iso_alloc_libc(), 0, SIZE_MAX);
}

void iso_test_end(void)
{
    iso_arena_fini(&iso_test_arena);
}

void iso_test_refused(iso_test_decode decode, const struct iso_vtype *type, const char *shown,
                      struct iso_bytes bytes, enum iso_err err, uint64_t offset,
                      const char *message)
{
    struct iso_value value, untouched;
    struct iso_report *report = &iso_test_report;
    memset(&value, 0x5a, sizeof value);
    untouched = value;
    iso_report_init(report);
    enum iso_err actual = decode(type, bytes, "v", &iso_test_arena, &value, report);
    if (actual != err || !report->set || report->text[0] != 'v' ||
        strcmp(report->text + 1, message) != 0 || !report->has_offset || report->offset != offset) {
        TEST_FAIL("%s: %s at %u: %s", shown, iso_err_name(actual), (unsigned)report->offset,
                  report->text);
    }
    CHECK_MEM(&value, &untouched, sizeof value);
}
