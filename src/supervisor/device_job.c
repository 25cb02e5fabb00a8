/*
 * device_job.c - operations that block, on libuv's threads: one job of a gate at a time.
 *
 * A job has two references: its operation's and, from being queued until it has run, the gate's.
 * Either may go first: a call that was given up leaves a running job behind.
 */
#include "supervisor/device_internal.h"

static void job_unref(struct iso_sv_job *job)
{
    if (atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) == 1) {
        job->destroy(job);
    }
}

static void job_run(uv_work_t *work)
{
    struct iso_sv_job *job = work->data;
    job->run(job);
}

static void gate_next(struct iso_sv_gate *gate);

static void job_after(uv_work_t *work, int status)
{
    (void)status; /* jobs that run are never cancelled */
    struct iso_sv_job *job = work->data;
    struct iso_sv_gate *gate = job->gate;
    gate->running = false;
    if (job->op != NULL) {
        struct iso_sv_op *op = &job->op->op;
        job->op = NULL;
        iso_sv_op_finish(op);
    }
    job_unref(job);
    gate_next(gate);
}

static void gate_next(struct iso_sv_gate *gate)
{
    struct iso_sv_job *job = gate->head;
    if (gate->running) {
        return;
    }
    if (job == NULL) {
        if (gate->closing) {
            gate->closed(gate->closed_ctx);
        }
        return;
    }
    gate->head = job->next;
    if (gate->head == NULL) {
        gate->tail = NULL;
    }
    gate->running = true;
    job->work.data = job;
    int failed = uv_queue_work(gate->loop, &job->work, job_run, job_after);
    ISO_ASSERT(failed == 0); /* refuses only a missing function */
}

void iso_sv_gate_init(struct iso_sv_gate *gate, uv_loop_t *loop)
{
    *gate = (struct iso_sv_gate){.loop = loop};
}

bool iso_sv_gate_close(struct iso_sv_gate *gate, void (*closed)(void *ctx), void *ctx)
{
    if (!gate->running) {
        return true;
    }
    gate->closing = true;
    gate->closed = closed;
    gate->closed_ctx = ctx;
    return false;
}

static void gate_push(struct iso_sv_gate *gate, struct iso_sv_job *job)
{
    job->next = NULL;
    if (gate->tail != NULL) {
        gate->tail->next = job;
    } else {
        gate->head = job;
    }
    gate->tail = job;
    gate_next(gate);
}

static bool gate_remove(struct iso_sv_gate *gate, struct iso_sv_job *job)
{
    struct iso_sv_job *before = NULL;
    for (struct iso_sv_job *at = gate->head; at != NULL; before = at, at = at->next) {
        if (at != job) {
            continue;
        }
        if (before != NULL) {
            before->next = at->next;
        } else {
            gate->head = at->next;
        }
        if (gate->tail == at) {
            gate->tail = before;
        }
        return true;
    }
    return false;
}

/* ---- The operation -------------------------------------------------------------------------- */

static void op_start(struct iso_sv_op *op)
{
    struct iso_sv_job *job = ((struct iso_sv_job_op *)op)->job;
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
    gate_push(job->gate, job);
}

static void op_cancel(struct iso_sv_op *op)
{
    struct iso_sv_job *job = ((struct iso_sv_job_op *)op)->job;
    if (job->op == NULL) {
        return; /* not started, or finished */
    }
    job->op = NULL;
    if (gate_remove(job->gate, job)) {
        job_unref(job);
    }
}

static void op_destroy(struct iso_sv_op *op)
{
    struct iso_sv_job_op *job_op = (struct iso_sv_job_op *)op;
    job_unref(job_op->job);
    iso_alloc_free(job_op->alloc, job_op, sizeof *job_op);
}

struct iso_sv_op *iso_sv_job_op_create(const struct iso_alloc *alloc, struct iso_sv_gate *gate,
                                       struct iso_sv_job *job)
{
    atomic_init(&job->refs, 1);
    struct iso_sv_job_op *op = iso_alloc_new(alloc, sizeof *op);
    if (op == NULL) {
        job_unref(job);
        return NULL;
    }
    op->op.start = op_start;
    op->op.cancel = op_cancel;
    op->op.destroy = op_destroy;
    op->alloc = alloc;
    op->job = job;
    job->gate = gate;
    job->op = op;
    return &op->op;
}

struct iso_sv_job *iso_sv_op_job(struct iso_sv_op *op)
{
    return ((struct iso_sv_job_op *)op)->job;
}
