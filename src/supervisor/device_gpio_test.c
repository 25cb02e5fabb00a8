/*
 * Lines: simulated ones, and those of chips over a libgpiod of the test's own, which has one chip
 * with four lines.
 */
#include "supervisor/device_test_support.h"

#include <errno.h>
#include <gpiod.h>

/* ---- libgpiod ---------------------------------------------------------------------------------
 */

struct gpiod_chip {
    unsigned opened;
};

struct gpiod_line {
    bool requested;
    bool output;
    bool active_low;
    int wire; /* what is on the wire */
    int fail; /* errno of the next access */
};

static struct gpiod_chip chip;
static struct gpiod_line wires[4];

struct gpiod_chip *gpiod_chip_open_lookup(const char *descr)
{
    if (strcmp(descr, "gpiochip7") != 0) {
        errno = ENOENT;
        return NULL;
    }
    chip.opened++;
    return &chip;
}

void gpiod_chip_close(struct gpiod_chip *closed)
{
    closed->opened--;
}

struct gpiod_line *gpiod_chip_get_line(struct gpiod_chip *of, unsigned int offset)
{
    (void)of;
    errno = EINVAL;
    return offset < ISO_COUNT_OF(wires) ? &wires[offset] : NULL;
}

struct gpiod_line *gpiod_chip_find_line(struct gpiod_chip *of, const char *name)
{
    (void)of;
    errno = ENOENT;
    return strcmp(name, "LED") == 0 ? &wires[1] : NULL;
}

static int request(struct gpiod_line *line, bool output, int flags)
{
    if (line->requested || line->fail != 0) {
        errno = line->fail != 0 ? line->fail : EBUSY;
        return -1;
    }
    line->requested = true;
    line->output = output;
    line->active_low = (flags & GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW) != 0;
    return 0;
}

int gpiod_line_request_input_flags(struct gpiod_line *line, const char *consumer, int flags)
{
    CHECK_STR(consumer, "isomer");
    return request(line, false, flags);
}

int gpiod_line_request_output_flags(struct gpiod_line *line, const char *consumer, int flags,
                                    int value)
{
    CHECK_STR(consumer, "isomer");
    int failed = request(line, true, flags);
    line->wire = failed == 0 ? value ^ line->active_low : line->wire;
    return failed;
}

void gpiod_line_release(struct gpiod_line *line)
{
    line->requested = false;
}

int gpiod_line_get_value(struct gpiod_line *line)
{
    errno = line->fail;
    return line->fail != 0 ? -1 : line->wire ^ line->active_low;
}

int gpiod_line_set_value(struct gpiod_line *line, int value)
{
    errno = line->fail;
    if (line->fail != 0) {
        return -1;
    }
    line->wire = value ^ line->active_low;
    return 0;
}

/* ---- Tests ------------------------------------------------------------------------------------
 */

static const struct iso_sv_gpio_def lines[] = {
    {.name = "door", .initial = true},
    {.name = "lamp", .output = true},
    {.name = "led", .chip = "gpiochip7", .line = "LED", .output = true, .active_low = true},
    {.name = "button", .chip = "gpiochip7", .line = "2", .active_low = true},
    {.name = "far", .chip = "gpiochip7", .line = "9"},
    {.name = "lost", .chip = "gpiochip8", .line = "0"}};
static const struct iso_sv_devices_config six_lines = {.lines = lines, .line_count = 6};

static const char *get(struct dev_test *test, struct iso_sv_guest *guest, const char *name)
{
    char args[64];
    (void)iso_format(args, sizeof args, "[\"%s\"]", name);
    return dev_test_call(test, guest, "gpio", "get", args);
}

static const char *set(struct dev_test *test, struct iso_sv_guest *guest, const char *name,
                       bool active)
{
    char args[64];
    (void)iso_format(args, sizeof args, "[\"%s\", %s]", name, active ? "true" : "false");
    return dev_test_call(test, guest, "gpio", "set", args);
}

TEST(simulated_lines_are_read_and_driven)
{
    struct dev_test test;
    struct iso_sv_devices_config config = six_lines;
    struct iso_sv_guest guest = {.component = {1}, .grants = {"gpio"}};
    bool active = true;
    struct iso_report report;
    dev_test_begin(&test, &config);
    struct iso_str door = iso_str_from_z("door");
    struct iso_str lamp = iso_str_from_z("lamp");
    CHECK_STR(get(&test, &guest, "door"), "{\"ok\":true}");
    active = false;
    CHECK_OK(iso_sv_gpio_simulated_set(test.devices, door, &active, NULL));
    CHECK_STR(get(&test, &guest, "door"), "{\"ok\":false}");
    CHECK_CONTAINS(set(&test, &guest, "door", true), "{\"invalid\":\"line door is an input\"}");
    CHECK_STR(get(&test, &guest, "lamp"), "{\"ok\":false}");
    CHECK_STR(set(&test, &guest, "lamp", true), "{\"ok\":null}");
    CHECK_STR(get(&test, &guest, "lamp"), "{\"ok\":true}");
    CHECK_OK(iso_sv_gpio_simulated_get(test.devices, lamp, &active, NULL));
    CHECK(active);
    CHECK_CONTAINS(dev_test_describe(&test),
                   "{\"name\":\"lamp\",\"direction\":\"output\",\"simulated\":true,"
                   "\"active\":true},{\"name\":\"led\",\"direction\":\"output\"}");
    iso_report_init(&report);
    CHECK_ERR(iso_sv_gpio_simulated_set(test.devices, lamp, &active, &report), ISO_E_ARGUMENT);
    CHECK_CONTAINS(report.text, "components drive it");
    CHECK_ERR(iso_sv_gpio_simulated_set(test.devices, iso_str_from_z("led"), &active, NULL),
              ISO_E_ARGUMENT);
    CHECK_ERR(iso_sv_gpio_simulated_get(test.devices, iso_str_from_z("x"), &active, NULL),
              ISO_E_NOT_FOUND);
    dev_test_end(&test);
}

TEST(an_output_belongs_to_who_drove_it_first)
{
    struct dev_test test;
    struct iso_sv_devices_config config = six_lines;
    struct iso_sv_guest one = {.component = {1}, .grants = {"gpio"}};
    struct iso_sv_guest again = {.component = {1}, .grants = {"gpio"}}; /* another instance */
    struct iso_sv_guest two = {.component = {2}, .grants = {"gpio"}};
    dev_test_begin(&test, &config);
    CHECK_STR(set(&test, &one, "lamp", true), "{\"ok\":null}");
    CHECK_STR(set(&test, &again, "lamp", true), "{\"ok\":null}");
    CHECK_STR(set(&test, &two, "lamp", false), "{\"error\":{\"busy\":null}}");
    CHECK_STR(get(&test, &two, "lamp"), "{\"ok\":true}");
    const struct iso_sv_host_interface *gpio =
        &iso_sv_devices_host_set(test.devices)->interfaces[3];
    CHECK_STR(gpio->name, "gpio");
    gpio->component_gone(gpio->ctx, &one.component);
    CHECK_STR(get(&test, &two, "lamp"), "{\"ok\":true}"); /* it keeps its level */
    CHECK_STR(set(&test, &two, "lamp", false), "{\"ok\":null}");
    dev_test_end(&test);
}

TEST(lines_need_grants)
{
    struct dev_test test;
    struct iso_sv_devices_config config = six_lines;
    struct iso_sv_guest guest = {.component = {1}, .grants = {"gpio:lamp", "gpio:button"}};
    dev_test_begin(&test, &config);
    CHECK_STR(dev_test_call(&test, &guest, "gpio", "list-lines", ""),
              "[{\"name\":\"lamp\",\"direction\":\"output\"},"
              "{\"name\":\"button\",\"direction\":\"input\"}]");
    CHECK_CONTAINS(get(&test, &guest, "door"), "{\"not-granted\":\"gpio \\\"door\\\"\"}");
    CHECK_CONTAINS(set(&test, &guest, "led", true), "not-granted");
    CHECK_EQ_U64(guest.refused, 2);
    struct iso_sv_guest all = {.component = {1}, .grants = {"gpio"}};
    CHECK_CONTAINS(get(&test, &all, "moon"), "{\"unknown\":\"moon\"}");
    dev_test_end(&test);
}

TEST(lines_of_chips_are_opened_with_their_first_use)
{
    struct dev_test test;
    struct iso_sv_devices_config config = six_lines;
    struct iso_sv_guest guest = {.component = {1}, .grants = {"gpio"}};
    memset(wires, 0, sizeof wires);
    dev_test_begin(&test, &config);
    CHECK_EQ_U64(chip.opened, 0);
    CHECK_STR(set(&test, &guest, "led", true), "{\"ok\":null}");
    CHECK(wires[1].requested && wires[1].output && wires[1].active_low);
    CHECK_EQ_I64(wires[1].wire, 0);
    CHECK_STR(set(&test, &guest, "led", false), "{\"ok\":null}");
    CHECK_EQ_I64(wires[1].wire, 1);
    CHECK_STR(get(&test, &guest, "led"), "{\"ok\":false}");
    CHECK_STR(get(&test, &guest, "button"), "{\"ok\":true}");
    wires[2].wire = 1;
    CHECK_STR(get(&test, &guest, "button"), "{\"ok\":false}");
    CHECK_EQ_U64(chip.opened, 2);
    dev_test_end(&test);
    CHECK_EQ_U64(chip.opened, 0);
    CHECK(!wires[1].requested && !wires[2].requested);
}

TEST(failures_of_chips_have_words_and_are_not_for_ever)
{
    struct dev_test test;
    struct iso_sv_devices_config config = six_lines;
    struct iso_sv_guest guest = {.component = {1}, .grants = {"gpio"}};
    memset(wires, 0, sizeof wires);
    dev_test_begin(&test, &config);
    CHECK_CONTAINS(get(&test, &guest, "lost"),
                   "{\"failed\":\"line lost: its chip cannot be opened");
    CHECK_CONTAINS(get(&test, &guest, "far"), "it is not there (chip gpiochip7, line 9)");
    wires[1].fail = EBUSY; /* another program has it */
    CHECK_STR(set(&test, &guest, "led", true), "{\"error\":{\"busy\":null}}");
    wires[1].fail = 0;
    CHECK_STR(set(&test, &guest, "led", true), "{\"ok\":null}");
    wires[1].fail = EIO;
    CHECK_CONTAINS(set(&test, &guest, "led", true), "{\"failed\":\"the line cannot be driven:");
    CHECK_CONTAINS(get(&test, &guest, "led"), "failed");
    CHECK_EQ_U64(chip.opened, 0);
    wires[1].fail = 0;
    CHECK_STR(set(&test, &guest, "led", true), "{\"ok\":null}");
    dev_test_end(&test);
}

/* A call that is given up while its job waits or runs leaves nothing behind. */
TEST(calls_may_be_given_up)
{
    struct dev_test test;
    struct iso_sv_devices_config config = six_lines;
    struct iso_sv_guest guests[8];
    struct dev_call calls[8];
    memset(wires, 0, sizeof wires);
    dev_test_begin(&test, &config);
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < ISO_COUNT_OF(guests); i++) {
            guests[i] = (struct iso_sv_guest){.component = {1}, .grants = {"gpio"}};
            dev_call_begin(&calls[i], &test, &guests[i], "gpio", "get", "[\"button\"]");
        }
        for (size_t i = 0; i < ISO_COUNT_OF(guests); i++) {
            if ((i + round) % 3 == 0) {
                CHECK_STR(dev_call_end(&calls[i]), "{\"ok\":true}");
            } else {
                dev_call_cancel(&calls[i]);
            }
        }
    }
    struct dev_call last;
    dev_call_begin(&last, &test, &guests[0], "gpio", "get", "[\"button\"]");
    dev_call_cancel(&last); /* its job may run on while the devices are destroyed */
    dev_test_end(&test);
}
