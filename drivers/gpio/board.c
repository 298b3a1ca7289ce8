#include "drivers/gpio/board.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/gpio/chip_set.h"
#include "drivers/gpio/port.h"

enum { PORTS_MAX = 24, EDGES_AT_ONCE = 32, READY_AT_ONCE = 16 };

struct place {
	unsigned chip, offset;
	int port; /* -1: not taken */
	unsigned bit;
};

struct gpio_board {
	unsigned n_uses, n_ports;
	struct gpio_use use[GPIO_USES_MAX];
	struct place place[GPIO_USES_MAX];
	struct gpio_chip_set chips;
	struct gpio_port port[PORTS_MAX];
	int epoll_fd;
};

/* ---- finding ----------------------------------------------------------------------------- */

static bool same_place(const struct gpio_board *board, const struct place *a, const struct place *b)
{
	return a->offset == b->offset && strcmp(board->chips.chip[a->chip].info.name,
						board->chips.chip[b->chip].info.name) == 0;
}

unsigned gpio_board_uses(const struct gpio_board *board)
{
	return board->n_uses;
}

const struct gpio_use *gpio_board_use(const struct gpio_board *board, unsigned use)
{
	return &board->use[use];
}

struct gpio_board *gpio_board_new(void)
{
	struct gpio_board *board = calloc(1, sizeof *board);

	if (board)
		board->epoll_fd = -1;
	return board;
}

/* Two names of one line are found here at the latest. */
static bool is_twice(const struct gpio_board *board, const struct gpio_use *use,
		     const struct place *place, struct gpio_trouble *trouble)
{
	for (unsigned j = 0; j < board->n_uses; j++) {
		if (!same_place(board, &board->place[j], place))
			continue;
		gpio_trouble_set(trouble, GPIO_TROUBLE_CONFIG,
				 "\"%s\" and \"%s\" are both line %u of %s: %s and %s cannot share "
				 "it",
				 board->use[j].wire.line, use->wire.line, place->offset,
				 board->chips.chip[place->chip].info.label, board->use[j].name,
				 use->name);
		return true;
	}
	return false;
}

bool gpio_board_add(struct gpio_board *board, const struct gpio_use *use,
		    struct gpio_trouble *trouble)
{
	struct gpio_trouble why = {.kind = GPIO_TROUBLE_NONE};
	struct place place = {.port = -1};
	int chip, offset = -1;

	if (board->n_uses == GPIO_USES_MAX) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_CONFIG, "too many lines");
		return false;
	}
	board->use[board->n_uses] = *use;
	chip = gpio_chip_set_find(&board->chips, use->wire.chip, &why);
	if (chip >= 0)
		offset = gpio_chips_line(board->chips.chip[chip].chip, use->wire.line, &why);
	if (offset < 0) {
		gpio_trouble_set(trouble, why.kind, "%s: %.250s", use->name, why.text);
		return false;
	}
	place.chip = (unsigned)chip;
	place.offset = (unsigned)offset;
	if (is_twice(board, use, &place, trouble))
		return false;
	board->place[board->n_uses++] = place;
	return true;
}

struct gpio_board *gpio_board_find(const struct gpio_use *use, unsigned n,
				   struct gpio_trouble *trouble)
{
	struct gpio_board *board = gpio_board_new();

	*trouble = (struct gpio_trouble){.kind = GPIO_TROUBLE_NONE};
	if (!board)
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "out of memory");
	for (unsigned i = 0; board && i < n; i++) {
		if (gpio_board_add(board, &use[i], trouble))
			continue;
		gpio_board_close(board);
		return NULL;
	}
	return board;
}

bool gpio_board_describe(struct gpio_board *board, unsigned use, struct gpio_line_info *info,
			 struct gpio_chip_info *chip, unsigned *offset)
{
	const struct place *place = &board->place[use];

	*chip = board->chips.chip[place->chip].info;
	*offset = place->offset;
	return gpio_line_describe(board->chips.chip[place->chip].chip, place->offset, info);
}

/* ---- taking ------------------------------------------------------------------------------ */

static struct gpio_port *port_for(struct gpio_board *board, unsigned i)
{
	const struct gpio_use *use = &board->use[i];
	bool output = gpio_role_is_output(use->role);
	struct gpio_port *port;

	for (unsigned p = 0; p < board->n_ports; p++) {
		port = &board->port[p];
		if (port->chip == board->place[i].chip && port->output == output &&
		    port->drive == use->wire.drive && port->n < GPIO_REQUEST_MAX && !port->request)
			return port;
	}
	if (board->n_ports == PORTS_MAX)
		return NULL;
	port = &board->port[board->n_ports++];
	port->chip = board->place[i].chip;
	port->output = output;
	port->drive = use->wire.drive;
	return port;
}

static void busy_tell(const struct gpio_board *board, unsigned i, const char *consumer,
		      struct gpio_trouble *trouble)
{
	gpio_trouble_set(trouble, GPIO_TROUBLE_BUSY,
			 "%s: line %u (%s) of %s is held by %s%s%s: end it, or name another line",
			 board->use[i].name, board->place[i].offset, board->use[i].wire.line,
			 board->chips.chip[board->place[i].chip].info.label, *consumer ? "\"" : "",
			 *consumer ? consumer : "the kernel or an unnamed program",
			 *consumer ? "\"" : "");
}

/* Puts one line into its port; false and trouble: it is not to be had. */
static bool use_take(struct gpio_board *board, unsigned i, bool what_is_free,
		     struct gpio_trouble *trouble)
{
	struct gpio_line_info info;
	struct gpio_port *port;

	if (!gpio_line_describe(board->chips.chip[board->place[i].chip].chip,
				board->place[i].offset, &info)) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "%s: %s", board->use[i].name,
				 strerror(errno));
		return what_is_free;
	}
	if (info.used) {
		busy_tell(board, i, info.consumer, trouble);
		return what_is_free;
	}
	port = port_for(board, i);
	if (!port) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_CONFIG,
				 "the lines need more than %d requests", PORTS_MAX);
		return what_is_free;
	}
	board->place[i].port = (int)(port - board->port);
	board->place[i].bit = gpio_port_add(
		port, (struct gpio_line){board->place[i].offset, board->use[i].wire.bias}, i,
		board->use[i].wire.active_low, info.output);
	return true;
}

/* The line that somebody took since, or the errno alone. */
static void request_trouble(struct gpio_board *board, const struct gpio_port *port, int error,
			    struct gpio_trouble *trouble)
{
	struct gpio_chip *chip = board->chips.chip[port->chip].chip;
	struct gpio_line_info info;

	for (unsigned b = 0; error == EBUSY && b < port->n; b++)
		if (gpio_line_describe(chip, port->line[b].offset, &info) && info.used) {
			busy_tell(board, port->use[b], info.consumer, trouble);
			return;
		}
	gpio_trouble_set(trouble, error == EBUSY ? GPIO_TROUBLE_BUSY : GPIO_TROUBLE_SYSTEM,
			 "%u lines of %s cannot be taken: %s%s", port->n,
			 board->chips.chip[port->chip].info.label, strerror(error),
			 error == EACCES || error == EPERM
				 ? " (is the user in the group that may use /dev/gpiochip*?)"
				 : "");
}

bool gpio_board_take(struct gpio_board *board, const char *consumer, bool what_is_free,
		     struct gpio_trouble *trouble)
{
	/* The converters' enable opens the first port: what is written first. */
	for (int turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < board->n_uses; i++)
			if (gpio_role_is_output(board->use[i].role) &&
			    (board->use[i].role == GPIO_PCS_ENABLE) == (turn == 0) &&
			    !use_take(board, i, what_is_free, trouble))
				return false;
	for (unsigned p = 0; p < board->n_ports; p++) {
		struct gpio_port *port = &board->port[p];

		if (!port->output || port->request ||
		    gpio_port_take(port, board->chips.chip[port->chip].chip, consumer))
			continue;
		request_trouble(board, port, errno, trouble);
		gpio_request_close(port->request);
		port->request = NULL;
		if (!what_is_free)
			return false;
	}
	return true;
}

bool gpio_board_has(const struct gpio_board *board, unsigned use)
{
	const struct place *place = &board->place[use];

	return place->port >= 0 && board->port[place->port].request;
}

/* ---- from found to inactive -------------------------------------------------------------- */

static uint64_t set_of(const struct gpio_board *board, const struct gpio_port *port,
		       enum gpio_role role)
{
	uint64_t set = 0;

	for (unsigned b = 0; b < port->n; b++)
		if (board->use[port->use[b]].role == role)
			set |= 1ull << b;
	return set;
}

static bool outputs_drive(struct gpio_board *board, bool as_found)
{
	bool all = true;

	for (unsigned p = 0; p < board->n_ports; p++) {
		struct gpio_port *port = &board->port[p];

		if (!port->output || !port->request)
			continue;
		if (!gpio_port_drive(port,
				     as_found ? port->found & ~set_of(board, port, GPIO_PCS_ENABLE)
					      : 0))
			all = false;
	}
	return all;
}

static bool any_coil_found(const struct gpio_board *board)
{
	for (unsigned i = 0; i < board->n_uses; i++)
		if (board->use[i].role == GPIO_COIL && gpio_board_found(board, i))
			return true;
	return false;
}

bool gpio_board_settle(struct gpio_board *board, unsigned wait_ms)
{
	struct timespec wait = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000};
	bool all = true;

	if (any_coil_found(board)) {
		all = outputs_drive(board, true);
		while (nanosleep(&wait, &wait) != 0 && errno == EINTR)
			continue;
	}
	return outputs_drive(board, false) && all;
}

bool gpio_board_found(const struct gpio_board *board, unsigned use)
{
	const struct place *place = &board->place[use];

	return place->port >= 0 && (board->port[place->port].found >> place->bit & 1);
}

/* ---- inputs ------------------------------------------------------------------------------ */

bool gpio_board_listen(struct gpio_board *board, const char *consumer, struct gpio_trouble *trouble)
{
	for (unsigned i = 0; i < board->n_uses; i++)
		if (!gpio_role_is_output(board->use[i].role) && !use_take(board, i, false, trouble))
			return false;
	board->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (board->epoll_fd < 0) {
		gpio_trouble_set(trouble, GPIO_TROUBLE_SYSTEM, "epoll: %s", strerror(errno));
		return false;
	}
	for (unsigned p = 0; p < board->n_ports; p++) {
		struct gpio_port *port = &board->port[p];

		if (port->output || gpio_port_listen(port, board->chips.chip[port->chip].chip,
						     consumer, board->epoll_fd, p))
			continue;
		request_trouble(board, port, errno, trouble);
		return false;
	}
	return true;
}

int gpio_board_fd(const struct gpio_board *board)
{
	return board->epoll_fd;
}

/* Edges of one descriptor. */
static unsigned source_changes(struct gpio_board *board, const struct epoll_event *ready,
			       struct gpio_change *change, unsigned max)
{
	const struct gpio_port *port = &board->port[gpio_port_number(ready)];
	struct gpio_edge edge[EDGES_AT_ONCE];
	unsigned n = gpio_port_edges(port, ready, board->epoll_fd, edge,
				     max < EDGES_AT_ONCE ? max : EDGES_AT_ONCE);

	for (unsigned i = 0; i < n; i++)
		change[i] =
			(struct gpio_change){port->use[edge[i].line], edge[i].at_ns, edge[i].high};
	return n;
}

unsigned gpio_board_changes(struct gpio_board *board, struct gpio_change *change, unsigned max)
{
	struct epoll_event ready[READY_AT_ONCE];
	int n = epoll_wait(board->epoll_fd, ready, READY_AT_ONCE, 0);
	unsigned got = 0;

	for (int i = 0; i < n && got < max; i++)
		got += source_changes(board, &ready[i], change + got, max - got);
	return got;
}

/* ---- set, flush, read -------------------------------------------------------------------- */

void gpio_board_set(struct gpio_board *board, unsigned use, bool active)
{
	const struct place *place = &board->place[use];
	uint64_t bit = 1ull << place->bit;

	if (place->port < 0)
		return;
	if (active)
		board->port[place->port].wanted |= bit;
	else
		board->port[place->port].wanted &= ~bit;
}

bool gpio_board_flush(struct gpio_board *board)
{
	bool all = true;

	for (unsigned p = 0; p < board->n_ports; p++) {
		struct gpio_port *port = &board->port[p];

		if (!port->output || !port->request)
			continue;
		if (!gpio_port_flush(port))
			all = false;
	}
	return all;
}

bool gpio_board_read(struct gpio_board *board)
{
	bool outputs = true;

	for (unsigned p = 0; p < board->n_ports; p++) {
		struct gpio_port *port = &board->port[p];

		if (!gpio_port_read(port) && port->output)
			outputs = false;
	}
	return outputs;
}

int gpio_board_get(const struct gpio_board *board, unsigned use)
{
	const struct place *place = &board->place[use];
	const struct gpio_port *port = &board->port[place->port < 0 ? 0 : place->port];

	return place->port < 0 || !port->known ? -1 : (int)(port->read >> place->bit & 1);
}

void gpio_board_close(struct gpio_board *board)
{
	if (!board)
		return;
	for (unsigned p = 0; p < board->n_ports; p++)
		gpio_request_close(board->port[p].request);
	gpio_chip_set_close(&board->chips);
	if (board->epoll_fd >= 0)
		close(board->epoll_fd);
	free(board);
}
