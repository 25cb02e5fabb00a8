/* What the files of the model of a device share. */
#ifndef ISO_ORCHESTRATOR_DEPLOYER_MODEL_TEST_SUPPORT_H
#define ISO_ORCHESTRATOR_DEPLOYER_MODEL_TEST_SUPPORT_H

#include "orchestrator/deployer_test_support.h"

struct model_component *model_component_of(struct model_app *app, const char *name);
struct model_record *model_record_of(struct model_app *app, const char *name);
void model_record_drop(struct model_app *app, struct model_record *record);
uint64_t model_number(const json_t *object, const char *name);
struct model_answer model_answer_of(unsigned status, const char *format, ...) ISO_PRINTF(2, 3);
struct model_answer model_done(void);
uint64_t model_epoch_seen(const struct model_app *app, const char *name);
void model_epoch_raise(struct model_app *app, const char *name, uint64_t epoch);
/* Whether a component of a prepared document waits for a snapshot. */
bool model_waits(const struct model_app *app, const char *name, const json_t *after);
void model_drop_prepared(struct model_app *app);
struct model_answer model_abort_generation(struct model_app *app, uint64_t generation);

/* A frozen component goes on. */
void model_thaw(struct model_app *app, struct model_record *move);
/* /v1/moves/ and rest, which is changed. */
struct model_answer model_moves(struct model_device *device, char *rest, const char *method,
                                const char *body, size_t len);

#endif
