/* host.h - what the commands of interface_tool share: files, worlds, and a host for guests that
 * give back what they get. */
#ifndef ISO_TESTS_INTERFACE_HOST_H
#define ISO_TESTS_INTERFACE_HOST_H

#include "codec/random_test_support.h"
#include "interface/interface.h"
#include "wasi/wasi.h"

/* Every failure ends the process, with a message. */
ISO_NORETURN void die(const char *what, const struct iso_report *report, enum iso_err err);
void check(const char *what, const struct iso_report *report, enum iso_err err);

/* The bytes are there until host_files_fini. */
struct iso_bytes read_file(const char *path);
void host_files_fini(void);
/* The first world of a file. */
const struct iso_wit_world *read_world(const char *path, struct iso_wit *wit);

struct host {
    const struct iso_wit_world *world;
    struct iso_engine *engine;
    struct iso_module *module;
    struct iso_store *store;
    struct iso_wasi *wasi;
    struct iso_instance *instance;
};

/* Engine, module, and a store with imports that give back what they get. world is set. */
void host_init(struct host *host, const char *guest);
/* The instance, initialised. */
void host_start(struct host *host);
void host_fini(struct host *host);

/* What a function is to answer to its arguments: the only one, or the tuple of all. */
struct iso_value host_expected(const struct iso_wit_func *func, const struct iso_value *args);

/* Arguments that a call cannot have more of. */
enum { HOST_ARGS_MAX = 64 };
/* Random arguments of a function, in the arena. */
void host_args(struct iso_random *random, const struct iso_wit_func *func, struct iso_arena *arena,
               struct iso_value args[HOST_ARGS_MAX]);

/* carry.c: typed calls that move between processes. */
int carry_begin(const char *wit, const char *guest, const char *seed, const char *steps,
                const char *to);
int carry_on(const char *wit, const char *guest, const char *seed, const char *from,
             const char *steps, const char *to);

#endif
