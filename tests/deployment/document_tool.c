/* document_tool: reads deployment documents, one a line, and says of each "ok" or what is wrong. */
#include <stdio.h>
#include <string.h>

#include "supervisor/document.h"

int main(void)
{
    static char line[ISO_SV_DOC_BYTES_MAX + 2];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct iso_report report;
        struct iso_sv_document *document = NULL;
        iso_report_init(&report);
        enum iso_err err = iso_sv_document_parse(
            iso_alloc_libc(), iso_bytes_from(line, strcspn(line, "\n")), &document, &report);
        (void)printf("%s\n", err == ISO_OK ? "ok" : iso_report_text(&report, err));
        iso_sv_document_destroy(document);
    }
    return 0;
}
