# Where components run. Pure: no I/O, no clock, no JSON but what it writes.
iso_library(iso_orchestrator_planner
  SOURCES
    planner_text.c
  DEPENDS iso_codec)
