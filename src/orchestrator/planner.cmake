# Where components run. Pure: no I/O, no clock, no JSON but what it writes.
iso_library(iso_orchestrator_planner
  SOURCES
    planner.c
    planner_conflict.c
    planner_conflict_words.c
    planner_cost.c
    planner_exact.c
    planner_explain.c
    planner_fit.c
    planner_greedy.c
    planner_improve.c
    planner_input.c
    planner_json.c
    planner_model.c
    planner_names.c
    planner_refine.c
    planner_units.c
    planner_why.c
    planner_words.c
  DEPENDS iso_codec m)

iso_library(iso_orchestrator_planner_test_support
  SOURCES planner_test_support.c
  DEPENDS iso_orchestrator_planner)
foreach(name IN ITEMS cases random)
  iso_test(orchestrator_planner_${name}_test
    SOURCES planner_${name}_test.c LIBS iso_orchestrator_planner_test_support)
endforeach()
iso_test(orchestrator_planner_test
  SOURCES planner_test.c LIBS iso_orchestrator_planner_test_support iso::jansson)
iso_embed(orchestrator_planner_cases_test planner_cases
  "${CMAKE_CURRENT_SOURCE_DIR}/planner_cases.txt")
