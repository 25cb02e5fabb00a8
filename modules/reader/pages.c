/* pages.c - the function of reader.wit: finds the digits in a picture, has the network say which
 * they are, and draws what it has read. */
#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "reader.h"
#include "spots.h"

enum { BELOW = 44, LETTER_SIZE = 4, TEXT_MAX = 2 * SPOTS_MAX, GAP_PERCENT = 150 };

static const struct drawing_colour strip = {33, 37, 41}, sure = {60, 200, 120},
                                   unsure = {240, 150, 40};
static const float SURE = 0.8f;

/* The text of the picture before: a service keeps it. */
static char before[TEXT_MAX];
static size_t before_len;

static struct reader_result_reading_page_string mistake(const char *text)
{
    return (struct reader_result_reading_page_string){
        .is_err = true, .val.err = reader_string_copy(text, strlen(text))};
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What the network makes of the spots; empty when it refuses. */
static struct reader_list_recogniser_guess recognise(const struct spots_picture *picture,
                                                     const struct spot *spots, int count)
{
    const uint32_t size = recogniser_get_size();
    const size_t bytes = (size_t)size * size;
    struct reader_list_u8 views[SPOTS_MAX];
    uint8_t *pixels = malloc(bytes * (size_t)count);
    if (pixels == NULL) {
        abort();
    }
    for (int i = 0; i < count; i++) {
        views[i] = (struct reader_list_u8){.ptr = pixels + (size_t)i * bytes, .len = bytes};
        spots_scale(picture, &spots[i], (int)size, views[i].ptr);
    }
    struct reader_result_list_recogniser_guess_string answer =
        recogniser_recognise_all((struct reader_list_list_u8){.ptr = views, .len = (size_t)count});
    free(pixels);
    if (answer.is_err || answer.val.ok.len != (size_t)count) {
        reader_result_list_recogniser_guess_string_free(&answer);
        return (struct reader_list_recogniser_guess){.len = 0};
    }
    return answer.val.ok;
}

/* The digits, with blanks where they stand further apart than digits of a number do. */
static size_t write_text(const struct spot *spots,
                         const struct reader_list_recogniser_guess *guesses, char text[TEXT_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < guesses->len; i++) {
        const int height = spots[i].bottom - spots[i].top;
        if (i != 0 && (spots[i].left - spots[i - 1].right) * 100 > height * GAP_PERCENT) {
            text[len++] = ' ';
        }
        text[len++] = (char)('0' + guesses->ptr[i].digit % 10);
    }
    return len;
}

/* ---- Telling ------------------------------------------------------------------------------- */

static size_t append(char *to, size_t len, const char *text, size_t text_len)
{
    memcpy(to + len, text, text_len);
    return len + text_len;
}

/* {"text": "042", "confidence": 0.97, "frame": 12} */
static void emit(const char *text, size_t len, float confidence, uint64_t number)
{
    static const char parts[3][18] = {"{\"text\": \"", "\", \"confidence\": ", ", \"frame\": "};
    char payload[TEXT_MAX + 96], line[TEXT_MAX + 8] = "read: ";
    size_t at = append(payload, 0, parts[0], strlen(parts[0]));
    at = append(payload, at, text, len);
    at = append(payload, at, parts[1], strlen(parts[1]));
    at += drawing_number(payload + at, (double)confidence, 2);
    at = append(payload, at, parts[2], strlen(parts[2]));
    at += drawing_number(payload + at, (double)number, 0);
    payload[at++] = '}';
    struct reader_result_void_types_problem emitted =
        events_emit(reader_string_view("text"), (struct reader_string){.ptr = payload, .len = at});
    reader_result_void_types_problem_free(&emitted);
    log_write(LOG_LEVEL_INFO,
              (struct reader_string){.ptr = line, .len = append(line, 6, text, len)});
}

static void tell(const char *text, size_t len, float confidence, uint64_t number)
{
    if (len == before_len && memcmp(text, before, len) == 0) {
        return;
    }
    memcpy(before, text, len);
    before_len = len;
    if (len != 0) {
        emit(text, len, confidence, number);
    }
}

/* The picture in colours, a box around each spot, its digit below. */
static struct types_frame draw(const struct types_frame *frame, const struct spot *spots,
                               const struct reader_list_recogniser_guess *guesses)
{
    struct drawing drawing;
    drawing_init(&drawing, (int)frame->width, (int)frame->height + BELOW, strip);
    for (size_t i = 0; i < frame->pixels.len; i++) {
        memset(drawing.pixels + 3 * i, frame->pixels.ptr[i], 3);
    }
    for (size_t i = 0; i < guesses->len; i++) {
        const struct spot *spot = &spots[i];
        const struct drawing_colour colour = guesses->ptr[i].confidence >= SURE ? sure : unsure;
        const char digit = (char)('0' + guesses->ptr[i].digit % 10);
        drawing_edge(&drawing, spot->left - 5, spot->top - 5, spot->right - spot->left + 10,
                     spot->bottom - spot->top + 10, 2, colour);
        drawing_text(&drawing, (spot->left + spot->right - 5 * LETTER_SIZE) / 2,
                     (int)frame->height + (BELOW - DRAWING_LETTER_HEIGHT * LETTER_SIZE) / 2,
                     LETTER_SIZE, &digit, 1, colour);
    }
    return (struct types_frame){
        .width = (uint32_t)drawing.width,
        .height = (uint32_t)drawing.height,
        .format = TYPES_PIXEL_FORMAT_RGB8,
        .time = frame->time,
        .number = frame->number,
        .pixels = {.ptr = drawing.pixels,
                   .len = 3 * (size_t)drawing.width * (size_t)drawing.height}};
}

struct reader_result_reading_page_string reading_read(struct types_frame frame)
{
    struct spot spots[SPOTS_MAX];
    struct reader_list_recogniser_guess guesses = {.len = 0};
    char text[TEXT_MAX];
    if (frame.format != TYPES_PIXEL_FORMAT_GRAY8 || frame.width == 0 || frame.height == 0 ||
        frame.width > SPOTS_PICTURE_MAX || frame.height > SPOTS_PICTURE_MAX ||
        frame.pixels.len != (size_t)frame.width * frame.height) {
        types_frame_free(&frame);
        return mistake("the frame must be gray8, of at most 2048 x 2048 pixels, a byte for each");
    }
    struct spots_picture picture = {
        .width = (int)frame.width, .height = (int)frame.height, .pixels = frame.pixels.ptr};
    if (spots_ink(&picture)) {
        const int count = spots_find(&picture, spots);
        guesses = count != 0 ? recognise(&picture, spots, count) : guesses;
    }
    free(picture.ink);
    float confidence = guesses.len != 0 ? 1 : 0;
    for (size_t i = 0; i < guesses.len; i++) {
        confidence =
            guesses.ptr[i].confidence < confidence ? guesses.ptr[i].confidence : confidence;
    }
    const size_t len = write_text(spots, &guesses, text);
    tell(text, len, confidence, frame.number);
    const struct reading_page page = {.text = reader_string_copy(text, len),
                                      .confidence = confidence,
                                      .picture = draw(&frame, spots, &guesses)};
    if (guesses.len != 0) {
        reader_list_recogniser_guess_free(&guesses);
    }
    types_frame_free(&frame);
    return (struct reader_result_reading_page_string){.val.ok = page};
}
