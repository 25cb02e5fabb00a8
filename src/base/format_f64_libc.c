/* Numbers with a point as text, over the C library; a freestanding build goes without. */
#include "base/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t iso_format_f64(char out[32], double value)
{
    if (isnan(value)) {
        return iso_format(out, 32, "nan");
    }
    if (isinf(value)) {
        return iso_format(out, 32, value < 0 ? "-inf" : "inf");
    }
    size_t len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = iso_format(out, 32, "%.*g", digits, value);
        double back = strtod(out, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    char *comma = strchr(out, ',');
    if (comma != NULL) {
        *comma = '.';
    }
    return len;
}
