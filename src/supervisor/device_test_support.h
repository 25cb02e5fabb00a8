/*
 * For tests of the device interfaces: the other side of host.h. Guests are structs, calls take
 * their arguments as JSON and give their results so, through the types of device.wit, so that every
 * answer is checked against its type.
 */
#ifndef ISO_SUPERVISOR_DEVICE_TEST_SUPPORT_H
#define ISO_SUPERVISOR_DEVICE_TEST_SUPPORT_H

#include "base/test.h"
#include "supervisor/device_internal.h"

struct iso_sv_component {
    uint64_t id;
};

/* An instance. Zeroes: nothing granted, no storage. */
struct iso_sv_guest {
    struct iso_sv_component component;
    const char *grants[8]; /* "camera" or "camera:front"; "*": everything */
    const struct iso_sv_pair *config;
    size_t config_count;
    const char *storage_path;
    uint64_t storage_max;
    bool refuse_events; /* as if every payload were no JSON */
    /* What it did. */
    unsigned refused;
    char log[512]; /* "LEVEL text\n"... */
    char events[512];
    uint64_t sleeps_until;
    /* The call under way. */
    struct iso_sv_op *op;
    bool started;
    bool finished;
};

struct dev_test {
    uv_loop_t loop;
    struct iso_sv_devices *devices;
    char log[2048]; /* of the devices */
};

/* Sets loop, log and what is NULL in the configuration; fails the test when it is refused. */
void dev_test_begin(struct dev_test *test, struct iso_sv_devices_config *config);
/* Destroys the devices and runs the loop until nothing is left in it. */
void dev_test_end(struct dev_test *test);
/* Runs the loop until *flag; fails the test after 20 s. */
void dev_test_wait(struct dev_test *test, const bool *flag);
/* Runs the loop for that long. For what must not happen. */
void dev_test_run_ms(struct dev_test *test, uint64_t ms);

/* A call that may wait. */
struct dev_call {
    struct dev_test *test;
    struct iso_sv_guest *guest;
    const struct iso_sv_host_func *host;
    const struct iso_wit_func *func;
    void *ctx;
    struct iso_arena arena;
    struct iso_value args[8];
    struct iso_host_call call;
    bool done;
    struct iso_value result;
};

/* args: a JSON object or array. Issues the function once. */
void dev_call_begin(struct dev_call *call, struct dev_test *test, struct iso_sv_guest *guest,
                    const char *interface, const char *func, const char *args);
/* Issues it again if its operation has finished. True: the call has ended. */
bool dev_call_poll(struct dev_call *call);
/* To its end; its result as JSON, good until the next call. */
const char *dev_call_end(struct dev_call *call);
/* Gives it up. */
void dev_call_cancel(struct dev_call *call);

/* All at once. */
const char *dev_test_call(struct dev_test *test, struct iso_sv_guest *guest, const char *interface,
                          const char *func, const char *args);
/* The description as JSON; good until the next one. */
const char *dev_test_describe(const struct dev_test *test);

/* A new directory under the system's for temporary files, and removal of it with all in it. */
void dev_test_dir(char out[256]);
void dev_test_dir_remove(const char *path);
/* Writes a file, directories above it included. */
void dev_test_write(const char *directory, const char *file, const void *bytes, size_t len);

/* A tiny JPEG file that is whole by its structure: width, height, `fill` bytes of data in its scan,
 * which contain FF 00 and restart markers, and a thumbnail in a segment. Returns its length. */
size_t dev_test_jpeg(uint8_t *out, size_t cap, uint32_t width, uint32_t height, size_t fill);

#endif
