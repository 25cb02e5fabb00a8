/*
 * type_test_support.h - for tests: types in a few words.
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

#define ISO_TEST_BOOL iso_vtype_primitive(ISO_V_BOOL)
#define ISO_TEST_U8 iso_vtype_primitive(ISO_V_U8)
#define ISO_TEST_U16 iso_vtype_primitive(ISO_V_U16)
#define ISO_TEST_U32 iso_vtype_primitive(ISO_V_U32)
#define ISO_TEST_U64 iso_vtype_primitive(ISO_V_U64)
#define ISO_TEST_F32 iso_vtype_primitive(ISO_V_F32)
#define ISO_TEST_F64 iso_vtype_primitive(ISO_V_F64)
#define ISO_TEST_STRING iso_vtype_primitive(ISO_V_STRING)

#endif
