/* Every bound of the mDNS library. Whatever comes from the network is held within these; each has a
 * test (mdns_limits_test.c). */
#ifndef ISO_NET_MDNS_LIMITS_H
#define ISO_NET_MDNS_LIMITS_H

/* What goes into a message. RFC 1035, section 3.1, and RFC 6762, section 17. */
#define ISO_MDNS_LABEL_MAX 63u    /* bytes of a label */
#define ISO_MDNS_NAME_MAX 255u    /* bytes of a name as it is sent, lengths and closing zero too */
#define ISO_MDNS_PACKET_MAX 9000u /* bytes of a received message; longer ones are refused */
#define ISO_MDNS_SEND_MAX 1440u   /* bytes of a sent one: fits every Ethernet with IPv6 */
#define ISO_MDNS_TXT_MAX 1024u    /* bytes of a TXT record, ours and those of peers */
#define ISO_MDNS_TXT_ENTRY_MAX 255u /* bytes of one "key=value" */

/* Ours. */
#define ISO_MDNS_INTERFACES_MAX 16u
#define ISO_MDNS_ADDRESSES_MAX 14u /* of ours on one interface */
#define ISO_MDNS_SERVICES_MAX 16u
#define ISO_MDNS_SUBTYPES_MAX 8u /* of one service */
#define ISO_MDNS_BROWSES_MAX 16u

/* What others make us keep. */
#define ISO_MDNS_PEERS_MAX 256u           /* instances found, over all interfaces */
#define ISO_MDNS_PEERS_PER_SOURCE_MAX 64u /* that packets of one address made us keep */
#define ISO_MDNS_PEER_ADDRESSES_MAX 12u   /* of one peer */
#define ISO_MDNS_PEER_TTL_MAX_S 86400u    /* a longer life is cut to this */
#define ISO_MDNS_CONFIRM_MS 10000u /* complete for so long, and other peers cannot push it out */
#define ISO_MDNS_REPLIES_MAX                                                                       \
    16u /* waiting answers on one interface; more questions are dropped                            \
         */
#define ISO_MDNS_PROBE_RECORDS_MAX 16u   /* records of one name in a probe that are compared */
#define ISO_MDNS_REPLY_EXTENSIONS_MAX 4u /* times that more known answers are waited for */
#define ISO_MDNS_ECHOES_MAX 32u          /* of our packets whose coming back is expected */
#define ISO_MDNS_SUPPRESSIONS_MAX 3u     /* times in a row that somebody else asks for us */

/* What others make us send, per interface and second. */
#define ISO_MDNS_UNICAST_REPLIES_PER_S 50u
#define ISO_MDNS_QUERY_PACKETS_PER_S 20u

#endif
