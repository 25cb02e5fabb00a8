# What the toolchains of packages share: libraries come from the root that tools/dev/package_root.sh
# made for ISO_PACKAGE_ARCH, and programs run in an emulator with that root.
cmake_path(SET root NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../../.cache/package/${ISO_PACKAGE_ARCH}/root")
set(CMAKE_SYSROOT "${root}")
list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -L "${root}")
foreach(kind IN ITEMS LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${root}")
set(ENV{PKG_CONFIG_LIBDIR}
  "${root}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig:${root}/usr/share/pkgconfig")
