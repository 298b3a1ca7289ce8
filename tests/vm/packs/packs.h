/*
 * Vehicle packs for tests on a kernel with CAN: they speak the frames of a Leaf, an i3, a Kona and
 * two Zoes, check what they are sent (counters, checksums, periods), move their contactors by it
 * and share one DC bus with a converter. Written from published facts about the vehicles; knows
 * nothing of Rebank and shares no code with it. SI units, + = discharge.
 */
#ifndef TESTS_VM_PACKS_H
#define TESTS_VM_PACKS_H

#include <linux/can.h>
#include <stdbool.h>
#include <stdint.h>

enum { PACKS_MAX = 8, FRAMES_MAX = 24, NAME_SIZE = 32, PATH_SIZE = 256, ANSWER_MAX = 512 };
enum { NEGATIVE = 0, POSITIVE, PRECHARGE, POLES };
enum state { OPEN = 0, PRECHARGING, CLOSED };

struct pack;

struct kind {
	const char *name;
	unsigned cells;
	uint32_t asks, answers;            /* ids of the ISO-TP conversation */
	int asks_address, answers_address; /* extended addressing; -1: none */
	bool drives_contactors;            /* else its contactors hang on lines */
	bool no_negative;                  /* one of them is not there */
	void (*start)(struct pack *pack);
	void (*hear)(struct pack *pack, const struct can_frame *frame, int64_t now_us);
	void (*run)(struct pack *pack, int64_t now_us);
	/* Answer to a request; its length, 0: none. */
	unsigned (*answer)(struct pack *pack, const uint8_t *ask, unsigned n, uint8_t *data);
};

/* What a pack knows of one id that it expects to hear. */
struct heard {
	uint32_t id;
	int64_t at_us, good_us; /* last one; last one that was right */
	int counter;            /* -1: none yet */
	unsigned bad;
};

struct pack {
	char name[NAME_SIZE];
	const struct kind *kind;
	char interface[CAN_MAX_DLEN * 2];
	int fd, isotp_fd;
	/* the battery */
	double e_v, r_ohm, soc, soh, temp_c, aux_v;
	double cell_offset_v; /* one cell is off by this */
	double current_a, pack_v;
	/* contactors */
	enum state state;
	int64_t state_us;
	bool closed[POLES];
	int line_fd[POLES]; /* of a pack whose contactors hang on lines; -1: none */
	bool welded;
	/* mischief */
	bool silent, frozen, bad_sum, wants_open;
	/* sending */
	int64_t next_us[FRAMES_MAX];
	unsigned count[FRAMES_MAX];
	bool at_once; /* its state changed: tell it now */
	/* hearing */
	struct heard heard[8];
	unsigned n_heard;
	int told_bus_v;    /* voltage behind the contactors as it is told; -1: never */
	bool command;      /* to close */
	bool opened_first; /* an "open" was heard before the "close" */
};

extern const struct kind leaf, i3, kona, zoe41, zoe50;

/* The DC bus they share. */
struct circuit {
	double v, capacitance_f, power_w; /* power_w: of the converter, + out of the bus */
};

void circuit_run(struct circuit *circuit, struct pack *packs, unsigned n, double dt_s);

int64_t now_us(void);
/* "WORD US NAME text" on stdout. */
void tell(const char *word, const struct pack *pack, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void state_set(struct pack *pack, enum state state, int64_t t);
double cell_v(const struct pack *pack);
double bus_v_of(const struct pack *pack);
void bus_v_set(double v);

/* True once per period. */
bool due(struct pack *pack, unsigned slot, int64_t period_us, int64_t t);
void frame_send(struct pack *pack, uint32_t id, unsigned n, const uint8_t *data);

/* Bookkeeping of what is expected: `right` false is told and counted. */
struct heard *heard_of(struct pack *pack, uint32_t id);
void heard_note(struct pack *pack, const struct can_frame *frame, bool right, const char *what,
		int64_t t);
bool heard_within(struct pack *pack, uint32_t id, int64_t us, int64_t t);
/* Whether a counter follows the one before it. */
bool heard_follows(struct pack *pack, uint32_t id, int counter, int modulo);

uint8_t crc8(uint8_t poly, uint8_t init, const uint8_t *data, unsigned n);
void put_le(uint8_t *data, unsigned value, unsigned bytes);
void put_be(uint8_t *data, unsigned value, unsigned bytes);

#endif
