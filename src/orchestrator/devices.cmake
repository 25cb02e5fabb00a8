# Who is there, how well, and how to ask them.
iso_library(iso_orchestrator_devices
  SOURCES
    devices.c
    devices_add.c
    devices_address.c
    devices_ask.c
    devices_change.c
    devices_describe.c
    devices_keep.c
    devices_name.c
    devices_op.c
    devices_remove.c
    devices_write.c
    discovery.c
    discovery_look.c
    discovery_mdns.c
    health.c
    health_beat.c
    transport.c
  DEPENDS iso_orchestrator_store iso_daemon iso_net_http_client iso_net_mdns iso_net_tls
    iso::jansson iso::sodium iso::uv)

iso_test(orchestrator_health_test SOURCES health_test.c LIBS iso_orchestrator_devices)
iso_library(iso_orchestrator_devices_test_support
  SOURCES devices_test_support.c
  DEPENDS iso_orchestrator_devices iso_net_http_server iso_test_main)
foreach(subject IN ITEMS devices discovery transport)
  iso_test(orchestrator_${subject}_test
    SOURCES ${subject}_test.c LIBS iso_orchestrator_devices_test_support TIMEOUT 120)
endforeach()
