#!/bin/sh
# ./dev help
cat <<'TEXT'
usage: ./dev COMMAND [ARGUMENTS]

  build [PRESET...]           build (default: release) into build/PRESET; presets as in
                              CMakePresets.json: release debug asan tsan msan clang switch
                              fuzz aarch64 armhf riscv64 mips
  test [--full] [SUITE...]    build, then run the suites of tests/suites.txt: the default
                              ones, with --full all of them, or those named
       --list                 print the suites and what they run
  demo [--check]              a video, upscaled by three devices that find each other, with a
                              page to watch it; --check measures it for 20 s and ends
       --seconds N            so long instead
       --video SOURCE         another film, /dev/videoN or an address (rtsp://...)
       --move                 programs that move between processors while they run
  bench [ARGUMENTS]           measure speed against native code and other engines
  fuzz [ARGUMENTS]            run the fuzz targets
  lint [--fix]                check format, layers, words and scripts; --fix formats
  size [PRESET]               sizes of programs and libraries, their limits, and what was recorded
       --check                fail when a limit is passed or a program has grown by 5 %
       --update               record
  package [ARCH...]           Debian packages in build/packages: amd64 arm64 armhf

Each command installs the Debian packages that it lacks (tools/dev/packages), with sudo when
not root. When nothing is missing it touches no network.

Environment:
  JOBS                 parallel jobs (default: the number of processors)
  ISOMER_SPEC_TESTS    folder of the official WebAssembly tests in wast2json's format
  ISOMER_WASI_TESTS    folder of the official WASI tests
                       Tests that need a folder which is not there are reported as skipped.
TEXT
