/*
 * GPIO chips and lines of the kernel, over libgpiod 1 (gpiod_v1.c) or libgpiod 2 (gpiod_v2.c): the
 * Makefile compiles the one that is installed; chip.c serves both. Levels are those of the wire,
 * bit i of a set is line i of the request, 1 = high: what is active-low is turned round by whoever
 * knows the wiring (port.c). Nothing sleeps. Requests are made and closed outside the control loop
 * (they allocate); set, get and edges allocate nothing. Failures return false, NULL or -1 and leave
 * errno: EBUSY when a line is held by somebody else, ENODEV when the chip has gone.
 */
#ifndef REBANK_DRIVERS_GPIO_GPIO_H
#define REBANK_DRIVERS_GPIO_GPIO_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GPIO_REQUEST_MAX = 64, /* lines of one request, the kernel's own bound */
	GPIO_NAME_SIZE = 32,   /* of chips, lines, consumers: as the kernel */
	GPIO_PATH_SIZE = 96,
};

enum gpio_bias { GPIO_BIAS_NONE = 0, GPIO_BIAS_PULL_UP, GPIO_BIAS_PULL_DOWN };
enum gpio_drive { GPIO_PUSH_PULL = 0, GPIO_OPEN_DRAIN, GPIO_OPEN_SOURCE };

struct gpio_chip_info {
	char name[GPIO_NAME_SIZE];  /* "gpiochip0": moves when hardware or kernel change */
	char label[GPIO_NAME_SIZE]; /* "pinctrl-bcm2711": stays */
	unsigned n_lines;
};

struct gpio_line_info {
	char name[GPIO_NAME_SIZE];     /* "" when it has none */
	char consumer[GPIO_NAME_SIZE]; /* who holds it; "" */
	bool used;                     /* by a process or by the kernel itself */
	bool output;
};

struct gpio_line {
	unsigned offset;
	enum gpio_bias bias; /* of inputs */
};

struct gpio_edge {
	int64_t at_ns; /* kernel's stamp, CLOCK_MONOTONIC */
	unsigned line; /* index in the request */
	bool high;     /* the level after the edge */
};

struct gpio_chip;
struct gpio_request;

struct gpio_chip *gpio_chip_open(const char *path);
void gpio_chip_close(struct gpio_chip *chip);
bool gpio_chip_describe(struct gpio_chip *chip, struct gpio_chip_info *info);
bool gpio_line_describe(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info);

/* Takes lines without touching direction or level: what is driven stays driven. */
struct gpio_request *gpio_request_as_is(struct gpio_chip *chip, const char *consumer,
					const struct gpio_line *line, unsigned n);
/* Makes every line of such a request an output at its level, in one call. */
bool gpio_request_drive(struct gpio_request *request, enum gpio_drive drive, uint64_t levels);
/* Inputs with their bias and edge events of both directions. */
struct gpio_request *gpio_request_inputs(struct gpio_chip *chip, const char *consumer,
					 const struct gpio_line *line, unsigned n);

/* All lines of driven outputs in one call. */
bool gpio_request_set(struct gpio_request *request, uint64_t levels);
bool gpio_request_get(struct gpio_request *request, uint64_t *levels);

/* Descriptors that are readable when an edge of inputs waits: libgpiod 1 has one per line. */
unsigned gpio_request_sources(const struct gpio_request *request);
int gpio_request_fd(const struct gpio_request *request, unsigned source);
/* Takes what waits at one of them, never sleeps. Number of edges, 0: none, -1: errno. */
int gpio_request_edges(struct gpio_request *request, unsigned source, struct gpio_edge *edge,
		       unsigned max);

/* Gives the lines back. What the kernel then does with outputs is its own affair: persist.h. */
void gpio_request_close(struct gpio_request *request);

#endif
