# The device interfaces. host.h is their seam to the core; tests bring a core of their own.
set(device_definitions _DEFAULT_SOURCE _XOPEN_SOURCE=700 _FILE_OFFSET_BITS=64)
# Finding frames in bytes stands alone, for its fuzz target.
iso_library(iso_supervisor_frames SOURCES device_jpeg.c device_split.c DEPENDS iso_base)
# The files of a component's storage, also for whoever moves components.
iso_library(iso_supervisor_storage
  SOURCES device_store.c device_transfer.c
  DEPENDS iso_interface iso_platform iso::uv)
target_compile_definitions(iso_supervisor_storage PRIVATE ${device_definitions})
iso_library(iso_supervisor_devices
  SOURCES
    device_answer.c
    device_camera.c
    device_command.c
    device_display.c
    device_frame.c
    device_gpio.c
    device_gpio_chip.c
    device_hwmon.c
    device_iio.c
    device_job.c
    device_picture.c
    device_run.c
    device_sensor.c
    device_simple.c
    device_simulated.c
    device_source.c
    device_storage.c
    device_sysfs.c
    devices.c
    devices_config.c
  DEPENDS iso_supervisor_frames iso_supervisor_storage iso_interface iso_platform iso::uv iso::gpiod iso::jansson m)
target_compile_definitions(iso_supervisor_devices PRIVATE ${device_definitions})
iso_embed(iso_supervisor_devices iso_sv_device_wit "${CMAKE_SOURCE_DIR}/sdk/wit/device.wit")

iso_library(iso_supervisor_device_test_support
  SOURCES device_test_support.c
  DEPENDS iso_supervisor_devices iso_test_support)
foreach(subject IN ITEMS camera config display ffmpeg gpio sensor simple simulated split storage)
  iso_test(supervisor_device_${subject}_test
    SOURCES device_${subject}_test.c LIBS iso_supervisor_device_test_support iso_supervisor_devices)
  target_compile_definitions(supervisor_device_${subject}_test PRIVATE ${device_definitions})
endforeach()
target_compile_definitions(iso_supervisor_device_test_support PRIVATE ${device_definitions})
