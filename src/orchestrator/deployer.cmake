# The heart: generations of applications, brought to the devices.
iso_library(iso_orchestrator_deployer
  SOURCES
    deployer.c
    deployer_ask.c
    deployer_describe.c
    deployer_generation.c
    deployer_part.c
    deployer_plan.c
    deployer_resolve.c
    deployer_switch.c
    deployer_trial.c
    move.c
    reconcile.c
  DEPENDS iso_orchestrator_documents iso_orchestrator_manifest iso_orchestrator_planner
    iso_orchestrator_store iso_package iso::jansson iso::sodium)
target_compile_definitions(iso_orchestrator_deployer PRIVATE _GNU_SOURCE)
