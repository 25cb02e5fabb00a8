/* The deployer's requests: one at a time of each kind, with a capped exponential back-off between
 * attempts. Who asks decides what an answer means. */
#include "orchestrator/deployer_state.h"

uint64_t iso_or_now(const struct iso_or_deployer *deployer)
{
    return deployer->config.clock.now_ms(deployer->config.clock.ctx);
}

void iso_or_ask_stop(struct iso_or_ask *ask)
{
    if (ask->request != 0) {
        const struct iso_or_transport *transport = &ask->deployer->config.transport;
        transport->cancel(transport->carrier, ask->request);
        ask->request = 0;
    }
    if (ask->timer != 0) {
        ask->deployer->config.clock.stop(ask->deployer->config.clock.ctx, ask->timer);
        ask->timer = 0;
    }
}

bool iso_or_ask_busy(const struct iso_or_ask *ask)
{
    return ask->request != 0 || ask->timer != 0;
}

static void done(void *ctx, const struct iso_or_answer *answer)
{
    struct iso_or_ask *ask = ctx;
    ask->request = 0;
    ask->answered(ask, answer);
}

static void not_sent(void *arg)
{
    struct iso_or_ask *ask = arg;
    const struct iso_or_answer answer = {.outcome = ISO_OR_UNREACHABLE,
                                         .text = "too much is waiting to be sent to it"};
    ask->timer = 0;
    ask->answered(ask, &answer);
}

static void start_timer(struct iso_or_ask *ask, uint32_t delay_ms, void (*fire)(void *arg))
{
    const struct iso_or_clock *clock = &ask->deployer->config.clock;
    ask->timer = clock->after(clock->ctx, delay_ms, fire, ask);
}

void iso_or_ask_send(struct iso_or_ask *ask, const struct iso_or_send *send,
                     void (*answered)(struct iso_or_ask *ask, const struct iso_or_answer *answer))
{
    const struct iso_or_transport *transport = &ask->deployer->config.transport;
    bool body = send->body.ptr != NULL || send->file != NULL;
    const struct iso_or_request request = {
        .device = send->device,
        .method = send->method,
        .path = send->path,
        .content_type = !body                                ? NULL
                        : send->octets || send->file != NULL ? "application/octet-stream"
                                                             : "application/json",
        .body = send->body,
        .file = send->file,
        .answer_max_bytes = send->answer_max_bytes,
        .timeout_ms = send->timeout_ms,
        .done = done,
        .ctx = ask,
    };
    ISO_ASSERT(!iso_or_ask_busy(ask));
    (void)iso_format(ask->sent, sizeof ask->sent, "%s %s", send->method, send->path);
    ask->answered = answered;
    ask->request = transport->start(transport->carrier, &request);
    if (ask->request == 0) {
        start_timer(ask, ISO_OR_RETRY_MIN_MS, not_sent);
    }
}

static void resumed(void *arg)
{
    struct iso_or_ask *ask = arg;
    ask->timer = 0;
    ask->resume(ask);
}

void iso_or_ask_pause(struct iso_or_ask *ask, void (*resume)(struct iso_or_ask *ask))
{
    unsigned doublings = ask->failures < 8 ? ask->failures : 8;
    uint32_t delay = (uint32_t)ISO_OR_RETRY_MIN_MS << doublings;
    ask->failures++;
    ask->resume = resume;
    ISO_ASSERT(!iso_or_ask_busy(ask));
    start_timer(ask, delay < ISO_OR_RETRY_MAX_MS ? delay : ISO_OR_RETRY_MAX_MS, resumed);
}

void iso_or_ask_hurry(struct iso_or_ask *ask)
{
    ask->failures = 0;
    if (ask->timer != 0) {
        ask->deployer->config.clock.stop(ask->deployer->config.clock.ctx, ask->timer);
        ask->timer = 0;
    }
}

bool iso_or_answer_good(const struct iso_or_answer *answer)
{
    return answer->outcome == ISO_OR_ANSWERED && answer->status >= 200 && answer->status < 300;
}

bool iso_or_answer_passing(const struct iso_or_answer *answer)
{
    return answer->outcome != ISO_OR_ANSWERED || answer->status < 400 || answer->status == 408 ||
           answer->status == 429 || (answer->status >= 500 && answer->status != 507);
}

void iso_or_answer_text(const struct iso_or_answer *answer, char out[ISO_OR_REASON_SIZE])
{
    static const char *const words[] = {
        [ISO_OR_ANSWERED] = "answered",
        [ISO_OR_UNREACHABLE] = "cannot be reached",
        [ISO_OR_BROKEN] = "does not answer",
        [ISO_OR_GARBLED] = "answered what is no answer",
    };
    const char *text = answer->text != NULL ? answer->text : "";
    const char *between = text[0] != '\0' ? ": " : "";
    if (answer->outcome == ISO_OR_ANSWERED) {
        (void)iso_format(out, ISO_OR_REASON_SIZE, "answered %u%s%s", answer->status, between, text);
    } else {
        (void)iso_format(out, ISO_OR_REASON_SIZE, "%s%s%s", words[answer->outcome], between, text);
    }
}
