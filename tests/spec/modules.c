/* The modules of one script, by file name. The threads that run the script share them, so that lazy
 * translation happens under contention. */
#define _POSIX_C_SOURCE 200809L
#include "modules.h"

#include "platform/platform.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *name;
    struct iso_file file;
    struct iso_module *module;
    struct entry *next;
};

struct spec_modules {
    struct iso_engine *engine;
    const struct spec_options *options;
    pthread_mutex_t mutex;
    struct entry *entries;
    size_t count;
};

struct spec_modules *spec_modules_create(struct iso_engine *engine,
                                         const struct spec_options *options)
{
    struct spec_modules *modules = calloc(1, sizeof *modules);

    if (modules == NULL || pthread_mutex_init(&modules->mutex, NULL) != 0) {
        free(modules);
        return NULL;
    }
    modules->engine = engine;
    modules->options = options;
    return modules;
}

static void entry_destroy(struct entry *entry)
{
    iso_module_destroy(entry->module);
    iso_file_fini(&entry->file);
    free(entry->name);
    free(entry);
}

void spec_modules_destroy(struct spec_modules *modules)
{
    if (modules == NULL) {
        return;
    }
    while (modules->entries != NULL) {
        struct entry *entry = modules->entries;
        modules->entries = entry->next;
        entry_destroy(entry);
    }
    (void)pthread_mutex_destroy(&modules->mutex);
    free(modules);
}

static enum iso_err entry_load(struct spec_modules *modules, const char *name, struct entry **out,
                               struct iso_report *report)
{
    char path[4096];
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL) {
        return ISO_E_NOMEM;
    }
    entry->name = strdup(name);
    (void)iso_format(path, sizeof path, "%s/%s", modules->options->dir, name);
    enum iso_err err =
        entry->name == NULL ? ISO_E_NOMEM : iso_file_read(path, 1u << 24, &entry->file, report);
    if (err == ISO_OK) {
        err = iso_module_create(modules->engine, entry->file.bytes.ptr, entry->file.bytes.len,
                                &entry->module, report);
    }
    if (err == ISO_OK && modules->options->eager) {
        err = iso_module_translate(entry->module, NULL, report);
    }
    if (err != ISO_OK) {
        entry_destroy(entry);
        return err;
    }
    *out = entry;
    return ISO_OK;
}

enum iso_err spec_modules_get(struct spec_modules *modules, const char *name,
                              struct iso_module **out, struct iso_report *report)
{
    enum iso_err err = ISO_OK;
    struct entry *entry;

    (void)pthread_mutex_lock(&modules->mutex);
    for (entry = modules->entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->name, name) == 0) {
            break;
        }
    }
    if (entry == NULL) {
        err = entry_load(modules, name, &entry, report);
        if (err == ISO_OK) {
            entry->next = modules->entries;
            modules->entries = entry;
            modules->count++;
        }
    }
    if (err == ISO_OK) {
        *out = entry->module;
    }
    (void)pthread_mutex_unlock(&modules->mutex);
    return err;
}

size_t spec_modules_list(struct spec_modules *modules, struct iso_module **out, size_t cap)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&modules->mutex);
    for (struct entry *entry = modules->entries; entry != NULL && count < cap;
         entry = entry->next) {
        out[count++] = entry->module;
    }
    (void)pthread_mutex_unlock(&modules->mutex);
    return count;
}
