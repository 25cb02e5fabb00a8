/* core_notes.c - notes: what threads have the loop do, in the order in which they were posted. */
#include "supervisor/core_state.h"

void iso_sv_note_post(struct iso_sv_core *core, struct iso_sv_note *note)
{
    bool send = false;
    uv_mutex_lock(&core->lock);
    if (note->node.next == NULL) {
        iso_sv_list_append(&core->notes, &note->node);
        send = !core->notified;
        core->notified = true;
    }
    uv_mutex_unlock(&core->lock);
    if (send) {
        (void)uv_async_send(&core->async);
    }
}

void iso_sv_note_cancel(struct iso_sv_core *core, struct iso_sv_note *note)
{
    uv_mutex_lock(&core->lock);
    if (note->node.next != NULL) {
        iso_sv_list_remove(&note->node);
    }
    uv_mutex_unlock(&core->lock);
}

void iso_sv_notes_run(struct iso_sv_core *core)
{
    struct iso_sv_node *node;
    /* Those that are posted meanwhile wait for the next turn, so that the loop gets on. */
    struct iso_sv_note last = {.deliver = NULL};
    uv_mutex_lock(&core->lock);
    core->notified = false;
    iso_sv_list_append(&core->notes, &last.node);
    while ((node = iso_sv_list_pop(&core->notes)) != &last.node) {
        struct iso_sv_note *note = ISO_SV_OWNER(node, struct iso_sv_note, node);
        uv_mutex_unlock(&core->lock);
        note->deliver(note);
        uv_mutex_lock(&core->lock);
    }
    uv_mutex_unlock(&core->lock);
}
