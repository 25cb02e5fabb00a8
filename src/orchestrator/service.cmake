# The daemon: everything put together behind the API.
iso_library(iso_orchestrator_clock SOURCES clock.c DEPENDS iso_base iso::uv)
