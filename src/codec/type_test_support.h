/*
 * type_test_support.h - for tests: types in a few words, and what tests of decoders share.
 */
#ifndef ISO_CODEC_TYPE_TEST_SUPPORT_H
#define ISO_CODEC_TYPE_TEST_SUPPORT_H

#include "codec/value.h"

/* A finished list or option. What is made is in the arena; running out of memory fails the test. */
const struct iso_vtype *iso_test_of(struct iso_arena *arena, enum iso_vkind kind,
                                    const struct iso_vtype *element);
/* A finished type with members: names and types by turns, ended by a NULL name. Names of tuple
 * items and of results' cases are not used. */
const struct iso_vtype *iso_test_type(struct iso_arena *arena, enum iso_vkind kind,
                                      const char *name, ...);
/* The same with `count` members "m0", "m1", ... of one type (NULL: none). */
const struct iso_vtype *iso_test_many(struct iso_arena *arena, enum iso_vkind kind, uint32_t count,
                                      const struct iso_vtype *type);

/* What a test makes, from iso_test_begin to iso_test_end, and what it was told last. */
extern struct iso_arena iso_test_arena;
extern struct iso_report iso_test_report;
void iso_test_begin(void);
void iso_test_end(void);

typedef enum iso_err (*iso_test_decode)(const struct iso_vtype *type, struct iso_bytes bytes,
                                        const char *name, struct iso_arena *arena,
                                        struct iso_value *out, struct iso_report *report);
/* The decoder refuses the bytes (for messages: `shown`) with this error at this offset and leaves
 * its result alone. The value is called "v"; the message is the report's without that. */
void iso_test_refused(iso_test_decode decode, const struct iso_vtype *type, const char *shown,
                      struct iso_bytes bytes, enum iso_err err, uint64_t offset,
                      const char *message);

#define ISO_TEST_NONE ((const struct iso_vtype *)NULL)
#define ISO_TEST_BOOL iso_vtype_primitive(ISO_V_BOOL)
#define ISO_TEST_U8 iso_vtype_primitive(ISO_V_U8)
#define ISO_TEST_U16 iso_vtype_primitive(ISO_V_U16)
#define ISO_TEST_U32 iso_vtype_primitive(ISO_V_U32)
#define ISO_TEST_U64 iso_vtype_primitive(ISO_V_U64)
#define ISO_TEST_F32 iso_vtype_primitive(ISO_V_F32)
#define ISO_TEST_F64 iso_vtype_primitive(ISO_V_F64)
#define ISO_TEST_STRING iso_vtype_primitive(ISO_V_STRING)

#endif
