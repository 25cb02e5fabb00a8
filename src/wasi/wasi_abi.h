/*
 * wasi_abi.h - the imports of the guest: how their arguments are read from guest memory and their
 * results written to it.
 *
 * Each import is a function iso_wasi_abi_NAME of the call; its arguments are call->args in the
 * order of the specification, and it answers an error code or one of the two answers below.
 * Everything in guest memory is little-endian and may stand at any alignment. Memory is checked
 * before anything is done, so that a bad pointer has no effect but EFAULT.
 */
#ifndef ISO_WASI_ABI_H
#define ISO_WASI_ABI_H

#include "wasi/wasi_internal.h"

/* Answers beside the error codes. */
#define WASI_ANSWER_PENDING ((enum iso_wasi_errno)0x10000)
#define WASI_ANSWER_TRAP ((enum iso_wasi_errno)0x10001)

static inline struct iso_wasi *iso_wasi_abi_self(const struct iso_host_call *call)
{
    return call->ctx;
}

static inline uint32_t iso_wasi_abi_u32(const struct iso_host_call *call, unsigned arg)
{
    return call->args[arg].u32;
}

static inline uint64_t iso_wasi_abi_u64(const struct iso_host_call *call, unsigned arg)
{
    return call->args[arg].u64;
}

/* The memory that argument `ptr_arg` points at, for `size` bytes; NULL: EFAULT. */
static inline uint8_t *iso_wasi_abi_memory(const struct iso_host_call *call, unsigned ptr_arg,
                                           uint32_t size)
{
    return iso_host_memory(call, call->args[ptr_arg].u32, size);
}

/* The path whose pointer and length are arguments ptr_arg and ptr_arg + 1. */
enum iso_wasi_errno iso_wasi_abi_path(const struct iso_host_call *call, unsigned ptr_arg,
                                      struct iso_str *out);
/* The descriptor that argument 0 names, of any kind. EBADF. */
enum iso_wasi_errno iso_wasi_abi_desc(const struct iso_host_call *call, struct iso_wasi_desc **out);
/* A directory with rights: EBADF, ENOTDIR, ENOTCAPABLE. */
enum iso_wasi_errno iso_wasi_abi_dir(const struct iso_host_call *call, unsigned arg,
                                     uint64_t rights, struct iso_wasi_desc **out);
/* A regular file with rights: EBADF (also for directories), ESPIPE, ENOTCAPABLE. */
enum iso_wasi_errno iso_wasi_abi_file(const struct iso_host_call *call, uint64_t rights,
                                      struct iso_wasi_desc **out);

/* The scatter-gather list of one call, without empty buffers. */
struct iso_wasi_iovs {
    struct iso_vfs_iovec iov[ISO_WASI_IOVS_MAX];
    size_t count;
    size_t total; /* bytes; fits a u32 */
};
/* Arguments ptr_arg and ptr_arg + 1: address and count. EFAULT, EINVAL. */
enum iso_wasi_errno iso_wasi_abi_iovs(const struct iso_host_call *call, unsigned ptr_arg,
                                      struct iso_wasi_iovs *out);
/* Drop the first bytes. */
void iso_wasi_abi_iovs_skip(struct iso_wasi_iovs *iovs, size_t bytes);

/* Suspend until the descriptor is ready; EAGAIN if it does not wait. */
enum iso_wasi_errno iso_wasi_abi_block(const struct iso_host_call *call,
                                       const struct iso_wasi_desc *desc, short events);

/* Structures in guest memory. */
void iso_wasi_abi_put_filestat(uint8_t *to, const struct iso_vfs_stat *st);    /* preview 1 */
void iso_wasi_abi_put_filestat_p0(uint8_t *to, const struct iso_vfs_stat *st); /* preview 0 */

/* The imports. p0: those that differ in preview 0. wasi_abi.c */
enum iso_wasi_errno iso_wasi_abi_args_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_args_sizes_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_environ_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_environ_sizes_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_clock_res_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_clock_time_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_random_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_sched_yield(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_proc_exit(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_proc_raise(struct iso_host_call *call);
/* wasi_abi_fd.c */
enum iso_wasi_errno iso_wasi_abi_fd_advise(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_allocate(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_close(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_datasync(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_fdstat_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_fdstat_set_flags(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_fdstat_set_rights(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_filestat_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_filestat_get_p0(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_filestat_set_size(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_filestat_set_times(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_prestat_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_prestat_dir_name(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_readdir(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_renumber(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_seek(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_seek_p0(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_sync(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_tell(struct iso_host_call *call);
/* wasi_abi_io.c */
enum iso_wasi_errno iso_wasi_abi_fd_pread(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_pwrite(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_read(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_fd_write(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_sock_accept(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_sock_recv(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_sock_send(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_sock_shutdown(struct iso_host_call *call);
/* wasi_abi_path.c */
enum iso_wasi_errno iso_wasi_abi_path_create_directory(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_filestat_get(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_filestat_get_p0(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_filestat_set_times(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_link(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_open(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_readlink(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_remove_directory(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_rename(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_symlink(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_path_unlink_file(struct iso_host_call *call);
/* wasi_poll.c */
enum iso_wasi_errno iso_wasi_abi_poll_oneoff(struct iso_host_call *call);
enum iso_wasi_errno iso_wasi_abi_poll_oneoff_p0(struct iso_host_call *call);

/* wasi_abi_fd.c: read and check the flags and times of the two set_times calls. */
enum iso_wasi_errno iso_wasi_abi_times(const struct iso_host_call *call, unsigned atim_arg,
                                       struct iso_vfs_times *out);

#endif
