/* page.h - the device's page (ui/device), compiled in by iso_embed. */
#ifndef ISO_SUPERVISOR_PAGE_H
#define ISO_SUPERVISOR_PAGE_H

#include <stddef.h>

extern const unsigned char iso_sv_page_html[], iso_sv_page_css[], iso_sv_page_js[];
extern const size_t iso_sv_page_html_len, iso_sv_page_css_len, iso_sv_page_js_len;
extern const unsigned char iso_sv_display_html[], iso_sv_display_js[];
extern const size_t iso_sv_display_html_len, iso_sv_display_js_len;
extern const unsigned char iso_sv_picture_js[];
extern const size_t iso_sv_picture_js_len;

#endif
