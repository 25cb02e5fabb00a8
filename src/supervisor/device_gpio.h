/*
 * device_gpio.h - a line of a chip, through libgpiod (version 1): opened with its first use. Blocks
 * (chips behind a bus take their time); one thread at a time.
 */
#ifndef ISO_SUPERVISOR_DEVICE_GPIO_H
#define ISO_SUPERVISOR_DEVICE_GPIO_H

#include "supervisor/device_internal.h"

struct iso_sv_chip_line;

/* NULL: trouble has why. def: borrowed for the call. */
struct iso_sv_chip_line *iso_sv_chip_line_open(const struct iso_alloc *alloc,
                                               const struct iso_sv_gpio_def *def,
                                               struct iso_sv_trouble *trouble);
bool iso_sv_chip_line_get(struct iso_sv_chip_line *line, bool *active,
                          struct iso_sv_trouble *trouble);
bool iso_sv_chip_line_set(struct iso_sv_chip_line *line, bool active,
                          struct iso_sv_trouble *trouble);
void iso_sv_chip_line_close(struct iso_sv_chip_line *line); /* NULL is fine */

#endif
