/* link_text.h - external types and names as text for people. Internal to src/engine. */
#ifndef ISO_ENGINE_LINK_TEXT_H
#define ISO_ENGINE_LINK_TEXT_H

#include "engine/engine.h"

#define ISO_LINK_PATH_BYTES 180u
#define ISO_LINK_TYPE_BYTES 120u

/* `"module"."name"`, control characters and quotes escaped, long names cut. */
void iso_link_path_text(struct iso_str module, struct iso_str name, char out[ISO_LINK_PATH_BYTES]);

/* `function (i32, i64) -> (f32)`, `memory {min 1 page, max 2}`, `mutable global i32`, ...; long
 * ones are cut. */
void iso_link_type_text(const struct iso_extern_type *type, char out[ISO_LINK_TYPE_BYTES]);

#endif
