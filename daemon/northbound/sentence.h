/*
 * One event as one sentence, with its pack and numbers, so that log, MQTT and CLI say the same
 * words: "pack leaf-a: cell over-voltage: 4.251 V, threshold 4.2 V".
 */
#ifndef REBANK_NORTHBOUND_SENTENCE_H
#define REBANK_NORTHBOUND_SENTENCE_H

#include "core/site.h"
#include "drivers/driver.h"

/* Returns what snprintf would: the length of the whole sentence. */
int event_sentence(const struct event *event, const struct site *site, char *buf, size_t size);

/* What is wrong on a wire: "pack leaf-a: checksum wrong, last 0x1DB, 120 times since this was last
 * said". */
int notice_sentence(const struct driver_notice *notice, const struct site *site, char *buf,
		    size_t size);

/* The level of its line in the log, 0 to 7 as syslog counts. */
int event_log_level(const struct event *event);

/* Words of the enums that documents and the log show; never NULL. */
const char *severity_word(enum severity severity);
const char *event_kind_word(enum event_kind kind);
const char *ack_status_word(enum ack_status status);

#endif
