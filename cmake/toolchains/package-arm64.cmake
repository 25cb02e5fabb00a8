include("${CMAKE_CURRENT_LIST_DIR}/aarch64.cmake")
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ISO_PACKAGE_ARCH arm64)
include("${CMAKE_CURRENT_LIST_DIR}/package-root.cmake")
