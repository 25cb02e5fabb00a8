# Application manifests: reading them, and checking them against their packages. Pure.
iso_library(iso_orchestrator_manifest
  SOURCES
    check.c
    check_difference.c
    check_flow.c
    check_imports.c
    check_links.c
    check_value.c
    manifest.c
    manifest_component.c
    manifest_flow.c
    manifest_mistakes.c
    manifest_place.c
    manifest_read.c
    manifest_text.c
  DEPENDS iso_interface iso_package iso_platform iso::jansson)

iso_test(orchestrator_manifest_test SOURCES manifest_test.c LIBS iso_orchestrator_manifest)
iso_test(orchestrator_check_test
  SOURCES check_test.c LIBS iso_orchestrator_manifest iso_test_support)
