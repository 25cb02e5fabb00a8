/* Reading and writing of DNS messages as mDNS uses them (RFC 1035, section 4; RFC 6762, section
 * 18). No state, no I/O, no allocation. */
#ifndef ISO_NET_MDNS_MESSAGE_H
#define ISO_NET_MDNS_MESSAGE_H

#include "net/mdns_name.h"

enum iso_mdns_type {
    ISO_MDNS_A = 1,
    ISO_MDNS_NS = 2,
    ISO_MDNS_CNAME = 5,
    ISO_MDNS_PTR = 12,
    ISO_MDNS_TXT = 16,
    ISO_MDNS_AAAA = 28,
    ISO_MDNS_SRV = 33,
    ISO_MDNS_DNAME = 39,
    ISO_MDNS_NSEC = 47,
    ISO_MDNS_ANY = 255,
};

enum {
    ISO_MDNS_CLASS_IN = 1,
    ISO_MDNS_CLASS_ANY = 255,
    ISO_MDNS_TOP_BIT = 0x8000, /* of the class: cache-flush, or "answer by unicast" */
    ISO_MDNS_FLAG_RESPONSE = 0x8000,
    ISO_MDNS_FLAG_AUTHORITATIVE = 0x0400,
    ISO_MDNS_FLAG_TRUNCATED = 0x0200,
    ISO_MDNS_HEADER_SIZE = 12,
};

enum iso_mdns_section {
    ISO_MDNS_QUESTIONS,
    ISO_MDNS_ANSWERS,
    ISO_MDNS_AUTHORITY,
    ISO_MDNS_ADDITIONAL,
    ISO_MDNS_SECTIONS,
};

struct iso_mdns_question {
    struct iso_mdns_name name;
    uint16_t type;
    uint16_t class; /* without the top bit */
    bool unicast;   /* the top bit: the answer may come by unicast */
};

/* A record. Names in `data` are written out: data of PTR is a name, of SRV six bytes and a name. */
struct iso_mdns_record {
    struct iso_mdns_name name;
    uint16_t type;
    uint16_t class; /* without the top bit */
    bool flush;     /* the top bit: this is the whole set */
    uint32_t ttl_s;
    struct iso_bytes data; /* in the message, in `copy`, or wherever its maker says */
    uint8_t copy[6 + ISO_MDNS_NAME_MAX];
};

/* The name in the data of a PTR (offset 0) or SRV (offset 6) record. */
void iso_mdns_record_target(const struct iso_mdns_record *record, struct iso_mdns_name *out);

/* Whether the data are the same, names within compared without regard to case. The types must be
 * equal. */
bool iso_mdns_record_same_data(const struct iso_mdns_record *a, const struct iso_mdns_record *b);

/* The order of RFC 6762, section 8.2: class, type, data as unsigned bytes. Below 0: a is first. */
int iso_mdns_record_compare(const struct iso_mdns_record *a, const struct iso_mdns_record *b);

/* ---- Reading --------------------------------------------------------------------------------- */

struct iso_mdns_reader {
    struct iso_bytes packet; /* borrowed */
    size_t at;
    uint16_t id;
    uint16_t flags;
    uint16_t left[ISO_MDNS_SECTIONS]; /* entries not yet read */
};

/*
 * Checks the whole message, every name and record of it, and puts the reader before the first
 * question; reading then cannot fail. Bytes after the last record are ignored. The packet is
 * borrowed as long as the reader is used. Errors, with the offset in the report: MALFORMED; LIMIT
 * (longer than ISO_MDNS_PACKET_MAX); UNSUPPORTED (an opcode or a response code other than 0, which
 * RFC 6762, sections 18.3 and 18.11, has ignored).
 */
ISO_MUST_CHECK enum iso_err iso_mdns_reader_init(struct iso_mdns_reader *reader,
                                                 struct iso_bytes packet,
                                                 struct iso_report *report);

/* The next question; false after the last. */
bool iso_mdns_reader_question(struct iso_mdns_reader *reader, struct iso_mdns_question *out);

/* The next record of any section (questions still unread are passed over); false after the last.
 * record->data is borrowed from the packet or from *record. */
bool iso_mdns_reader_record(struct iso_mdns_reader *reader, struct iso_mdns_record *record,
                            enum iso_mdns_section *section);

/* ---- Writing --------------------------------------------------------------------------------- */

enum { ISO_MDNS_WRITER_NAMES = 64 };

struct iso_mdns_writer {
    uint8_t bytes[ISO_MDNS_SEND_MAX];
    size_t len;
    uint16_t counts[ISO_MDNS_SECTIONS];
    uint16_t names[ISO_MDNS_WRITER_NAMES]; /* where labels begin that can be pointed to */
    unsigned name_count;
    bool plain; /* no pointers within data (RFC 6762, section 18.14, for legacy resolvers) */
};

/* An empty message. */
void iso_mdns_writer_init(struct iso_mdns_writer *writer);

/* Append; false when the message would pass ISO_MDNS_SEND_MAX: it is then as before. Sections must
 * be written in their order. */
bool iso_mdns_writer_question(struct iso_mdns_writer *writer, const struct iso_mdns_name *name,
                              uint16_t type, uint16_t class_and_bit);
bool iso_mdns_writer_record(struct iso_mdns_writer *writer, enum iso_mdns_section section,
                            const struct iso_mdns_record *record);

/* Whether nothing but the header is there. */
bool iso_mdns_writer_is_empty(const struct iso_mdns_writer *writer);

/* Completes the header. */
void iso_mdns_writer_finish(struct iso_mdns_writer *writer, uint16_t id, uint16_t flags);

#endif
