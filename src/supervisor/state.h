/* state.h - files and directories of the supervisor's state, for modules*.c and deployment*.c. All
 * functions block; any thread. */
#ifndef ISO_SUPERVISOR_STATE_H
#define ISO_SUPERVISOR_STATE_H

#include "base/base.h"

/* Paths of the state directory are shorter than this; a longer directory is refused at the start.
 */
enum { ISO_SV_PATH_MAX = 1024, ISO_SV_STATE_DIR_MAX = 700 };

/* dir/name into out. False when it does not fit. */
ISO_MUST_CHECK bool iso_sv_path_join(char out[ISO_SV_PATH_MAX], const char *dir, const char *name);
/* Make a directory (0700) unless it is there. Errors: ACCESS, IO, ARGUMENT (too long a path). */
ISO_MUST_CHECK enum iso_err iso_sv_dir_make(const char *path, struct iso_report *report);
/* What was renamed or removed in it stays so after a power cut. Failure is not told: not every file
 * system can do it. */
void iso_sv_dir_sync(const char *path);
/* Each entry but "." and ".."; what cannot be opened has none. visit may remove the entry. */
void iso_sv_dir_each(const char *path, void (*visit)(void *ctx, const char *path, const char *name),
                     void *ctx);
/* Remove a file, and sync its directory dir. A file that is not there is fine. */
ISO_MUST_CHECK enum iso_err iso_sv_file_remove(const char *dir, const char *name,
                                               struct iso_report *report);
/* Remove a directory with what is in it, at most 8 levels; links are removed, not followed. What
 * cannot be removed stays. */
void iso_sv_tree_remove(const char *path);

#endif
