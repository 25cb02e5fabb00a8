/* Fuzz target `cbor`: any bytes as CBOR of a random type, and CBOR of random values with changes.
 */
#include "codec_run.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_form form = {.name = "CBOR",
                                          .encode = iso_cbor_encode,
                                          .decode = iso_cbor_decode,
                                          .decode_params = iso_cbor_decode_params};

    fuzz_codec_run(&form, data, len);
    return 0;
}
