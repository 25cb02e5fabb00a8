# What runs components; knows no protocol and no document.
iso_library(iso_supervisor_core
  SOURCES
    call.c
    call_value.c
    component.c
    component_life.c
    component_load.c
    component_log.c
    component_plan.c
    component_run.c
    component_save.c
    core.c
    core_notes.c
    core_speed.c
    instance.c
    instance_done.c
    instance_host.c
    instance_link.c
    instance_poll.c
    instance_remote.c
    instance_run.c
    instance_trap.c
    instance_wait.c
    instance_wasi.c
    pace.c
    program.c
    timer.c
    worker.c
  DEPENDS iso_interface iso_wasi iso_platform iso::uv iso::jansson)
target_compile_definitions(iso_supervisor_core PUBLIC _GNU_SOURCE _FILE_OFFSET_BITS=64)

iso_library(iso_supervisor_core_test_support
  SOURCES core_test_support.c
  DEPENDS iso_supervisor_core iso_test_support iso_test_main)
iso_test(supervisor_core_test SOURCES core_test.c LIBS iso_supervisor_core_test_support TIMEOUT 300)
foreach(subject IN ITEMS limits link move stress wait)
  iso_test(supervisor_core_${subject}_test
    SOURCES core_${subject}_test.c LIBS iso_supervisor_core_test_support TIMEOUT 300)
endforeach()
