/* Sensors of a made-up /sys, and simulated ones. */
#include "supervisor/device_test_support.h"

#include <math.h>

static void put(const char *root, const char *file, const char *text)
{
    dev_test_write(root, file, text, strlen(text));
}

#define HWMON "class/hwmon/"
#define IIO "bus/iio/devices/"

static void make_sysfs(const char *root)
{
    put(root, HWMON "hwmon0/name", "cpu_thermal\n");
    put(root, HWMON "hwmon0/temp1_input", "48312\n");
    put(root, HWMON "hwmon0/temp1_label", "Package id 0\n");
    put(root, HWMON "hwmon0/temp1_crit", "110000\n");
    put(root, HWMON "hwmon2/name", "nvme\n");
    put(root, HWMON "hwmon2/temp1_input", "-5000\n");
    put(root, HWMON "hwmon2/temp10_input", "10000\n");
    put(root, HWMON "hwmon2/temp2_input", "2000\n");
    put(root, HWMON "hwmon10/name", "nvme\n");
    put(root, HWMON "hwmon10/temp1_input", "1500\n");
    put(root, HWMON "hwmon3/name", "board\n");
    put(root, HWMON "hwmon3/in0_input", "3300\n");
    put(root, HWMON "hwmon3/fan1_input", "1200\n");
    put(root, HWMON "hwmon3/curr1_input", "250\n");
    put(root, HWMON "hwmon3/power1_input", "12500000\n");
    put(root, HWMON "hwmon3/humidity1_input", "45500\n");
    put(root, HWMON "hwmon3/energy1_input", "1\n");
    put(root, HWMON "hwmon4/temp1_input", "broken\n");
    put(root, IIO "iio:device0/name", "bme280\n");
    put(root, IIO "iio:device0/in_temp_input", "21500\n");
    put(root, IIO "iio:device0/in_temp_raw", "1\n");
    put(root, IIO "iio:device0/in_pressure_input", "101.325\n");
    put(root, IIO "iio:device0/in_humidityrelative_input", "40000\n");
    put(root, IIO "iio:device1/name", "lis3dh\n");
    put(root, IIO "iio:device1/in_accel_x_raw", "-256\n");
    put(root, IIO "iio:device1/in_accel_z_raw", "1024\n");
    put(root, IIO "iio:device1/in_accel_scale", "0.009582\n");
    put(root, IIO "iio:device1/in_voltage0_raw", "100\n");
    put(root, IIO "iio:device1/in_voltage0_scale", "2.5\n");
    put(root, IIO "iio:device1/in_voltage0_offset", "-20\n");
    put(root, IIO "iio:device1/in_voltage1_raw", "100\n");
    put(root, IIO "iio:device1/in_proximity_raw", "17\n");
    put(root, IIO "trigger0/name", "no sensor\n");
}

static double read_value(struct dev_test *test, struct iso_sv_guest *guest, const char *name)
{
    struct dev_call call;
    char args[128];
    (void)iso_format(args, sizeof args, "[\"%s\"]", name);
    uint64_t before = iso_sv_realtime_ns();
    dev_call_begin(&call, test, guest, "sensor", "read", args);
    while (!dev_call_poll(&call)) {
        dev_test_wait(test, &guest->finished);
    }
    if (call.result.choice.index != 0) {
        TEST_FAIL("%s: %s", name, dev_call_end(&call));
    }
    const struct iso_value *fields = call.result.choice.payload->list.items;
    CHECK(iso_str_equal_z(fields[0].string, name));
    CHECK(fields[3].u >= before && fields[3].u <= iso_sv_realtime_ns());
    double value = fields[2].f64;
    (void)dev_call_end(&call);
    return value;
}

TEST(sensors_of_linux_are_listed_with_their_units)
{
    char root[256];
    struct dev_test test;
    dev_test_dir(root);
    make_sysfs(root);
    struct iso_sv_devices_config config = {.sensors = true, .sysfs = root};
    struct iso_sv_guest guest = {.grants = {"sensor"}};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "sensor", "list-sensors", ""),
              "[{\"name\":\"cpu-thermal/temp1\",\"unit\":\"°C\"},"
              "{\"name\":\"nvme/temp1\",\"unit\":\"°C\"},"
              "{\"name\":\"nvme/temp2\",\"unit\":\"°C\"},"
              "{\"name\":\"nvme/temp10\",\"unit\":\"°C\"},"
              "{\"name\":\"board/curr1\",\"unit\":\"A\"},"
              "{\"name\":\"board/fan1\",\"unit\":\"rpm\"},"
              "{\"name\":\"board/humidity1\",\"unit\":\"%\"},"
              "{\"name\":\"board/in0\",\"unit\":\"V\"},"
              "{\"name\":\"board/power1\",\"unit\":\"W\"},"
              "{\"name\":\"hwmon4/temp1\",\"unit\":\"°C\"},"
              "{\"name\":\"nvme-2/temp1\",\"unit\":\"°C\"},"
              "{\"name\":\"bme280/humidityrelative\",\"unit\":\"%\"},"
              "{\"name\":\"bme280/pressure\",\"unit\":\"Pa\"},"
              "{\"name\":\"bme280/temp\",\"unit\":\"°C\"},"
              "{\"name\":\"lis3dh/accel-x\",\"unit\":\"m/s²\"},"
              "{\"name\":\"lis3dh/accel-z\",\"unit\":\"m/s²\"},"
              "{\"name\":\"lis3dh/proximity\",\"unit\":\"\"},"
              "{\"name\":\"lis3dh/voltage0\",\"unit\":\"V\"},"
              "{\"name\":\"lis3dh/voltage1\",\"unit\":\"\"}]");
    CHECK_CONTAINS(dev_test_describe(&test), "\"label\":\"Package id 0\"");
    dev_test_end(&test);
    dev_test_dir_remove(root);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9 * (1 + fabs(b));
}

TEST(values_are_in_their_units)
{
    char root[256];
    struct dev_test test;
    dev_test_dir(root);
    make_sysfs(root);
    struct iso_sv_devices_config config = {.sensors = true, .sysfs = root};
    struct iso_sv_guest guest = {.grants = {"sensor"}};
    static const struct {
        const char *name;
        double value;
    } cases[] = {{"cpu-thermal/temp1", 48.312},
                 {"nvme/temp1", -5},
                 {"nvme-2/temp1", 1.5},
                 {"board/in0", 3.3},
                 {"board/fan1", 1200},
                 {"board/curr1", 0.25},
                 {"board/power1", 12.5},
                 {"board/humidity1", 45.5},
                 {"bme280/temp", 21.5},
                 {"bme280/pressure", 101325},
                 {"bme280/humidityrelative", 40},
                 {"lis3dh/accel-x", -256 * 0.009582},
                 {"lis3dh/voltage0", 0.2},
                 {"lis3dh/voltage1", 100},
                 {"lis3dh/proximity", 17}};
    dev_test_begin(&test, &config);
    for (size_t i = 0; i < ISO_COUNT_OF(cases); i++) {
        double value = read_value(&test, &guest, cases[i].name);
        if (!near(value, cases[i].value)) {
            TEST_FAIL("%s: %g, not %g", cases[i].name, value, cases[i].value);
        }
    }
    dev_test_end(&test);
    dev_test_dir_remove(root);
}

TEST(sensors_come_and_go_and_fail)
{
    char root[256];
    char chip[512];
    struct dev_test test;
    dev_test_dir(root);
    make_sysfs(root);
    struct iso_sv_devices_config config = {.sensors = true, .sysfs = root};
    struct iso_sv_guest guest = {.grants = {"sensor"}};
    dev_test_begin(&test, &config);
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "read", "[\"hwmon4/temp1\"]"),
                   "'broken' is no number");
    (void)iso_format(chip, sizeof chip, "%s/" HWMON "hwmon2", root);
    dev_test_dir_remove(chip);
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "read", "[\"nvme/temp2\"]"),
                   "{\"error\":{\"failed\":");
    put(root, HWMON "hwmon5/name", "late\n");
    put(root, HWMON "hwmon5/temp1_input", "7000\n");
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "list-sensors", ""), "late/temp1");
    CHECK(near(read_value(&test, &guest, "late/temp1"), 7));
    CHECK_STR(dev_test_call(&test, &guest, "sensor", "read", "[\"nvme/temp2\"]"),
              "{\"error\":{\"unknown\":\"nvme/temp2\"}}");
    dev_test_end(&test);
    dev_test_dir_remove(root);
}

TEST(simulated_sensors_follow_their_definition)
{
    char root[256];
    char file[512];
    struct dev_test test;
    dev_test_dir(root);
    put(root, "level", "12.75 litres\n");
    (void)iso_format(file, sizeof file, "%s/level", root);
    const struct iso_sv_sensor_def sensors[] = {
        {.name = "room/temp", .unit = "°C", .value = 21.5},
        {.name = "tide", .kind = ISO_SV_SENSOR_SINE, .value = 5, .amplitude = 2, .period_s = 0.25},
        {.name = "tank", .unit = "l", .kind = ISO_SV_SENSOR_FILE, .path = file}};
    struct iso_sv_devices_config config = {.simulated_sensors = sensors,
                                           .simulated_sensor_count = 3};
    struct iso_sv_guest guest = {.grants = {"sensor"}};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "sensor", "list-sensors", ""),
              "[{\"name\":\"room/temp\",\"unit\":\"°C\"},{\"name\":\"tide\",\"unit\":\"\"},"
              "{\"name\":\"tank\",\"unit\":\"l\"}]");
    CHECK(near(read_value(&test, &guest, "room/temp"), 21.5));
    CHECK(near(read_value(&test, &guest, "tank"), 12.75));
    put(root, "level", "13\n");
    CHECK(near(read_value(&test, &guest, "tank"), 13));
    put(root, "level", "\n");
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "read", "[\"tank\"]"), "no number");
    put(root, "level", "nan\n");
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "read", "[\"tank\"]"), "no number");
    for (int i = 0; i < 100; i++) {
        double value = read_value(&test, &guest, "tide");
        CHECK(value >= 3 && value <= 7);
    }
    dev_test_end(&test);
    dev_test_dir_remove(root);
}

TEST(sensors_need_grants)
{
    const struct iso_sv_sensor_def sensors[] = {{.name = "a/x", .value = 1},
                                                {.name = "a/y", .value = 2}};
    struct dev_test test;
    struct iso_sv_devices_config config = {.simulated_sensors = sensors,
                                           .simulated_sensor_count = 2};
    struct iso_sv_guest guest = {.grants = {"sensor:a/y"}};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "sensor", "list-sensors", ""),
              "[{\"name\":\"a/y\",\"unit\":\"\"}]");
    CHECK_EQ_U64(guest.refused, 0);
    CHECK(near(read_value(&test, &guest, "a/y"), 2));
    CHECK_STR(dev_test_call(&test, &guest, "sensor", "read", "[\"a/x\"]"),
              "{\"error\":{\"not-granted\":\"sensor \\\"a/x\\\"\"}}");
    CHECK_EQ_U64(guest.refused, 1);
    dev_test_end(&test);
}

/* A chip with more channels than there may be sensors: the first ones count, nothing breaks. */
TEST(there_is_a_largest_number_of_sensors)
{
    char root[256];
    struct dev_test test;
    dev_test_dir(root);
    put(root, HWMON "hwmon0/name", "many\n");
    for (unsigned i = 0; i < ISO_SV_SENSORS_MAX + 20; i++) {
        char file[64];
        (void)iso_format(file, sizeof file, HWMON "hwmon0/temp%u_input", i);
        put(root, file, "1\n");
    }
    struct iso_sv_devices_config config = {.sensors = true, .sysfs = root};
    struct iso_sv_guest guest = {.grants = {"sensor"}};
    dev_test_begin(&test, &config);
    CHECK(near(read_value(&test, &guest, "many/temp1023"), 0.001));
    CHECK_CONTAINS(dev_test_call(&test, &guest, "sensor", "read", "[\"many/temp1024\"]"),
                   "unknown");
    dev_test_end(&test);
    dev_test_dir_remove(root);
}
