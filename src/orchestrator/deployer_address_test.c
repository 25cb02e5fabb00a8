/* Where devices reach each other: over loopback on one machine, by what a device says of its
 * network otherwise, and never by what means something to the orchestrator only. */
#include "base/test.h"
#include "orchestrator/deployer_address.h"

#include <stdlib.h>
#include <string.h>

struct known {
    struct iso_or_device device;
    json_t *description;
};

static void know(struct known *known, const char *base, const char *network)
{
    *known = (struct known){.description = NULL};
    memcpy(known->device.name, "den", 4);
    memcpy(known->device.address, base, strlen(base) + 1);
    known->description = json_pack("{s:o}", "network", json_loads(network, 0, NULL));
    known->device.description = known->description;
}

/* The addresses as "a b c"; "" and the error's text when there are none. */
static void reached(const char *from, const char *to, const char *network, char out[512])
{
    struct known here, there;
    struct iso_report report;
    json_t *list = json_array(), *item;
    size_t index;
    know(&here, from, "{\"coaps\": 1}");
    know(&there, to, network);
    iso_report_init(&report);
    const enum iso_err err = iso_or_link_addresses(&here.device, &there.device, list, &report);
    out[0] = '\0';
    json_array_foreach(list, index, item)
    {
        CHECK(strlen(out) + json_string_length(item) + 2 < 512);
        memcpy(out + strlen(out), json_string_value(item), json_string_length(item) + 1);
        memcpy(out + strlen(out), " ", 2);
    }
    CHECK((err == ISO_OK) == (out[0] != '\0'));
    if (err != ISO_OK) {
        memcpy(out, report.text, strlen(report.text) + 1);
    }
    json_decref(list);
    json_decref(here.description);
    json_decref(there.description);
}

#define LAN "{\"coaps\": 5684, \"addresses\": [\"192.0.2.7\", \"2001:db8::7\"]}"

TEST(devices_of_one_machine_use_loopback)
{
    char out[512];
    reached("http://127.0.0.1:8480", "http://127.0.0.1:8580", LAN, out);
    CHECK_STR(out, "127.0.0.1:5684 ");
    reached("http://127.0.0.1:8480", "https://[::1]:8580", LAN, out);
    CHECK_STR(out, "[::1]:5684 ");
}

TEST(others_use_what_the_device_says_of_its_network)
{
    char out[512];
    reached("https://192.0.2.3:8443", "https://192.0.2.7:8443", LAN, out);
    CHECK_STR(out, "192.0.2.7:5684 [2001:db8::7]:5684 ");
    reached("https://192.0.2.3:8443", "http://127.0.0.1:8480", LAN, out);
    CHECK_STR(out, "192.0.2.7:5684 [2001:db8::7]:5684 ");
    reached("https://192.0.2.3:8443", "https://198.51.100.9:8443", LAN, out);
    CHECK_STR(out, "192.0.2.7:5684 [2001:db8::7]:5684 198.51.100.9:5684 ");
    reached("https://192.0.2.3:8443", "https://198.51.100.9:8443", "{\"coaps\": 5684}", out);
    CHECK_STR(out, "198.51.100.9:5684 ");
}

TEST(what_means_something_here_only_is_left_out)
{
    char out[512];
    reached("https://192.0.2.3:8443", "https://[fe80::1%2]:8443", LAN, out);
    CHECK_STR(out, "192.0.2.7:5684 [2001:db8::7]:5684 ");
    reached("https://192.0.2.3:8443", "https://[fe80::1%2]:8443", "{\"coaps\": 5684}", out);
    CHECK_CONTAINS(out, "no address");
    reached("https://192.0.2.3:8443", "https://den.example:8443", "{\"coaps\": 5684}", out);
    CHECK_CONTAINS(out, "no address");
    reached("https://192.0.2.3:8443", "https://192.0.2.7:8443", "{}", out);
    CHECK_CONTAINS(out, "no CoAP");
}

TEST(a_new_address_is_news_and_one_that_went_is_not)
{
    struct known here, there;
    know(&here, "https://192.0.2.3:8443", "{\"coaps\": 1}");
    know(&there, "https://192.0.2.7:8443", LAN);
    json_t *old = json_pack("[s]", "192.0.2.7:5684");
    CHECK(iso_or_link_moved(&here.device, &there.device, old));
    (void)json_array_append_new(old, json_string("[2001:db8::7]:5684"));
    (void)json_array_append_new(old, json_string("192.0.2.8:5684"));
    CHECK(!iso_or_link_moved(&here.device, &there.device, old));
    json_decref(old);
    json_decref(here.description);
    json_decref(there.description);
}
