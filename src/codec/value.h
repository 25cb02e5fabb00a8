/*
 * value.h - values of WIT types.
 *
 * A value is a small struct by value; what it points to (strings, lists, payloads) belongs to
 * whoever made it, usually an arena. A value means something only together with its type, which
 * every function here takes; it never carries a pointer to its type.
 */
#ifndef ISO_CODEC_VALUE_H
#define ISO_CODEC_VALUE_H

#include "codec/type.h"

struct iso_value {
    union {
        bool boolean;
        int64_t s;  /* s8 ... s64 */
        uint64_t u; /* u8 ... u64; enum: index of the case */
        float f32;
        double f64;
        uint32_t character;    /* Unicode scalar value */
        struct iso_str string; /* valid UTF-8 */
        /* list<u8> only: its bytes. */
        struct iso_bytes bytes;
        /* list (any other), tuple, record: `count` values in order. */
        struct {
            const struct iso_value *items;
            uint32_t count;
        } list;
        /* variant, option (0 none, 1 some), result (0 ok, 1 error): payload NULL where the case has
         * none. */
        struct {
            const struct iso_value *payload;
            uint32_t index;
        } choice;
        /* flags: bit i of words[i / 32] is flag i; ceil(count / 32) words. */
        const uint32_t *flags;
    };
};

/* Equal values of one type. Floats: by bits, except that every NaN equals every other. */
bool iso_value_equal(const struct iso_vtype *type, const struct iso_value *a,
                     const struct iso_value *b);
/* Is it a value of the type: ranges, scalar values, UTF-8, indices, counts? The report names the
 * path of what is wrong ("frame.pixels[3]"). Errors: ISO_E_ARGUMENT. */
ISO_MUST_CHECK enum iso_err iso_value_check(const struct iso_vtype *type,
                                            const struct iso_value *value,
                                            struct iso_report *report);
/* The same for an argument: paths begin with the parameter's name. */
ISO_MUST_CHECK enum iso_err iso_value_check_param(const struct iso_wit_param *param,
                                                  const struct iso_value *value,
                                                  struct iso_report *report);
/* How many bytes a value is, about: its canonical size and what it points to. For figures. */
uint64_t iso_value_weight(const struct iso_vtype *type, const struct iso_value *value);
/* A deep copy in an arena. Errors: NOMEM. */
ISO_MUST_CHECK enum iso_err iso_value_copy(const struct iso_vtype *type,
                                           const struct iso_value *value, struct iso_arena *arena,
                                           struct iso_value *out);

#endif
