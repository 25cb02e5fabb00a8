/* The public header of src/base: all that other folders need. Tests also include base/test.h. */
#ifndef ISO_BASE_BASE_H
#define ISO_BASE_BASE_H

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/format.h"
#include "base/heap.h"
#include "base/json_writer.h"
#include "base/lz4.h"
#include "base/macros.h"
#include "base/name.h"
#include "base/nearest.h"
#include "base/report.h"
#include "base/sha256.h"
#include "base/texts.h"
#include "base/utf8.h"

#endif
