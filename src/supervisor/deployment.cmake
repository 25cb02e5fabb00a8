# Tests of deployments over a real core.
iso_library(iso_supervisor_deployment_test_support
  SOURCES deployment_test_support.c
  DEPENDS iso_supervisor_deploy iso_supervisor_core_test_support)
foreach(name IN ITEMS deployment deployment_crash deployment_move)
  iso_test(supervisor_${name}_test
    SOURCES ${name}_test.c
    LIBS iso_supervisor_deployment_test_support
    TIMEOUT 300)
endforeach()
