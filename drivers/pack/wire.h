/*
 * What a pack says and hears on its wire: frames, polled answers and Modbus blocks -> samples, and
 * commands -> frames to send. A profile's `can` or `modbus` group is compiled into one struct wire
 * when the configuration is loaded; after that it is read only and everything here is a table walk.
 *
 * Promises: starts as unknown; never reads past the length given; an invalid code is NaN, never a
 * value; no last value is held for a message that stopped (its stamp stays old); nothing allocates,
 * blocks or keeps state but struct wire_state and struct wire_sending, which the caller owns.
 *
 * Bits are in DBC notation, "start|length@order sign": order 1 (Intel) counts up from the lowest
 * bit, order 0 (Motorola) counts from the highest bit, bit 7 of byte 0 being 7.
 */
#ifndef REBANK_DRIVERS_PACK_WIRE_H
#define REBANK_DRIVERS_PACK_WIRE_H

#include <stddef.h>

#include "core/site.h"

enum {
	WIRE_FRAME_MAX = 64,
	WIRE_SIGNAL_MAX = 320,
	WIRE_REQUEST_MAX = 32,
	WIRE_CHANNEL_MAX = 4,
	WIRE_BLOCK_MAX = 24,
	WIRE_SEND_MAX = 64,
	WIRE_FIELD_MAX = 128,
	WIRE_TABLE_MAX = 2048, /* bytes of all pattern tables */
	WIRE_INFO_MAX = 64,
	WIRE_FLAG_MAX = 64, /* signals that raise a bms flag */
	WIRE_GENERATION_MAX = 4,
	WIRE_NAME_SIZE = 32,
	WIRE_HASH_SIZE = 256,   /* power of two, > 2 x WIRE_FRAME_MAX */
	WIRE_ANSWER_MAX = 4095, /* bytes of one ISO-TP message */
	WIRE_BITS_MAX = 56,     /* of one signal: with its shift it fits 64 */
	WIRE_BMS_FLAGS = 5,     /* bits of enum bms_flag */
};

/* ---- description ------------------------------------------------------------------------- */

/* Where a signal's value goes. The unit is that of struct pack_sample. */
enum wire_target {
	WIRE_TO_NOTHING = 0,
	WIRE_TO_PACK_V,
	WIRE_TO_CURRENT_A, /* current_sign of the wire makes it + discharge */
	WIRE_TO_LINK_V,
	WIRE_TO_CELL_V, /* index: the cell */
	WIRE_TO_CELL_MIN_V,
	WIRE_TO_CELL_MAX_V,
	WIRE_TO_TEMP_C, /* index: the sensor */
	WIRE_TO_TEMP_MIN_C,
	WIRE_TO_TEMP_MAX_C,
	WIRE_TO_SOC, /* 0..1 */
	WIRE_TO_SOH, /* 0..1 */
	WIRE_TO_DIS_LIMIT_A,
	WIRE_TO_DIS_LIMIT_W, /* divided by the pack voltage of the same instant */
	WIRE_TO_CHA_LIMIT_A, /* the magnitude counts */
	WIRE_TO_CHA_LIMIT_W,
	WIRE_TO_INSULATION_OHM,
	WIRE_TO_AUX_V,
	WIRE_TO_SERIAL,  /* number, or ASCII when `text` */
	WIRE_TO_FLAG,    /* bms_flag, raised by any value that is not healthy */
	WIRE_TO_CONTACT, /* index: enum pole */
	WIRE_TO_INFO,    /* index: info slot; shown by `rebankctl decode` only */
	WIRE_TARGET_COUNT
};

/* Groups of struct pack_sample that carry one stamp each; bits of wire_state.touched. */
enum wire_group {
	WIRE_ELECTRICAL = 1u << 0,
	WIRE_LINK = 1u << 1,
	WIRE_CELLS = 1u << 2,
	WIRE_TEMPS = 1u << 3,
	WIRE_BMS = 1u << 4,
	WIRE_CONTACTS = 1u << 5,
};

/* A run of bits, compiled: bytes first..first+bytes-1 as one number, shifted down, masked. */
struct wire_bits {
	uint16_t first;
	uint8_t bytes; /* 0: none; at most 8 */
	uint8_t shift;
	uint8_t length; /* bits, 1..56 */
	bool big_endian, is_signed;
	bool word_swap; /* 32 bits as two registers, low word first */
};

/* The signal holds only when the gate's bits are (or are not) one of these. */
enum { WIRE_GATE_VALUES = 4, WIRE_GATES = 2 };
struct wire_gate {
	struct wire_bits bits;
	bool negate;
	uint8_t n;
	uint32_t value[WIRE_GATE_VALUES];
};

enum { WIRE_CODES = 8 };
struct wire_signal {
	char name[WIRE_NAME_SIZE];
	enum wire_target target;
	struct wire_bits bits;
	double scale, offset; /* value = raw x scale + offset */
	double low, high;     /* a value outside is unknown */
	uint8_t n_invalid;    /* raw codes (after sign extension) that are unknown */
	int64_t invalid[WIRE_CODES];
	uint8_t n_codes; /* FLAG: the healthy ones; CONTACT: the closed ones */
	int64_t code[WIRE_CODES];
	uint8_t n_open; /* CONTACT: the open ones; all others are unknown */
	int64_t open[WIRE_CODES];
	uint8_t generations; /* bit set; 0: all */
	uint8_t proof;       /* how sure this is, for people: the config's enum wire_proof */
	bool optional;       /* its absence makes nothing stale; its own age makes it unknown */
	int32_t stale_ms;    /* that age */
	bool text;           /* SERIAL: first..first+text_length-1 as ASCII */
	uint16_t text_length;
	uint8_t n_gates;
	struct wire_gate gate[WIRE_GATES];
	struct wire_gate doubt; /* n > 0: the value is unknown when it holds */
	uint16_t index, count;  /* count > 1: a run of equal signals, index and bits moving on */
	uint16_t step_bits;     /* from one to the next, a multiple of 8 */
	struct wire_bits page;  /* bytes > 0: index += value x page_step */
	uint16_t page_step;
	uint16_t request_step; /* of a stepped request: index += step x request_step */
	bool faulty_codes;     /* FLAG: the codes are those that raise it */
	uint8_t flag_slot;     /* FLAG: its own slot, 0..WIRE_FLAG_MAX-1 */
	unsigned bms_flag;     /* FLAG: bit of enum bms_flag */
};

enum wire_sum_kind {
	WIRE_SUM_NONE = 0,
	WIRE_SUM_CRC8,   /* poly, init, xor over bytes first..last, result in byte `at` */
	WIRE_SUM_NIBBLE, /* Nissan: all nibbles of data and id but the last; low nibble of `at` */
	WIRE_SUM_BYTES,  /* Tesla: id bytes and all other bytes, result in byte `at` */
};

struct wire_sum {
	enum wire_sum_kind kind;
	uint8_t poly, init, xor_out;
	uint8_t first, last, at; /* bytes */
};

enum { WIRE_COUNTER_CODES = 8 };
struct wire_counter {
	struct wire_bits bits; /* bytes 0: none */
	uint8_t modulo;        /* counts 0..modulo-1; anything else is an error */
	uint8_t n_codes;       /* > 0: not numbers but these, in turn; modulo is n_codes */
	uint8_t code[WIRE_COUNTER_CODES];
	uint8_t hold; /* messages that may carry the same one */
};

/* Signals first_signal.. of the wire belong to one message. */
struct wire_message {
	char name[WIRE_NAME_SIZE];
	uint16_t first_signal, n_signals;
	uint16_t length_min; /* shorter: an error, nothing is taken */
	int32_t period_ms;   /* as sent or asked for; 0: unknown */
	int32_t fastest_ms;  /* no one sender sends it more often; 0: not known */
	struct wire_sum sum;
	struct wire_counter counter;
	uint16_t settle; /* messages after silence that are not believed */
};

struct wire_frame {
	uint32_t id;
	bool ext;
	bool electrical; /* carries pack voltage or current */
	uint8_t proves;  /* generation this id proves, + 1; 0: none */
	struct wire_message message;
};

/* One ISO-TP conversation: a socket each; one request outstanding at a time. */
struct wire_channel {
	uint32_t tx_id, rx_id;
	bool ext;
	bool has_address; /* extended addressing: first byte of each frame */
	uint8_t tx_address, rx_address;
	uint8_t block_size, st_min_ms; /* in our flow control */
	uint8_t pad;
	int32_t gap_ms;       /* from an answer (or its time-out) to the next request */
	int32_t timeout_ms;   /* of one answer */
	bool only_keep_alive; /* ask only while keep-alive is permitted */
};

/*
 * One request and its positive answer. A stepped request stands for n_steps of them: a number of
 * step_bytes at payload[step_at] counts up, leaving `skip` out.
 */
struct wire_request {
	uint8_t channel;
	uint8_t length;
	uint8_t payload[8];
	uint8_t prefix_length; /* an answer that does not start so is not ours */
	uint8_t prefix[8];     /* the stepped number, if within, is compared as asked for */
	uint16_t n_steps;      /* 1: a plain request */
	uint8_t step_at, step_bytes;
	uint8_t n_skip;
	uint32_t step_first, skip[4];
	struct wire_message message; /* bits count from byte 0 of the answer, prefix included */
};

/* Modbus registers read together. Payload: registers as on the wire (high byte first); coils and
 * discrete inputs packed as on the wire (lowest bit first). */
struct wire_block {
	uint8_t function; /* 1..4 */
	uint16_t address, count;
	struct wire_message message;
};

enum wire_field_kind {
	WIRE_FIELD_COUNTER = 0, /* counts up with each frame */
	WIRE_FIELD_PATTERN,     /* bytes of a table, each for `hold` frames, round and round */
	WIRE_FIELD_BUS_V,       /* measured voltage behind the contactors: (v - offset) / scale */
	WIRE_FIELD_COMMAND,     /* value[1] to close, value[0] otherwise */
	WIRE_FIELD_UPTIME_S,    /* seconds since the driver started */
	WIRE_FIELD_MINUTES,     /* of the real clock since since_s: three digits to the base 255,
				   the highest first (Renault 0x376) */
};

struct wire_field {
	enum wire_field_kind kind;
	struct wire_bits bits;
	uint8_t modulo;          /* COUNTER */
	uint8_t counter_first;   /* COUNTER: value of the first frame */
	uint16_t table, n_table; /* PATTERN: entries of `width` bytes at wire.table */
	uint8_t width;        /* whole bytes that are written: PATTERN, MINUTES; 0: bits */
	uint16_t hold;        /* PATTERN */
	double scale, offset; /* BUS_V, UPTIME_S */
	uint32_t value[2];    /* COMMAND */
	uint16_t open_first;  /* COMMAND: value[0] in so many first frames, whatever is asked */
	uint32_t since_s;     /* MINUTES: seconds since 1970-01-01 UTC */
};

/* Conditions of a frame to send; all set bits must hold. */
enum wire_when {
	WIRE_WHEN_KEEP_ALIVE = 1u << 0, /* the core permits keep-alive */
	WIRE_WHEN_CLOSE = 1u << 1,      /* commanded closed */
	WIRE_WHEN_OPEN = 1u << 2,       /* not commanded closed */
	WIRE_WHEN_BUS_KNOWN = 1u << 3, /* the voltage behind the contactors is measured and fresh */
	WIRE_WHEN_CLOSED = 1u << 4,    /* the pack says that its positive contactor is closed */
};

struct wire_send {
	char name[WIRE_NAME_SIZE];
	uint32_t id;
	bool ext;
	uint8_t length;
	uint8_t base[8];
	int32_t period_ms;
	unsigned when;
	uint8_t stream; /* index of the frame whose counters and patterns it goes on with: mostly
			   its own */
	uint16_t first_field, n_fields;
	struct wire_sum sum;
};

/*
 * Generations of one pack type. The highest one proven by an id holds; the first one holds when
 * none was proven within generation_settle_ms of the first frame. A pack of a generation that the
 * profile is not for (not in `fits`) is unknown.
 */
struct wire {
	char profile[ID_SIZE];
	uint64_t digest; /* of the description: a change clears commissioning */

	double current_sign; /* +1: raw + is discharge; -1: raw + is charge */
	uint8_t n_generations, fits;
	char generation[WIRE_GENERATION_MAX][WIRE_NAME_SIZE];
	int32_t generation_settle_ms;

	uint16_t n_cells, n_temps; /* 0: only extremes */
	unsigned groups;           /* enum wire_group: what it has */
	bool counts;               /* electrical_count is a message counter of its own */
	bool v_of_cells;           /* it sends no voltage of its own: the sum of its cells */
	int32_t close_ms, open_ms; /* by frames: takes so long; 0: not stated */
	bool by_frames;            /* some frame carries the command to close */
	bool needs_bus_v;          /* some frame carries the bus voltage */

	uint16_t n_frames, n_signals, n_requests, n_channels, n_blocks, n_sends, n_fields, n_table;
	uint8_t n_info, n_flags;
	char info[WIRE_INFO_MAX][WIRE_NAME_SIZE];
	uint64_t required_flags;      /* by flag slot */
	unsigned required;            /* 1 << enum wire_target: scalars whose age is the group's */
	uint8_t contacts;             /* poles it reports, 1 << enum pole */
	uint8_t hash[WIRE_HASH_SIZE]; /* index into frame + 1; 0: free */
	struct wire_frame frame[WIRE_FRAME_MAX];
	struct wire_signal signal[WIRE_SIGNAL_MAX];
	struct wire_channel channel[WIRE_CHANNEL_MAX];
	struct wire_request request[WIRE_REQUEST_MAX];
	struct wire_block block[WIRE_BLOCK_MAX];
	struct wire_send send[WIRE_SEND_MAX];
	struct wire_field field[WIRE_FIELD_MAX];
	uint8_t table[WIRE_TABLE_MAX];
};

/* ---- reading ----------------------------------------------------------------------------- */

enum wire_verdict {
	WIRE_FOREIGN = 0, /* not of this description: nothing changed */
	WIRE_TAKEN,
	WIRE_BAD, /* length, checksum, counter, prefix: counted in bad_frames, nothing taken */
};

/* What was wrong, for people; counts since start. */
enum wire_complaint {
	WIRE_SHORT = 0,        /* fewer bytes than described */
	WIRE_SUM_WRONG,        /* checksum */
	WIRE_COUNTER_INVALID,  /* a code the counter never has */
	WIRE_COUNTER_STUCK,    /* the same counter again: counted; only volts, amps and raised flags
				  are taken */
	WIRE_COUNTER_JUMPED,   /* frames lost, or two senders: taken, counted */
	WIRE_CROWDED,          /* more frames than one sender sends: two packs on one bus */
	WIRE_GENERATION_WRONG, /* a generation this profile is not for */
	WIRE_ANSWER_WRONG,     /* an answer that is not to this request, or a refusal */
	WIRE_ANSWER_BROKEN,    /* a long answer that broke off */
	WIRE_ANSWER_MISSING,   /* none within its time: no bad frame */
	WIRE_COMPLAINT_COUNT
};

struct wire_state;

/* Counts one; of all but WIRE_ANSWER_MISSING in bad_frames too. */
void wire_complain(struct wire_state *state, struct pack_sample *sample,
		   enum wire_complaint complaint, uint32_t id);

/* The complaint in words; never NULL. */
const char *wire_complaint_text(enum wire_complaint complaint);

struct wire_heard { /* per frame, answer or block */
	int64_t stamp_ms;
	uint16_t settling; /* messages still not believed */
	uint8_t counter;   /* its number, or its place among the codes */
	uint8_t held;      /* messages with that one */
	bool counter_known;
	int64_t window_ms; /* crowd test */
	uint16_t in_window;
	uint8_t crowded; /* windows in a row */
};

/* About 10 kB per pack; the caller owns it. */
struct wire_state {
	double current_sign;
	unsigned touched;   /* enum wire_group: what the last call brought up to date */
	int64_t first_ms;   /* of the first frame of ours */
	uint8_t generation; /* + 1; 0: not known yet */
	uint32_t complaint[WIRE_COMPLAINT_COUNT];
	uint32_t complaint_id[WIRE_COMPLAINT_COUNT]; /* of the last one */
	struct wire_heard frame[WIRE_FRAME_MAX], request[WIRE_REQUEST_MAX], block[WIRE_BLOCK_MAX];
	int64_t scalar_ms[WIRE_TARGET_COUNT];
	int64_t cell_ms[CELL_MAX], temp_ms[TEMP_MAX], flag_ms[WIRE_FLAG_MAX];
	int64_t contact_ms[POLE_COUNT];
	uint64_t raised[WIRE_BMS_FLAGS]; /* flag slots that raise each bms flag */
	double limit_a[2], limit_w[2];   /* as sent: discharge, charge */
	unsigned beyond;                 /* groups beyond a bound that opens, enum wire_group */
	double info[WIRE_INFO_MAX];
};

/* Everything unknown. `reversed`: this pack's current counts the other way round than its profile
 * says. Also makes `sample` and `contacts` unknown. */
void wire_start(const struct wire *wire, struct wire_state *state, bool reversed,
		struct pack_sample *sample, struct pack_contacts *contacts);

/* A frame received at stamp_ms (monotonic, > 0). */
enum wire_verdict wire_decode_frame(const struct wire *wire, struct wire_state *state,
				    int64_t stamp_ms, uint32_t id, bool ext, const uint8_t *data,
				    unsigned length, struct pack_sample *sample,
				    struct pack_contacts *contacts);

/* A whole ISO-TP message, in answer to wire->request[request], step `step`. */
enum wire_verdict wire_decode_answer(const struct wire *wire, struct wire_state *state,
				     int64_t stamp_ms, unsigned request, unsigned step,
				     const uint8_t *data, unsigned length,
				     struct pack_sample *sample, struct pack_contacts *contacts);

/* True when `data` is the positive answer to that request and step. */
bool wire_answers(const struct wire *wire, unsigned request, unsigned step, const uint8_t *data,
		  unsigned length);

/* What wire->block[block] holds. */
enum wire_verdict wire_decode_block(const struct wire *wire, struct wire_state *state,
				    int64_t stamp_ms, unsigned block, const uint8_t *data,
				    unsigned length, struct pack_sample *sample,
				    struct pack_contacts *contacts);

/* Makes optional readings that stopped unknown; call it once per tick. */
void wire_forget(const struct wire *wire, struct wire_state *state, int64_t now_ms,
		 struct pack_sample *sample);

/* True when a reading just taken (state->touched) has gone beyond a bound that opens the pack:
 * once, until it is back inside. */
bool wire_urgent(struct wire_state *state, const struct pack_sample *sample,
		 const struct pack_limits *limit);

/* Frame by id, or NULL. */
const struct wire_frame *wire_find(const struct wire *wire, uint32_t id, bool ext);

/* ---- asking and sending ------------------------------------------------------------------ */

/* The bytes of a request; returns their number. */
unsigned wire_request_build(const struct wire *wire, unsigned request, unsigned step,
			    uint8_t payload[8]);

/* What goes out now, of one pack. */
struct wire_command {
	bool keep_alive, close;
	bool closed; /* as the pack says */
	bool bus_known;
	double bus_v;
	int64_t uptime_ms;
	int64_t utc_ms; /* 0: not known, and what tells the time does not go out */
};

struct wire_sending {
	uint32_t sent[WIRE_SEND_MAX]; /* frames built so far, by wire_send.stream */
	bool commands_close;          /* the command in the frames that went out last */
};

/* Fills data[wire->send[send].length] for the next frame. False: its conditions do not hold, send
 * nothing (and count nothing). */
bool wire_build_frame(const struct wire *wire, unsigned send, struct wire_sending *sending,
		      const struct wire_command *command, uint8_t data[8]);

/* ---- small parts that tests and tools use too -------------------------------------------- */

/* From DBC notation. False: longer than WIRE_BITS_MAX or beyond any message. */
bool wire_bits_compile(struct wire_bits *bits, unsigned start, unsigned length, bool big_endian,
		       bool is_signed);
/* False: the bits do not lie within `length` bytes. */
bool wire_extract(const struct wire_bits *bits, const uint8_t *data, unsigned length, int64_t *raw);
void wire_insert(const struct wire_bits *bits, uint8_t *data, uint64_t raw);
/* The checksum these bytes should carry (for WIRE_SUM_NIBBLE the low nibble). */
uint8_t wire_sum_of(const struct wire_sum *sum, uint32_t id, const uint8_t *data);
bool wire_sum_holds(const struct wire_sum *sum, uint32_t id, const uint8_t *data, unsigned length);
void wire_sum_put(const struct wire_sum *sum, uint32_t id, uint8_t *data);
/* Enters every frame into the hash; false: two have one id. */
bool wire_index(struct wire *wire);
/* Digest of a serial number's text for pack_sample.serial and pack_site.serial; 0 only for "". */
uint64_t wire_serial_digest(const char *text, size_t length);

#endif
