# The heart: generations of applications, brought to the devices.
iso_library(iso_orchestrator_deployer
  SOURCES
    deployer.c
    deployer_address.c
    deployer_ask.c
    deployer_describe.c
    deployer_failing.c
    deployer_figures.c
    deployer_forget.c
    deployer_generation.c
    deployer_part.c
    deployer_plan.c
    deployer_resolve.c
    deployer_switch.c
    deployer_trial.c
    deployer_trust.c
    move.c
    reconcile.c
  DEPENDS iso_orchestrator_documents iso_orchestrator_manifest iso_orchestrator_planner
    iso_orchestrator_store iso_daemon iso_package iso::jansson iso::sodium)
target_compile_definitions(iso_orchestrator_deployer PRIVATE _GNU_SOURCE)

iso_library(iso_orchestrator_deployer_test_support
  SOURCES
    deployer_model_moves_test_support.c
    deployer_model_test_support.c
    deployer_network_test_support.c
    deployer_test_support.c
  DEPENDS iso_orchestrator_deployer iso_test_main)
target_compile_definitions(iso_orchestrator_deployer_test_support PUBLIC _GNU_SOURCE)
foreach(name IN ITEMS deployer deployer_failing deployer_fault deployer_kill deployer_packages
        deployer_random deployer_trust)
  iso_test(orchestrator_${name}_test
    SOURCES ${name}_test.c LIBS iso_orchestrator_deployer_test_support)
endforeach()
iso_test(orchestrator_deployer_address_test
  SOURCES deployer_address_test.c LIBS iso_orchestrator_deployer)
