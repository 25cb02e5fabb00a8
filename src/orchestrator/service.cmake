# The daemon: everything put together behind the API.
iso_library(iso_orchestrator_clock SOURCES clock.c DEPENDS iso_base iso::uv)

iso_library(iso_orchestrator_packages
  SOURCES
    packages.c
    packages_job.c
    packages_trust.c
    packages_write.c
  DEPENDS iso_orchestrator_store iso_package iso_net_http_client iso::jansson iso::uv)

iso_library(iso_orchestrator
  SOURCES
    api_apps.c
    api_devices.c
    api_general.c
    api_packages.c
    api_pass.c
    api_things.c
    gather.c
    orchestrator.c
  DEPENDS iso_orchestrator_clock iso_orchestrator_packages iso_orchestrator_devices
    iso_orchestrator_deployer iso_daemon iso_net_http_server iso_net_http_client iso::sodium)
target_compile_definitions(iso_orchestrator PRIVATE ISO_VERSION="${PROJECT_VERSION}")
foreach(part IN ITEMS iso_orchestrator_clock iso_orchestrator_packages iso_orchestrator)
  target_compile_definitions(${part} PRIVATE _GNU_SOURCE _FILE_OFFSET_BITS=64)
endforeach()
