# Deployment documents. The supervisor's own reader judges them, in a test that therefore stands
# outside src, where neither may know the other.
iso_library(iso_orchestrator_documents SOURCES documents.c DEPENDS iso_interface iso::jansson)
iso_test(orchestrator_documents_test
  SOURCES ${PROJECT_SOURCE_DIR}/tests/orchestrator/documents_test.c
  LIBS iso_orchestrator_documents iso_supervisor_deploy iso_codec_test_support)
