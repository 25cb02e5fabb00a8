/*
 * wasi_abi_table.c - which imports there are: names, types, and what a snapshot does with a call
 * that is pending.
 */
#include "wasi/wasi_abi.h"

/* Make an engine's host function of iso_wasi_abi_NAME. */
static enum iso_host_result answer(struct iso_host_call *call, enum iso_wasi_errno err)
{
    if (ISO_UNLIKELY(err == WASI_ANSWER_PENDING)) {
        return ISO_HOST_PENDING;
    }
    if (ISO_UNLIKELY(err == WASI_ANSWER_TRAP)) {
        return ISO_HOST_TRAP;
    }
    call->results[0].u32 = (uint32_t)err;
    return ISO_HOST_DONE;
}

/*
 * X(name, parameters, policy) for those that are the same in both previews; P(...) likewise, with
 * a form of its own in preview 0. Types: i is i32, I is i64. Policies: R, the call is issued again
 * after a restore; D, likewise with its progress or its time.
 */
#define WASI_IMPORTS(X, P)                                                                         \
    X(args_get, "ii", R)                                                                           \
    X(args_sizes_get, "ii", R)                                                                     \
    X(environ_get, "ii", R)                                                                        \
    X(environ_sizes_get, "ii", R)                                                                  \
    X(clock_res_get, "ii", R)                                                                      \
    X(clock_time_get, "iIi", R)                                                                    \
    X(fd_advise, "iIIi", R)                                                                        \
    X(fd_allocate, "iII", R)                                                                       \
    X(fd_close, "i", R)                                                                            \
    X(fd_datasync, "i", R)                                                                         \
    X(fd_fdstat_get, "ii", R)                                                                      \
    X(fd_fdstat_set_flags, "ii", R)                                                                \
    X(fd_fdstat_set_rights, "iII", R)                                                              \
    P(fd_filestat_get, "ii", R)                                                                    \
    X(fd_filestat_set_size, "iI", R)                                                               \
    X(fd_filestat_set_times, "iIIi", R)                                                            \
    X(fd_pread, "iiiIi", R)                                                                        \
    X(fd_prestat_get, "ii", R)                                                                     \
    X(fd_prestat_dir_name, "iii", R)                                                               \
    X(fd_pwrite, "iiiIi", R)                                                                       \
    X(fd_read, "iiii", R)                                                                          \
    X(fd_readdir, "iiiIi", R)                                                                      \
    X(fd_renumber, "ii", R)                                                                        \
    P(fd_seek, "iIii", R)                                                                          \
    X(fd_sync, "i", R)                                                                             \
    X(fd_tell, "ii", R)                                                                            \
    X(fd_write, "iiii", D)                                                                         \
    X(path_create_directory, "iii", R)                                                             \
    P(path_filestat_get, "iiiii", R)                                                               \
    X(path_filestat_set_times, "iiiiIIi", R)                                                       \
    X(path_link, "iiiiiii", R)                                                                     \
    X(path_open, "iiiiiIIii", R)                                                                   \
    X(path_readlink, "iiiiii", R)                                                                  \
    X(path_remove_directory, "iii", R)                                                             \
    X(path_rename, "iiiiii", R)                                                                    \
    X(path_symlink, "iiiii", R)                                                                    \
    X(path_unlink_file, "iii", R)                                                                  \
    P(poll_oneoff, "iiii", D)                                                                      \
    X(proc_raise, "i", R)                                                                          \
    X(sched_yield, "", R)                                                                          \
    X(random_get, "ii", R)                                                                         \
    X(sock_accept, "iii", R)                                                                       \
    X(sock_recv, "iiiiii", D)                                                                      \
    X(sock_send, "iiiii", D)                                                                       \
    X(sock_shutdown, "ii", R)

#define POLICY_R ISO_HOST_REISSUE
#define POLICY_D ISO_HOST_DEADLINE

#define DEFINE_ONE(name, params, policy)                                                           \
    static enum iso_host_result call_##name(struct iso_host_call *call)                            \
    {                                                                                              \
        return answer(call, iso_wasi_abi_##name(call));                                            \
    }
#define DEFINE_BOTH(name, params, policy)                                                          \
    DEFINE_ONE(name, params, policy)                                                               \
    DEFINE_ONE(name##_p0, params, policy)
WASI_IMPORTS(DEFINE_ONE, DEFINE_BOTH)
DEFINE_ONE(proc_exit, "i", R)

struct import {
    const char *name;
    const char *params;
    enum iso_host_policy policy;
    iso_host_fn fn;
    iso_host_fn fn_p0;
};

#define ENTRY_ONE(name, params, policy) {#name, params, POLICY_##policy, call_##name, call_##name},
#define ENTRY_BOTH(name, params, policy)                                                           \
    {#name, params, POLICY_##policy, call_##name, call_##name##_p0},
static const struct import imports[] = {WASI_IMPORTS(ENTRY_ONE, ENTRY_BOTH)};

/* Does the module import the function? NULL: any might. */
static bool is_wanted(const struct iso_module *by, const char *module, const char *name)
{
    uint32_t count = by != NULL ? iso_module_import_count(by) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct iso_import_desc import;
        iso_module_import(by, i, &import);
        if (iso_str_equal_z(import.name, name) && iso_str_equal_z(import.module, module)) {
            return true;
        }
    }
    return by == NULL;
}

static enum iso_err define(struct iso_wasi *wasi, struct iso_store *store, const char *module,
                           const char *name, const char *params, const char *results,
                           iso_host_fn fn, enum iso_host_policy policy)
{
    struct iso_host_func func = {.module = module,
                                 .name = name,
                                 .params = params,
                                 .results = results,
                                 .fn = fn,
                                 .ctx = wasi,
                                 .policy = policy};
    return iso_store_define_func(store, &func);
}

static enum iso_err define_module(struct iso_wasi *wasi, struct iso_store *store,
                                  const struct iso_module *by, const char *module, bool p0)
{
    for (size_t i = 0; i < ISO_COUNT_OF(imports); i++) {
        const struct import *import = &imports[i];
        if (!is_wanted(by, module, import->name)) {
            continue;
        }
        enum iso_err err = define(wasi, store, module, import->name, import->params, "i",
                                  p0 ? import->fn_p0 : import->fn, import->policy);
        if (err != ISO_OK) {
            return err;
        }
    }
    if (!is_wanted(by, module, "proc_exit")) {
        return ISO_OK;
    }
    return define(wasi, store, module, "proc_exit", "i", "", call_proc_exit, ISO_HOST_REISSUE);
}

enum iso_err iso_wasi_define_for(struct iso_wasi *wasi, struct iso_store *store,
                                 const struct iso_module *module)
{
    enum iso_err err = define_module(wasi, store, module, "wasi_snapshot_preview1", false);
    if (err == ISO_OK) {
        err = define_module(wasi, store, module, "wasi_unstable", true);
    }
    return err;
}

enum iso_err iso_wasi_define(struct iso_wasi *wasi, struct iso_store *store)
{
    return iso_wasi_define_for(wasi, store, NULL);
}
