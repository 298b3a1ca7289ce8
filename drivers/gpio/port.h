/*
 * Lines of one chip that go one way: one request, read and written together. Sets are of active
 * lines, bit i is the line that was added as number i.
 */
#ifndef REBANK_DRIVERS_GPIO_PORT_H
#define REBANK_DRIVERS_GPIO_PORT_H

#include <sys/epoll.h>

#include "drivers/gpio/gpio.h"

struct gpio_port {
	unsigned chip; /* its owner's number of the chip */
	bool output;
	enum gpio_drive drive;
	unsigned n;
	struct gpio_line line[GPIO_REQUEST_MAX];
	unsigned use[GPIO_REQUEST_MAX]; /* its owner's number of the line */
	uint64_t active_low;
	uint64_t was_output, found; /* before it was taken */
	uint64_t wanted, written, read;
	bool known; /* `read` holds */
	bool dirty; /* the last write failed */
	struct gpio_request *request;
};

/* One line more, before the request; its number. */
unsigned gpio_port_add(struct gpio_port *port, struct gpio_line line, unsigned use, bool active_low,
		       bool was_output);

/* Takes outputs as they are and notes which of them are driven active. False: errno. */
bool gpio_port_take(struct gpio_port *port, struct gpio_chip *chip, const char *consumer);
/* Takes inputs; each descriptor with edges joins the epoll, as `number` and its source. False:
 * errno. */
bool gpio_port_listen(struct gpio_port *port, struct gpio_chip *chip, const char *consumer,
		      int epoll_fd, unsigned number);
/* The number of the port that an event of that epoll is of. */
unsigned gpio_port_number(const struct epoll_event *ready);
/* Takes edges of such an event; a broken descriptor leaves the epoll. Levels are active ones, lines
 * those of the port. */
unsigned gpio_port_edges(const struct gpio_port *port, const struct epoll_event *ready,
			 int epoll_fd, struct gpio_edge *edge, unsigned max);

/* Makes them outputs that are `wanted`. False: refused, and dirty. */
bool gpio_port_drive(struct gpio_port *port, uint64_t wanted);
/* Writes what changed or was refused before. False: refused. */
bool gpio_port_flush(struct gpio_port *port);
/* Reads the levels back; false: not known. */
bool gpio_port_read(struct gpio_port *port);

#endif
