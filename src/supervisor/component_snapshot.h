/* component_snapshot.h - what saving and loading of components share. */
#ifndef ISO_SUPERVISOR_COMPONENT_SNAPSHOT_H
#define ISO_SUPERVISOR_COMPONENT_SNAPSHOT_H

#include "supervisor/core_state.h"

#define ISO_SV_SNAPSHOT_MAGIC "ISOX"
#define ISO_SV_SNAPSHOT_VERSION 1u

#endif
