/*
 * device_gpio_chip.c - lines of GPIO chips through libgpiod 1.6, which uses the kernel's character
 * devices (/dev/gpiochipN).
 */
#include "supervisor/device_gpio.h"

#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>

struct iso_sv_chip_line {
    const struct iso_alloc *alloc;
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

static void complain(struct iso_sv_trouble *trouble, const struct iso_sv_gpio_def *def,
                     const char *what)
{
    int failed = errno;
    iso_sv_trouble_set(trouble, failed == EBUSY ? ISO_SV_IN_USE : ISO_SV_FAILED_DEVICE,
                       "line %s: %s (chip %s, line %s): %s", def->name, what, def->chip, def->line,
                       iso_errno_text(failed));
}

static struct gpiod_line *find_line(struct gpiod_chip *chip, const char *name)
{
    char *end = NULL;
    unsigned long offset = strtoul(name, &end, 10);
    if (end != name && *end == '\0' && offset < 65536) {
        return gpiod_chip_get_line(chip, (unsigned)offset);
    }
    return gpiod_chip_find_line(chip, name);
}

static bool request(struct gpiod_line *line, const struct iso_sv_gpio_def *def)
{
    int flags = def->active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
    return (def->output ? gpiod_line_request_output_flags(line, "isomer", flags, def->initial)
                        : gpiod_line_request_input_flags(line, "isomer", flags)) == 0;
}

struct iso_sv_chip_line *iso_sv_chip_line_open(const struct iso_alloc *alloc,
                                               const struct iso_sv_gpio_def *def,
                                               struct iso_sv_trouble *trouble)
{
    struct iso_sv_chip_line *line = iso_alloc_new(alloc, sizeof *line);
    if (line == NULL) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "out of memory");
        return NULL;
    }
    line->alloc = alloc;
    errno = 0;
    line->chip = gpiod_chip_open_lookup(def->chip);
    if (line->chip == NULL) {
        complain(trouble, def, "its chip cannot be opened");
        iso_sv_chip_line_close(line);
        return NULL;
    }
    line->line = find_line(line->chip, def->line);
    if (line->line == NULL || !request(line->line, def)) {
        complain(trouble, def, line->line == NULL ? "it is not there" : "it cannot be had");
        line->line = NULL;
        iso_sv_chip_line_close(line);
        return NULL;
    }
    return line;
}

bool iso_sv_chip_line_get(struct iso_sv_chip_line *line, bool *active,
                          struct iso_sv_trouble *trouble)
{
    int level = gpiod_line_get_value(line->line);
    if (level < 0) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "the line cannot be read: %s",
                           iso_errno_text(errno));
        return false;
    }
    *active = level != 0;
    return true;
}

bool iso_sv_chip_line_set(struct iso_sv_chip_line *line, bool active,
                          struct iso_sv_trouble *trouble)
{
    if (gpiod_line_set_value(line->line, active) != 0) {
        iso_sv_trouble_set(trouble, ISO_SV_FAILED_DEVICE, "the line cannot be driven: %s",
                           iso_errno_text(errno));
        return false;
    }
    return true;
}

void iso_sv_chip_line_close(struct iso_sv_chip_line *line)
{
    if (line == NULL) {
        return;
    }
    if (line->line != NULL) {
        gpiod_line_release(line->line);
    }
    if (line->chip != NULL) {
        gpiod_chip_close(line->chip);
    }
    iso_alloc_free(line->alloc, line, sizeof *line);
}
