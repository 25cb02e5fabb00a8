/* Fuzz target `json`: any bytes as JSON of a random type, and JSON of random values with changes.
 */
#include "codec_run.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_form form = {.name = "JSON",
                                          .encode = iso_json_encode,
                                          .decode = iso_json_decode,
                                          .decode_params = iso_json_decode_params};

    fuzz_codec_run(&form, data, len);
    return 0;
}
