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
elseif(CMAKE_SIZEOF_VOID_P EQUAL 4)
  # Times after 2038. With libraries of others it is they who say how large a time is.
  target_compile_definitions(iso_flags INTERFACE _FILE_OFFSET_BITS=64 _TIME_BITS=64)
endif()
