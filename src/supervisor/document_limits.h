/* What a deployment document may hold at most. docs/deployment.md and its schema state the same
 * numbers; document_refuse_test.c tries each. */
#ifndef ISO_SUPERVISOR_DOCUMENT_LIMITS_H
#define ISO_SUPERVISOR_DOCUMENT_LIMITS_H

enum {
    ISO_SV_DOC_BYTES_MAX = 1024 * 1024,
    ISO_SV_DOC_DEPTH_MAX = 32,     /* objects and arrays within each other */
    ISO_SV_DOC_VALUES_MAX = 50000, /* JSON values in all */
    ISO_SV_DOC_DEVICE_MAX = 29,    /* bytes of a device's identity: see struct iso_sv_call_id */
    ISO_SV_DOC_TEXT_MAX = 4096,    /* bytes of any other string */
    ISO_SV_DOC_WIT_MAX = 256 * 1024,
    ISO_SV_DOC_IDENTITY_MAX = 60, /* bytes of a PSK identity; libcoap keeps 64 */
    ISO_SV_DOC_KEY_BYTES = 32,
    ISO_SV_DOC_COMPONENTS_MAX = 64,
    ISO_SV_DOC_PEERS_MAX = 64,
    ISO_SV_DOC_ADDRESSES_MAX = 8, /* of a peer */
    ISO_SV_DOC_LINKS_MAX = 32,    /* of a component */
    ISO_SV_DOC_CONFIG_MAX = 64,   /* of a component; also env */
    ISO_SV_DOC_ARGS_MAX = 64,
    ISO_SV_DOC_DIRS_MAX = 16,
    ISO_SV_DOC_DEVICES_MAX = 16, /* granted device interfaces */
    ISO_SV_DOC_DEVICE_NAMES_MAX = 32,
    ISO_SV_DOC_FLOWS_MAX = 32,
    ISO_SV_DOC_STEPS_MAX = 32,    /* of a flow */
    ISO_SV_DOC_WINDOW_MAX = 1024, /* messages in flight to the next step */
};

/* Epochs and generations: whole numbers that JSON readers everywhere keep exactly. */
#define ISO_SV_DOC_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

#endif
