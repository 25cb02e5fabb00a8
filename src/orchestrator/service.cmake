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
    api_page.c
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

# The web page. What it uses of others comes from npm when this is configured.
set(page "${CMAKE_SOURCE_DIR}/ui/orchestrator")
execute_process(
  COMMAND python3 "${page}/vendor.py" "${CMAKE_BINARY_DIR}/page"
  OUTPUT_VARIABLE vendored OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" vendored "${vendored}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${page}/vendor.py" "${page}/package-lock.json")
file(GLOB page_files CONFIGURE_DEPENDS "${page}/*.html" "${page}/*.css" "${page}/*.js" "${page}/*.svg")
iso_embed_files(iso_orchestrator iso_or_page_files "orchestrator/page.h" ${page_files} ${vendored})
