/*
 * wasi_types.h - the numbers of the WASI preview 1 ABI: error codes, rights, flags and the layout
 * of the structures in guest memory.
 *
 * Specification: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md, and for the
 * module name `wasi_unstable` legacy/preview0/docs.md beside it.
 */
#ifndef ISO_WASI_TYPES_H
#define ISO_WASI_TYPES_H

#include <stdint.h>

/* errno: the result of every function. The order is the specification's. */
enum iso_wasi_errno {
    WASI_OK = 0,
    WASI_E2BIG,
    WASI_EACCES,
    WASI_EADDRINUSE,
    WASI_EADDRNOTAVAIL,
    WASI_EAFNOSUPPORT,
    WASI_EAGAIN,
    WASI_EALREADY,
    WASI_EBADF,
    WASI_EBADMSG,
    WASI_EBUSY, /* 10 */
    WASI_ECANCELED,
    WASI_ECHILD,
    WASI_ECONNABORTED,
    WASI_ECONNREFUSED,
    WASI_ECONNRESET,
    WASI_EDEADLK,
    WASI_EDESTADDRREQ,
    WASI_EDOM,
    WASI_EDQUOT,
    WASI_EEXIST, /* 20 */
    WASI_EFAULT,
    WASI_EFBIG,
    WASI_EHOSTUNREACH,
    WASI_EIDRM,
    WASI_EILSEQ,
    WASI_EINPROGRESS,
    WASI_EINTR,
    WASI_EINVAL,
    WASI_EIO,
    WASI_EISCONN, /* 30 */
    WASI_EISDIR,
    WASI_ELOOP,
    WASI_EMFILE,
    WASI_EMLINK,
    WASI_EMSGSIZE,
    WASI_EMULTIHOP,
    WASI_ENAMETOOLONG,
    WASI_ENETDOWN,
    WASI_ENETRESET,
    WASI_ENETUNREACH, /* 40 */
    WASI_ENFILE,
    WASI_ENOBUFS,
    WASI_ENODEV,
    WASI_ENOENT,
    WASI_ENOEXEC,
    WASI_ENOLCK,
    WASI_ENOLINK,
    WASI_ENOMEM,
    WASI_ENOMSG,
    WASI_ENOPROTOOPT, /* 50 */
    WASI_ENOSPC,
    WASI_ENOSYS,
    WASI_ENOTCONN,
    WASI_ENOTDIR,
    WASI_ENOTEMPTY,
    WASI_ENOTRECOVERABLE,
    WASI_ENOTSOCK,
    WASI_ENOTSUP,
    WASI_ENOTTY,
    WASI_ENXIO, /* 60 */
    WASI_EOVERFLOW,
    WASI_EOWNERDEAD,
    WASI_EPERM,
    WASI_EPIPE,
    WASI_EPROTO,
    WASI_EPROTONOSUPPORT,
    WASI_EPROTOTYPE,
    WASI_ERANGE,
    WASI_EROFS,
    WASI_ESPIPE, /* 70 */
    WASI_ESRCH,
    WASI_ESTALE,
    WASI_ETIMEDOUT,
    WASI_ETXTBSY,
    WASI_EXDEV,
    WASI_ENOTCAPABLE /* 76 */
};

/* rights */
#define WASI_RIGHT_FD_DATASYNC (UINT64_C(1) << 0)
#define WASI_RIGHT_FD_READ (UINT64_C(1) << 1)
#define WASI_RIGHT_FD_SEEK (UINT64_C(1) << 2)
#define WASI_RIGHT_FD_FDSTAT_SET_FLAGS (UINT64_C(1) << 3)
#define WASI_RIGHT_FD_SYNC (UINT64_C(1) << 4)
#define WASI_RIGHT_FD_TELL (UINT64_C(1) << 5)
#define WASI_RIGHT_FD_WRITE (UINT64_C(1) << 6)
#define WASI_RIGHT_FD_ADVISE (UINT64_C(1) << 7)
#define WASI_RIGHT_FD_ALLOCATE (UINT64_C(1) << 8)
#define WASI_RIGHT_PATH_CREATE_DIRECTORY (UINT64_C(1) << 9)
#define WASI_RIGHT_PATH_CREATE_FILE (UINT64_C(1) << 10)
#define WASI_RIGHT_PATH_LINK_SOURCE (UINT64_C(1) << 11)
#define WASI_RIGHT_PATH_LINK_TARGET (UINT64_C(1) << 12)
#define WASI_RIGHT_PATH_OPEN (UINT64_C(1) << 13)
#define WASI_RIGHT_FD_READDIR (UINT64_C(1) << 14)
#define WASI_RIGHT_PATH_READLINK (UINT64_C(1) << 15)
#define WASI_RIGHT_PATH_RENAME_SOURCE (UINT64_C(1) << 16)
#define WASI_RIGHT_PATH_RENAME_TARGET (UINT64_C(1) << 17)
#define WASI_RIGHT_PATH_FILESTAT_GET (UINT64_C(1) << 18)
#define WASI_RIGHT_PATH_FILESTAT_SET_SIZE (UINT64_C(1) << 19)
#define WASI_RIGHT_PATH_FILESTAT_SET_TIMES (UINT64_C(1) << 20)
#define WASI_RIGHT_FD_FILESTAT_GET (UINT64_C(1) << 21)
#define WASI_RIGHT_FD_FILESTAT_SET_SIZE (UINT64_C(1) << 22)
#define WASI_RIGHT_FD_FILESTAT_SET_TIMES (UINT64_C(1) << 23)
#define WASI_RIGHT_PATH_SYMLINK (UINT64_C(1) << 24)
#define WASI_RIGHT_PATH_REMOVE_DIRECTORY (UINT64_C(1) << 25)
#define WASI_RIGHT_PATH_UNLINK_FILE (UINT64_C(1) << 26)
#define WASI_RIGHT_POLL_FD_READWRITE (UINT64_C(1) << 27)
#define WASI_RIGHT_SOCK_SHUTDOWN (UINT64_C(1) << 28)
#define WASI_RIGHT_SOCK_ACCEPT (UINT64_C(1) << 29)
#define WASI_RIGHTS_ALL ((UINT64_C(1) << 30) - 1)

/* What can be done with an open regular file. */
#define WASI_RIGHTS_FILE                                                                           \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK |                            \
     WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_TELL |                    \
     WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ADVISE | WASI_RIGHT_FD_ALLOCATE |                         \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_SIZE |                                \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_POLL_FD_READWRITE)

/* What can be done with an open directory. Not among them: reading, writing, seeking. */
#define WASI_RIGHTS_DIR                                                                            \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_DATASYNC |                \
     WASI_RIGHT_PATH_CREATE_DIRECTORY | WASI_RIGHT_PATH_CREATE_FILE |                              \
     WASI_RIGHT_PATH_LINK_SOURCE | WASI_RIGHT_PATH_LINK_TARGET | WASI_RIGHT_PATH_OPEN |            \
     WASI_RIGHT_FD_READDIR | WASI_RIGHT_PATH_READLINK | WASI_RIGHT_PATH_RENAME_SOURCE |            \
     WASI_RIGHT_PATH_RENAME_TARGET | WASI_RIGHT_PATH_FILESTAT_GET |                                \
     WASI_RIGHT_PATH_FILESTAT_SET_SIZE | WASI_RIGHT_PATH_FILESTAT_SET_TIMES |                      \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_PATH_SYMLINK |     \
     WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)

/* A pipe, terminal or device; seekable ones have FD_SEEK and FD_TELL besides. */
#define WASI_RIGHTS_STREAM                                                                         \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |                \
     WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_FILESTAT_GET |                       \
     WASI_RIGHT_POLL_FD_READWRITE)

#define WASI_RIGHTS_SOCKET                                                                         \
    (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |                   \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE | WASI_RIGHT_SOCK_SHUTDOWN)

#define WASI_RIGHTS_LISTENER                                                                       \
    (WASI_RIGHT_FD_READ | WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET |            \
     WASI_RIGHT_POLL_FD_READWRITE | WASI_RIGHT_SOCK_ACCEPT)

/* Rights that can change something: a read-only grant has none of them. */
#define WASI_RIGHTS_WRITING                                                                        \
    (WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_PATH_CREATE_DIRECTORY |             \
     WASI_RIGHT_PATH_CREATE_FILE | WASI_RIGHT_PATH_LINK_SOURCE | WASI_RIGHT_PATH_LINK_TARGET |     \
     WASI_RIGHT_PATH_RENAME_SOURCE | WASI_RIGHT_PATH_RENAME_TARGET |                               \
     WASI_RIGHT_PATH_FILESTAT_SET_SIZE | WASI_RIGHT_PATH_FILESTAT_SET_TIMES |                      \
     WASI_RIGHT_FD_FILESTAT_SET_SIZE | WASI_RIGHT_FD_FILESTAT_SET_TIMES |                          \
     WASI_RIGHT_PATH_SYMLINK | WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)

enum iso_wasi_filetype {
    WASI_FILETYPE_UNKNOWN = 0,
    WASI_FILETYPE_BLOCK_DEVICE = 1,
    WASI_FILETYPE_CHARACTER_DEVICE = 2,
    WASI_FILETYPE_DIRECTORY = 3,
    WASI_FILETYPE_REGULAR_FILE = 4,
    WASI_FILETYPE_SOCKET_DGRAM = 5,
    WASI_FILETYPE_SOCKET_STREAM = 6,
    WASI_FILETYPE_SYMBOLIC_LINK = 7
};

/* fdflags */
enum {
    WASI_FDFLAG_APPEND = 1,
    WASI_FDFLAG_DSYNC = 2,
    WASI_FDFLAG_NONBLOCK = 4,
    WASI_FDFLAG_RSYNC = 8,
    WASI_FDFLAG_SYNC = 16,
    WASI_FDFLAGS_ALL = 31
};

/* oflags */
enum {
    WASI_OFLAG_CREAT = 1,
    WASI_OFLAG_DIRECTORY = 2,
    WASI_OFLAG_EXCL = 4,
    WASI_OFLAG_TRUNC = 8,
    WASI_OFLAGS_ALL = 15
};

/* lookupflags */
enum { WASI_LOOKUP_SYMLINK_FOLLOW = 1 };

/* fstflags */
enum {
    WASI_FST_ATIM = 1,
    WASI_FST_ATIM_NOW = 2,
    WASI_FST_MTIM = 4,
    WASI_FST_MTIM_NOW = 8,
    WASI_FST_ALL = 15
};

/* clockid */
enum {
    WASI_CLOCK_REALTIME = 0,
    WASI_CLOCK_MONOTONIC = 1,
    WASI_CLOCK_PROCESS_CPUTIME = 2,
    WASI_CLOCK_THREAD_CPUTIME = 3,
    WASI_CLOCK_COUNT = 4
};

/* eventtype, subclockflags, eventrwflags */
enum { WASI_EVENT_CLOCK = 0, WASI_EVENT_FD_READ = 1, WASI_EVENT_FD_WRITE = 2 };
enum { WASI_SUBCLOCK_ABSTIME = 1 };
enum { WASI_EVENTRW_HANGUP = 1 };

/* riflags, roflags, sdflags */
enum { WASI_RECV_PEEK = 1, WASI_RECV_WAITALL = 2 };
enum { WASI_RECV_DATA_TRUNCATED = 1 };
enum { WASI_SHUT_RD = 1, WASI_SHUT_WR = 2 };

/* whence: preview 1. Preview 0 had CUR, END, SET in this order. */
enum iso_wasi_whence { WASI_WHENCE_SET = 0, WASI_WHENCE_CUR = 1, WASI_WHENCE_END = 2 };

/* Sizes in bytes of the structures in guest memory. */
enum {
    WASI_SIZE_IOVEC = 8,
    WASI_SIZE_FDSTAT = 24,
    WASI_SIZE_FILESTAT = 64,
    WASI_SIZE_FILESTAT_P0 = 56,
    WASI_SIZE_PRESTAT = 8,
    WASI_SIZE_DIRENT = 24,
    WASI_SIZE_SUBSCRIPTION = 48,
    WASI_SIZE_SUBSCRIPTION_P0 = 56,
    WASI_SIZE_EVENT = 32
};

#endif
