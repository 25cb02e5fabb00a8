/*
 * wasi_abi.c - arguments, environment, clocks, random numbers, process; and what all imports share.
 */
#include <errno.h>
#include <sys/random.h>

#include "wasi/wasi_abi.h"

/* ---- Shared ------------------------------------------------------------------------------ */

enum iso_wasi_errno iso_wasi_abi_path(const struct iso_host_call *call, unsigned ptr_arg,
                                      struct iso_str *out)
{
    uint32_t len = iso_wasi_abi_u32(call, ptr_arg + 1);
    const void *at = iso_wasi_abi_memory(call, ptr_arg, len);
    if (at == NULL) {
        return WASI_EFAULT;
    }
    *out = iso_str_from(at, len);
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_desc(const struct iso_host_call *call, struct iso_wasi_desc **out)
{
    *out = iso_wasi_desc_get(iso_wasi_abi_self(call), iso_wasi_abi_u32(call, 0));
    return *out == NULL ? WASI_EBADF : WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_dir(const struct iso_host_call *call, unsigned arg,
                                     uint64_t rights, struct iso_wasi_desc **out)
{
    struct iso_wasi_desc *desc =
        iso_wasi_desc_get(iso_wasi_abi_self(call), iso_wasi_abi_u32(call, arg));
    if (desc == NULL) {
        return WASI_EBADF;
    }
    if (desc->kind != ISO_WASI_DIR) {
        return WASI_ENOTDIR;
    }
    if ((desc->rights_base & rights) != rights) {
        return WASI_ENOTCAPABLE;
    }
    *out = desc;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_file(const struct iso_host_call *call, uint64_t rights,
                                      struct iso_wasi_desc **out)
{
    struct iso_wasi_desc *desc;
    enum iso_wasi_errno err = iso_wasi_abi_desc(call, &desc);
    if (err != WASI_OK) {
        return err;
    }
    if (desc->kind == ISO_WASI_DIR) {
        return WASI_EBADF;
    }
    if (desc->kind != ISO_WASI_FILE) {
        return WASI_ESPIPE;
    }
    if ((desc->rights_base & rights) != rights) {
        return WASI_ENOTCAPABLE;
    }
    *out = desc;
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_iovs(const struct iso_host_call *call, unsigned ptr_arg,
                                      struct iso_wasi_iovs *out)
{
    uint32_t count = iso_wasi_abi_u32(call, ptr_arg + 1);
    if (count > ISO_WASI_IOVS_MAX) {
        return WASI_EINVAL;
    }
    const uint8_t *list = iso_wasi_abi_memory(call, ptr_arg, count * WASI_SIZE_IOVEC);
    if (list == NULL) {
        return WASI_EFAULT;
    }
    out->count = 0;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t addr = iso_load_u32le(list + (size_t)i * WASI_SIZE_IOVEC);
        uint32_t len = iso_load_u32le(list + (size_t)i * WASI_SIZE_IOVEC + 4);
        void *base = iso_host_memory(call, addr, len);
        if (base == NULL) {
            return WASI_EFAULT;
        }
        if (len > 0) {
            out->iov[out->count].base = base;
            out->iov[out->count].len = len;
            out->count++;
            total += len;
        }
    }
    if (total > INT32_MAX) {
        return WASI_EINVAL; /* overlapping buffers of more than a result can say */
    }
    out->total = (size_t)total;
    return WASI_OK;
}

void iso_wasi_abi_iovs_skip(struct iso_wasi_iovs *iovs, size_t bytes)
{
    size_t first = 0;
    iovs->total -= bytes;
    while (first < iovs->count && bytes >= iovs->iov[first].len) {
        bytes -= iovs->iov[first].len;
        first++;
    }
    iovs->count -= first;
    memmove(iovs->iov, iovs->iov + first, iovs->count * sizeof *iovs->iov);
    if (bytes > 0) {
        iovs->iov[0].base = (uint8_t *)iovs->iov[0].base + bytes;
        iovs->iov[0].len -= bytes;
    }
}

enum iso_wasi_errno iso_wasi_abi_block(const struct iso_host_call *call,
                                       const struct iso_wasi_desc *desc, short events)
{
    if ((desc->flags & WASI_FDFLAG_NONBLOCK) != 0) {
        return WASI_EAGAIN;
    }
    iso_wasi_waits_desc(iso_wasi_abi_self(call), desc, events);
    return WASI_ANSWER_PENDING;
}

/* ---- Arguments and environment ----------------------------------------------------------- */

static enum iso_wasi_errno strings_sizes(const struct iso_host_call *call,
                                         const struct iso_wasi_strings *strings)
{
    uint8_t *count = iso_wasi_abi_memory(call, 0, 4);
    uint8_t *size = iso_wasi_abi_memory(call, 1, 4);
    if (count == NULL || size == NULL) {
        return WASI_EFAULT;
    }
    iso_store_u32le(count, strings->count);
    iso_store_u32le(size, (uint32_t)strings->size);
    return WASI_OK;
}

static enum iso_wasi_errno strings_get(const struct iso_host_call *call,
                                       const struct iso_wasi_strings *strings)
{
    uint8_t *pointers = iso_wasi_abi_memory(call, 0, strings->count * 4);
    uint8_t *bytes = iso_wasi_abi_memory(call, 1, (uint32_t)strings->size);
    uint32_t addr = iso_wasi_abi_u32(call, 1);
    if (pointers == NULL || bytes == NULL) {
        return WASI_EFAULT;
    }
    iso_memory_copy(bytes, strings->bytes, strings->size);
    size_t at = 0;
    for (uint32_t i = 0; i < strings->count; i++) {
        iso_store_u32le(pointers + (size_t)i * 4, addr + (uint32_t)at);
        at += strlen(strings->bytes + at) + 1;
    }
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_args_get(struct iso_host_call *call)
{
    return strings_get(call, &iso_wasi_abi_self(call)->args);
}

enum iso_wasi_errno iso_wasi_abi_args_sizes_get(struct iso_host_call *call)
{
    return strings_sizes(call, &iso_wasi_abi_self(call)->args);
}

enum iso_wasi_errno iso_wasi_abi_environ_get(struct iso_host_call *call)
{
    return strings_get(call, &iso_wasi_abi_self(call)->env);
}

enum iso_wasi_errno iso_wasi_abi_environ_sizes_get(struct iso_host_call *call)
{
    return strings_sizes(call, &iso_wasi_abi_self(call)->env);
}

/* ---- Clocks and random numbers ----------------------------------------------------------- */

enum iso_wasi_errno iso_wasi_abi_clock_res_get(struct iso_host_call *call)
{
    uint8_t *out = iso_wasi_abi_memory(call, 1, 8);
    uint64_t ns;
    if (out == NULL) {
        return WASI_EFAULT;
    }
    enum iso_wasi_errno err =
        iso_wasi_clock_resolution(iso_wasi_abi_self(call), iso_wasi_abi_u32(call, 0), &ns);
    if (err == WASI_OK) {
        iso_store_u64le(out, ns);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_clock_time_get(struct iso_host_call *call)
{
    uint8_t *out = iso_wasi_abi_memory(call, 2, 8);
    uint64_t ns;
    if (out == NULL) {
        return WASI_EFAULT;
    }
    enum iso_wasi_errno err =
        iso_wasi_clock_now(iso_wasi_abi_self(call), iso_wasi_abi_u32(call, 0), &ns);
    if (err == WASI_OK) {
        iso_store_u64le(out, ns);
    }
    return err;
}

enum iso_wasi_errno iso_wasi_abi_random_get(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    uint32_t len = iso_wasi_abi_u32(call, 1);
    uint8_t *out = iso_wasi_abi_memory(call, 0, len);
    if (out == NULL) {
        return WASI_EFAULT;
    }
    if (len == 0) {
        return WASI_OK;
    }
    if (wasi->random != NULL) {
        return wasi->random(wasi->random_ctx, out, len) ? WASI_OK : WASI_EIO;
    }
    for (uint32_t done = 0; done < len;) {
        ssize_t n = getrandom(out + done, len - done, 0);
        if (n < 0 && errno != EINTR) {
            return WASI_EIO;
        }
        done += n > 0 ? (uint32_t)n : 0;
    }
    return WASI_OK;
}

/* ---- Process ----------------------------------------------------------------------------- */

enum iso_wasi_errno iso_wasi_abi_sched_yield(struct iso_host_call *call)
{
    (void)call; /* nobody in the store could run instead */
    return WASI_OK;
}

enum iso_wasi_errno iso_wasi_abi_proc_exit(struct iso_host_call *call)
{
    struct iso_wasi *wasi = iso_wasi_abi_self(call);
    wasi->exited = true;
    wasi->exit_status = iso_wasi_abi_u32(call, 0);
    iso_host_exit(call, wasi->exit_status);
    return WASI_ANSWER_TRAP;
}

/* Signals of the specification and what they do to a program that has no handlers: T(erminate),
 * I(gnore), S(top: there is nobody who could continue it). */
static const struct {
    char action;
    char name[8];
} signals[] = {{'I', "NONE"},   {'T', "HUP"},  {'T', "INT"},   {'T', "QUIT"}, {'T', "ILL"},
               {'T', "TRAP"},   {'T', "ABRT"}, {'T', "BUS"},   {'T', "FPE"},  {'T', "KILL"},
               {'T', "USR1"},   {'T', "SEGV"}, {'T', "USR2"},  {'T', "PIPE"}, {'T', "ALRM"},
               {'T', "TERM"},   {'I', "CHLD"}, {'I', "CONT"},  {'S', "STOP"}, {'S', "TSTP"},
               {'S', "TTIN"},   {'S', "TTOU"}, {'I', "URG"},   {'T', "XCPU"}, {'T', "XFSZ"},
               {'T', "VTALRM"}, {'T', "PROF"}, {'I', "WINCH"}, {'T', "POLL"}, {'T', "PWR"},
               {'T', "SYS"}};

enum iso_wasi_errno iso_wasi_abi_proc_raise(struct iso_host_call *call)
{
    uint32_t signal = iso_wasi_abi_u32(call, 0);
    if (signal >= ISO_COUNT_OF(signals)) {
        return WASI_EINVAL;
    }
    if (signals[signal].action == 'I') {
        return WASI_OK;
    }
    if (signals[signal].action == 'S') {
        return WASI_ENOTSUP;
    }
    iso_host_trap(call, "the program raised SIG%s", signals[signal].name);
    return WASI_ANSWER_TRAP;
}
