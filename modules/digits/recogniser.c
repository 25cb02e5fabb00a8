/* recogniser.c - the functions of digits.wit: two layers of a network that digits_train.c made. */
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "digits_weights.h"

/* e^x for x <= 0, to about six digits: (1 + x / 2^20) to the power of 2^20. */
static double exponential(double x)
{
    double power = x < -30 ? 0 : 1 + x / 1048576;
    for (int i = 0; i < 20; i++) {
        power *= power;
    }
    return power;
}

static struct recogniser_guess guess_of(const uint8_t *pixels)
{
    float hidden[HIDDEN], output[DIGITS];
    for (int h = 0; h < HIDDEN; h++) {
        int32_t sum = 0; /* at most 256 * 255 * 127 */
        for (int i = 0; i < INPUTS; i++) {
            sum += first[h][i] * pixels[i];
        }
        float value = first_bias[h] + first_factor / 255 * (float)sum;
        hidden[h] = value > 0 ? value : 0;
    }
    int best = 0;
    for (int d = 0; d < DIGITS; d++) {
        output[d] = second_bias[d];
        for (int h = 0; h < HIDDEN; h++) {
            output[d] += second_factor * (float)second[d][h] * hidden[h];
        }
        best = output[d] > output[best] ? d : best;
    }
    double sum = 0;
    for (int d = 0; d < DIGITS; d++) {
        sum += exponential(output[d] - output[best]);
    }
    return (struct recogniser_guess){.digit = (uint8_t)best, .confidence = (float)(1 / sum)};
}

static struct digits_string wrong_size(void)
{
    static const char text[] = "a picture has as many bytes as get-size squared";
    return digits_string_copy(text, sizeof text - 1);
}

uint32_t recogniser_get_size(void)
{
    return SIZE;
}

struct digits_result_recogniser_guess_string recogniser_recognise(struct digits_list_u8 pixels)
{
    struct digits_result_recogniser_guess_string result = {.is_err = pixels.len != INPUTS};
    if (result.is_err) {
        result.val.err = wrong_size();
    } else {
        result.val.ok = guess_of(pixels.ptr);
    }
    digits_list_u8_free(&pixels);
    return result;
}

struct digits_result_list_recogniser_guess_string
recogniser_recognise_all(struct digits_list_list_u8 pictures)
{
    struct digits_result_list_recogniser_guess_string result = {.is_err = false};
    for (size_t i = 0; i < pictures.len; i++) {
        result.is_err |= pictures.ptr[i].len != INPUTS;
    }
    if (result.is_err) {
        result.val.err = wrong_size();
    } else {
        struct digits_list_recogniser_guess *guesses = &result.val.ok;
        guesses->len = pictures.len;
        guesses->ptr = calloc(pictures.len, sizeof *guesses->ptr);
        if (guesses->ptr == NULL) {
            abort();
        }
        for (size_t i = 0; i < pictures.len; i++) {
            guesses->ptr[i] = guess_of(pictures.ptr[i].ptr);
        }
        if (pictures.len == 0) {
            free(guesses->ptr);
        }
    }
    digits_list_list_u8_free(&pictures);
    return result;
}
