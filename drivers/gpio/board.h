/*
 * The lines of one configuration on their chips: found, taken, set and read, in terms of active and
 * inactive. The driver (lines.h), `rebankctl safe` and `rebankctl preflight` all stand on it.
 */
#ifndef REBANK_DRIVERS_GPIO_BOARD_H
#define REBANK_DRIVERS_GPIO_BOARD_H

#include "core/types.h"
#include "drivers/gpio/chips.h"
#include "drivers/gpio/wire.h"

enum gpio_role {
	GPIO_COIL = 0, /* index: pole */
	GPIO_BOOST,
	GPIO_PCS_ENABLE,
	GPIO_HEARTBEAT,
	GPIO_ALARM_RELAY,
	GPIO_FIRE_RELAY,
	GPIO_FAN,
	GPIO_FEEDBACK, /* the first input; index: pole */
	GPIO_INPUT,    /* index: enum input_id */
	GPIO_SUPPLY,
	GPIO_IMD_PWM,
	GPIO_IMD_OK,
};

enum { GPIO_USES_MAX = PACK_MAX * (2 * POLE_COUNT + 1) + INPUT_COUNT + 8, GPIO_USE_SIZE = 64 };

struct gpio_use {
	enum gpio_role role;
	unsigned pack, index;
	struct gpio_wire wire;
	char name[GPIO_USE_SIZE]; /* "positive of leaf-a", for messages */
};

static inline bool gpio_role_is_output(enum gpio_role role)
{
	return role < GPIO_FEEDBACK;
}

struct gpio_board;

/* An empty board; NULL: out of memory. */
struct gpio_board *gpio_board_new(void);
/* Finds the chip and line of one more use, whose number is then gpio_board_uses - 1. Nothing is
 * taken yet. False: trouble says what is missing or twice, and the board is as before. */
bool gpio_board_add(struct gpio_board *board, const struct gpio_use *use,
		    struct gpio_trouble *trouble);
/* Both for a list; NULL at the first trouble. */
struct gpio_board *gpio_board_find(const struct gpio_use *use, unsigned n,
				   struct gpio_trouble *trouble);

unsigned gpio_board_uses(const struct gpio_board *board);
const struct gpio_use *gpio_board_use(const struct gpio_board *board, unsigned use);

/* Who holds the line now, as the kernel says. */
bool gpio_board_describe(struct gpio_board *board, unsigned use, struct gpio_line_info *info,
			 struct gpio_chip_info *chip, unsigned *offset);

/*
 * Takes the outputs as they are, neither direction nor level touched. With `what_is_free` lines
 * that somebody else holds are left out (gpio_board_has); otherwise one of them is trouble of kind
 * BUSY.
 */
bool gpio_board_take(struct gpio_board *board, const char *consumer, bool what_is_free,
		     struct gpio_trouble *trouble);
bool gpio_board_has(const struct gpio_board *board, unsigned use);

/*
 * From as they are found to all inactive (hazards rule 7): when a coil is found driven, the
 * converters' enable falls first, everything else stays as it was for `wait_ms`, which lets the
 * current go, and then every output is inactive. True: nothing was refused on the way.
 */
bool gpio_board_settle(struct gpio_board *board, unsigned wait_ms);

/* Was this output driven when it was taken? */
bool gpio_board_found(const struct gpio_board *board, unsigned use);

/* Takes the inputs with their bias; their edges wait at gpio_board_fd. */
bool gpio_board_listen(struct gpio_board *board, const char *consumer,
		       struct gpio_trouble *trouble);

/* What an output is to be; on the wire after the next flush. */
void gpio_board_set(struct gpio_board *board, unsigned use, bool active);
/* Writes what changed, one call per request; the chip of the converters' enable first. False: a
 * chip did not take it, and is asked again at the next flush. */
bool gpio_board_flush(struct gpio_board *board);
/* Reads every level back; false: a chip with outputs on it does not answer. */
bool gpio_board_read(struct gpio_board *board);
/* As read last: 1 active, 0 inactive, -1 not known. */
int gpio_board_get(const struct gpio_board *board, unsigned use);

/* Readable when an edge waits; -1 when nothing listens. */
int gpio_board_fd(const struct gpio_board *board);

struct gpio_change {
	unsigned use;
	int64_t at_ns; /* CLOCK_MONOTONIC */
	bool active;
};

/* Takes edges that wait; how many. Call until it gives less than max. */
unsigned gpio_board_changes(struct gpio_board *board, struct gpio_change *change, unsigned max);

/* Gives everything back as it is; the outputs keep or lose their level as the kernel likes. */
void gpio_board_close(struct gpio_board *board);

#endif
