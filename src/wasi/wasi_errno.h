/* wasi_errno.h - the one place where error codes of the host become those of WASI. */
#ifndef ISO_WASI_ERRNO_H
#define ISO_WASI_ERRNO_H

#include "wasi/wasi_types.h"

/* A value of errno as WASI knows it; EIO for one that it does not know. */
enum iso_wasi_errno iso_wasi_errno_from_host(int host_errno);

/* "ENOENT", ...; "?" outside the enumeration. For tests and messages. */
const char *iso_wasi_errno_name(enum iso_wasi_errno err);

#endif
