# What the supervisor, the orchestrator and the client commands need beyond the C library: libraries
# of Debian packages, found with pkg-config. The runtime itself (isomer run, the engine) needs none,
# so builds for other processors and with the memory sanitizer, for which the libraries are not there,
# go without them.
if(CMAKE_CROSSCOMPILING OR ISO_STATIC OR "memory" IN_LIST ISO_SANITIZE)
  set(iso_daemon_default OFF)
else()
  set(iso_daemon_default ON)
endif()
option(ISO_DAEMON "Build the supervisor and what else needs libraries" ${iso_daemon_default})

if(ISO_DAEMON)
  find_package(PkgConfig REQUIRED)
  foreach(name IN ITEMS libuv libmicrohttpd libcoap-3-gnutls gnutls jansson libsodium
      libcurl libarchive libsystemd libgpiod sqlite3)
    string(REGEX REPLACE "^lib|-.*$" "" short "${name}")
    pkg_check_modules(${short} REQUIRED IMPORTED_TARGET ${name})
    # iso::uv, iso::microhttpd, iso::coap, iso::gnutls, iso::jansson, ...
    add_library(iso::${short} ALIAS PkgConfig::${short})
  endforeach()
  # Programs link the shared libraries that they use, and no others.
  target_link_options(iso_flags INTERFACE -Wl,--as-needed)
endif()
