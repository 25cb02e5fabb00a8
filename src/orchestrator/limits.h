/* Bounds of the orchestrator; each is said in what is answered when it is reached. */
#ifndef ISO_ORCHESTRATOR_LIMITS_H
#define ISO_ORCHESTRATOR_LIMITS_H

enum {
    ISO_OR_DEVICES_MAX = 4096,
    ISO_OR_CANDIDATES_MAX = 1024, /* found and not paired */
    ISO_OR_APPS_MAX = 1024,
    ISO_OR_COMPONENTS_MAX = 64, /* of an application: as in deployment documents */
    ISO_OR_FLOWS_MAX = 32,      /* likewise */
    ISO_OR_GENERATIONS_KEPT =
        50, /* of an application; older ones that nothing uses are forgotten */
    ISO_OR_EVENTS_KEPT = 10000,
    ISO_OR_REQUESTS_PER_DEVICE = 4,  /* at a time; others wait */
    ISO_OR_REQUESTS_WAITING = 256,   /* of one device */
    ISO_OR_LOOKS = 16,               /* candidates that are looked at, at a time */
    ISO_OR_REGISTERED_PER_PEER = 16, /* candidates that one address may register */
    ISO_OR_LOOK_BYTES = 64 << 10,    /* of what a candidate answers */
    ISO_OR_DESCRIPTION_BYTES = 1 << 20,
    ISO_OR_LABELS_MAX = 64,
    ISO_OR_ADDRESSES_MAX = 8, /* of a device */
    ISO_OR_MANIFEST_BYTES_MAX = 1 << 20,
    ISO_OR_TEXT_MAX = 4096, /* strings of a manifest */

    ISO_OR_ID_SIZE = 27,     /* of a device, with the zero byte */
    ISO_OR_NAME_SIZE = 64,   /* of a device, with the zero byte */
    ISO_OR_APP_SIZE = 33,    /* of an application, a component, with the zero byte */
    ISO_OR_DIGEST_SIZE = 72, /* "sha256:" and 64 digits, with the zero byte */

    /* Time, in ms. */
    ISO_OR_HEARTBEAT_MS = 2000,
    ISO_OR_HEARTBEAT_TIMEOUT_MS = 1500,
    ISO_OR_SUSPECT_AFTER_MISSED = 2,
    ISO_OR_LOST_AFTER_MS = 6000,   /* since the last answer */
    ISO_OR_KNOWN_MS = 20000,       /* the same when the orchestrator has just started: after a power
                                      cut devices may take longer than it does */
    ISO_OR_DESCRIBE_MIN_MS = 5000, /* between readings of a description that changes */
    ISO_OR_DESCRIBE_MS = 600000,   /* after so long it is read again in any case */
    ISO_OR_LOOK_MS = 300000,       /* candidates are looked at again */
    ISO_OR_LOOK_RETRY_MS = 30000,  /* one that did not answer; a registration repeated sooner */
    ISO_OR_REGISTERED_MS = 600000, /* a registration that is not repeated is forgotten */
    ISO_OR_ASK_MS = 10000,         /* one step of pairing, adding, giving back */
    ISO_OR_PREPARE_MS = 20000,     /* one prepare of one device */
    ISO_OR_COMMIT_MS = 10000,
    ISO_OR_UPLOAD_MS = 120000, /* one module */
    ISO_OR_SNAPSHOT_MS = 60000,
    ISO_OR_SNAPSHOT_BYTES_MAX = 513 << 20, /* as devices give them, and what goes around */
    ISO_OR_RETRY_MIN_MS = 200, /* of requests that must succeed in the end; doubled up to ... */
    ISO_OR_RETRY_MAX_MS = 5000
};

#endif
