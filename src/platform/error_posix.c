/* errno values as enum iso_err and as words. */
#include "platform/platform.h"

#include <errno.h>
#include <string.h>

enum iso_err iso_errno_err(int errno_value)
{
    switch (errno_value) {
    case 0:
        return ISO_OK;
    case ENOENT:
    case ENOTDIR:
        return ISO_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ISO_E_ACCESS;
    case ENOMEM:
        return ISO_E_NOMEM;
    case EEXIST:
    case EADDRINUSE:
        return ISO_E_EXISTS;
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
        return ISO_E_ARGUMENT;
    case EFBIG:
        return ISO_E_LIMIT;
    default:
        return ISO_E_IO;
    }
}

const char *iso_errno_text(int errno_value)
{
    /* The commonest ones without the C library's capital letter, to stand inside a sentence. */
    switch (errno_value) {
    case ENOENT:
        return "there is no such file";
    case ENOTDIR:
        return "a part of the path is not a directory";
    case EACCES:
        return "permission denied";
    case EROFS:
        return "the file system is read-only";
    case EISDIR:
        return "it is a directory";
    case ENOSPC:
        return "no space left on the device";
    case EADDRINUSE:
        return "the address is already in use";
    case EADDRNOTAVAIL:
        return "this machine does not have that address";
    default:
        return strerror(errno_value);
    }
}
