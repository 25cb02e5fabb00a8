# All of it together: the API over HTTP, what is described and counted, and the daemon itself.
iso_library(iso_supervisor
  SOURCES
    allow.c
    api_call.c
    api_component.c
    api_deployments.c
    api_device.c
    api_modules.c
    api_pairing.c
    api_simulated.c
    api_stream.c
    coap_api.c
    coap_watch.c
    config.c
    daemon.c
    describe.c
    heartbeat.c
    history.c
    metrics.c
    neighbours.c
    observe.c
    owner.c
    register.c
    speed.c
    watch.c
  DEPENDS iso_supervisor_links iso_supervisor_deploy iso_supervisor_devices iso_supervisor_core
    iso_daemon iso_net_announce iso_net_coap iso_net_mdns iso_net_tls iso::jansson
    iso::sodium)
target_compile_definitions(iso_supervisor
  PRIVATE _GNU_SOURCE _FILE_OFFSET_BITS=64 ISO_VERSION="${PROJECT_VERSION}")
foreach(part IN ITEMS html css js)
  iso_embed(iso_supervisor iso_sv_page_${part} "${CMAKE_SOURCE_DIR}/ui/device/page.${part}")
endforeach()
foreach(part IN ITEMS html js)
  iso_embed(iso_supervisor iso_sv_display_${part} "${CMAKE_SOURCE_DIR}/ui/device/display.${part}")
endforeach()
iso_embed(iso_supervisor iso_sv_picture_js "${CMAKE_SOURCE_DIR}/ui/device/picture.js")

iso_test(supervisor_config_test
  SOURCES config_test.c LIBS iso_supervisor iso_supervisor_device_test_support)
target_compile_definitions(supervisor_config_test PRIVATE ${device_definitions})
