# Machine to machine: what needs no network, no clock and no core.
iso_library(iso_supervisor_flow
  SOURCES
    flow.c
    flow_args.c
    flow_hop.c
    flow_runs.c
    flow_wire.c
    item.c
    item_json.c
    meter.c
    remember.c
    remember_table.c
  DEPENDS iso_interface iso::jansson iso::uv)
target_compile_definitions(iso_supervisor_flow PUBLIC _GNU_SOURCE)
iso_library(iso_flow_test_support SOURCES flow_test_support.c
  DEPENDS iso_supervisor_flow iso_test_support)
iso_test(supervisor_flow_test SOURCES flow_test.c LIBS iso_flow_test_support)
foreach(name IN ITEMS item meter remember)
  iso_test(supervisor_${name}_test SOURCES ${name}_test.c LIBS iso_supervisor_flow)
endforeach()

# The same with the core, deployment documents and CoAP.
iso_library(iso_supervisor_links
  SOURCES
    flow_run.c
    flow_serve.c
    peers.c
    peers_code.c
    peers_conn.c
    peers_link.c
    peers_relay.c
    peers_serve.c
    peers_status.c
  DEPENDS iso_supervisor_flow iso_supervisor_deploy iso_supervisor_core iso_daemon iso_net_coap)

iso_library(iso_peers_test_support SOURCES peers_test_support.c
  DEPENDS iso_supervisor_links iso_supervisor_core_test_support)
iso_test(supervisor_flow_args_test SOURCES flow_args_test.c LIBS iso_supervisor_links)
iso_test(supervisor_peers_test SOURCES peers_test.c LIBS iso_peers_test_support TIMEOUT 300)
