include("${CMAKE_CURRENT_LIST_DIR}/armhf.cmake")
set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabihf)
set(ISO_PACKAGE_ARCH armhf)
include("${CMAKE_CURRENT_LIST_DIR}/package-root.cmake")
