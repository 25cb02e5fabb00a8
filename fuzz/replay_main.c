/* Runs a fuzz target without a fuzzer: over files (findings that were kept), and over pseudo-random
 * inputs. Every input is one check; a finding ends the process.
 *
 * usage: NAME_replay [--random COUNT SEED] FOLDER|FILE... */
#define _POSIX_C_SOURCE 200809L
#include "harness.h"
#include "target.h"

#include "platform/platform.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned passed;

static void replay_file(const char *path)
{
    struct iso_file file;
    struct iso_report report;

    iso_report_init(&report);
    enum iso_err err = iso_file_read(path, 1u << 24, &file, &report);
    if (err != ISO_OK) {
        fuzz_fail("%s: %s", path, iso_report_text(&report, err));
    }
    (void)fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(file.bytes.ptr, file.bytes.len);
    iso_file_fini(&file);
    passed++;
}

/* A folder's files; a folder that does not exist has none. */
static void replay_path(const char *path)
{
    DIR *dir = opendir(path);

    if (dir == NULL && errno == ENOENT) {
        return;
    }
    if (dir == NULL) {
        replay_file(path);
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char file[4096];
        if (entry->d_name[0] != '.') {
            (void)iso_format(file, sizeof file, "%s/%s", path, entry->d_name);
            replay_file(file);
        }
    }
    (void)closedir(dir);
}

static void replay_random(unsigned long count, uint64_t seed)
{
    uint8_t data[4096];

    for (unsigned long i = 0; i < count; i++) {
        uint64_t state = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        size_t len = fuzz_random(&state) % sizeof data;
        for (size_t k = 0; k < len; k++) {
            data[k] = (uint8_t)(fuzz_random(&state) >> 24);
        }
        (void)fprintf(stderr, "random %llu\n", (unsigned long long)(seed + i));
        (void)LLVMFuzzerTestOneInput(data, len);
        passed++;
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--random") == 0 && i + 2 < argc) {
            replay_random(strtoul(argv[i + 1], NULL, 10), strtoull(argv[i + 2], NULL, 10));
            i += 2;
        } else {
            replay_path(argv[i]);
        }
    }
    (void)printf("%u passed, 0 failed, 0 skipped\n", passed);
    return 0;
}
