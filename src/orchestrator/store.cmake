# Everything that outlives the process. Knows nobody.
iso_library(iso_orchestrator_store
  SOURCES
    store.c
    store_generation.c
    store_rows.c
    store_schema.c
  DEPENDS iso_platform iso::sqlite3)
target_compile_definitions(iso_orchestrator_store PUBLIC _GNU_SOURCE)

foreach(name IN ITEMS store store_crash)
  iso_test(orchestrator_${name}_test SOURCES ${name}_test.c store_test_support.c LIBS iso_orchestrator_store)
endforeach()
