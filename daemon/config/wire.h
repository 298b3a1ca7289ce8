/*
 * The `can` and `modbus` groups of a profile -> struct wire. Mistakes are collected like all
 * others: file:line: profile x: can.frames[2] 0x1DB: signals[0] "current": what, remedy. The groups
 * and their keys are described in docs/writing-a-pack-profile.md.
 */
#ifndef REBANK_CONFIG_WIRE_H
#define REBANK_CONFIG_WIRE_H

#include "config/key.h"
#include "drivers/pack/wire.h"

enum { WIRE_WHERE_SIZE = 192 };

/* Reads the profile's groups into profile->own.wire, NULL when it has none. */
void wire_read(struct reader *reader, struct profile *profile, const char *where);

/* What must hold between a pack, its bus and what its profile says of the wire. */
void check_pack_wire(struct reader *reader, unsigned k);

/* Everything a wire reads and sends, for people; complete: its digest is taken from this text. */
void wire_print(const struct wire *wire, FILE *out);

/* ---- parts of wire_read ------------------------------------------------------------------ */

enum wire_proof { PROOF_UNVERIFIED = 0, PROOF_SYNTHETIC, PROOF_RECORDED, PROOF_COUNT };

struct wire_reader {
	struct mistakes *mistakes;
	struct wire *wire;
	const struct profile *profile;
	/* Where each of them stands in the file, for messages that come later. */
	const config_setting_t *signal_at[WIRE_SIGNAL_MAX];
	const config_setting_t *frame_at[WIRE_FRAME_MAX];
	const config_setting_t *send_at[WIRE_SEND_MAX];
	char channel[WIRE_CHANNEL_MAX][WIRE_NAME_SIZE];
};

struct wire_key {
	const char *name;
	bool required;
	const char *help;
};

/* Where something is, for messages: WIRE_WHERE_SIZE bytes, cut when longer. */
void wire_where(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A group whose members are all of `keys`; false (and a mistake) when it is no group. */
bool wire_keys(struct wire_reader *reader, const config_setting_t *setting, const char *where,
	       const struct wire_key *keys, unsigned n);

/* Each leaves *value alone when the key is absent; false: absent or wrong (then said). */
bool wire_number(struct wire_reader *reader, const config_setting_t *in, const char *where,
		 const char *key, double low, double high, double *value);
bool wire_count(struct wire_reader *reader, const config_setting_t *in, const char *where,
		const char *key, unsigned low, unsigned high, unsigned *value);
bool wire_seconds(struct wire_reader *reader, const config_setting_t *in, const char *where,
		  const char *key, double low, double high, int32_t *value_ms);
bool wire_flag(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, bool *value);
bool wire_text(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, char *value, size_t size);
/* One of n words. */
bool wire_word(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, const char *const *words, unsigned n, unsigned *value);
/* A whole number or a list of them. */
bool wire_codes(struct wire_reader *reader, const config_setting_t *in, const char *where,
		const char *key, unsigned most, int64_t *codes, uint8_t *n);
/* Bytes in hexadecimal: "10 64 00 B0". */
bool wire_bytes(struct wire_reader *reader, const config_setting_t *in, const char *where,
		const char *key, unsigned most, uint8_t *bytes, unsigned *n);
/* Bits in DBC notation, within a message of `length` bytes. */
bool wire_bits_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		    const char *key, unsigned length, struct wire_bits *bits);
/* Calls `each` for the elements of a list, at most `most`. */
void wire_list(struct wire_reader *reader, const config_setting_t *in, const char *where,
	       const char *key, unsigned most,
	       void (*each)(struct wire_reader *, const config_setting_t *, const char *where));

/* Signals of one message, into wire->signal. */
struct wire_place {
	const config_setting_t *setting; /* the message */
	unsigned length;                 /* bytes that the message has at least */
	int32_t period_ms;
	unsigned steps; /* of a stepped request; 0: not one */
	bool registers; /* a Modbus block: registers from `address` */
	unsigned coils; /* or so many coils from there; 0: none */
	unsigned address;
};
void wire_signals(struct wire_reader *reader, const struct wire_place *place, const char *where,
		  struct wire_message *message);
void wire_sends(struct wire_reader *reader, const config_setting_t *can, const char *where);
bool wire_sum_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		   unsigned length, struct wire_sum *sum);
/* What must hold within one description. */
void wire_check(struct wire_reader *reader, const config_setting_t *group, const char *where);
/* Bits that two of them claim: a part of wire_check. */
void wire_check_overlaps(struct wire_reader *reader, const char *where);
/* True when the two are never in one message together. */
bool wire_exclude(const struct wire_signal *a, const struct wire_signal *b);
/* Fills what follows from the signals: groups, required members, cells. */
void wire_derive(struct wire_reader *reader);

/* The word of a target as `to` has it; `index` for flags and contacts. */
const char *wire_target_word(const struct wire_signal *signal);
const char *wire_proof_word(enum wire_proof proof);

#define WIRE_KEYS(reader, setting, where, table)                                                   \
	wire_keys(reader, setting, where, table, sizeof(table) / sizeof((table)[0]))

#endif
