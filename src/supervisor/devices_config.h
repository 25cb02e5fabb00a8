/* devices_config.h - the configuration of the device interfaces, from JSON. */
#ifndef ISO_SUPERVISOR_DEVICES_CONFIG_H
#define ISO_SUPERVISOR_DEVICES_CONFIG_H

#include "supervisor/devices.h"

/* text: member "devices" of the configuration file; empty: no devices but the machine's sensors.
 * file: path of that file, from whose folder paths that begin with ./ or ../ are seen; NULL: from
 * the working directory. What out points to is in the arena. Errors: MALFORMED, INVALID (which
 * member, and what would be right), NOMEM. */
ISO_MUST_CHECK enum iso_err iso_sv_devices_config_read(struct iso_bytes text, const char *file,
                                                       struct iso_arena *arena,
                                                       struct iso_sv_devices_config *out,
                                                       struct iso_report *report);

#endif
