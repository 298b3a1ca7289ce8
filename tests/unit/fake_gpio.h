/*
 * A kernel's GPIO chips in memory, behind drivers/gpio/gpio.h: this test's functions take the place
 * of libgpiod's. State is what a line is; the tests look at lines, not at calls, but for the number
 * of writes.
 */
#ifndef REBANK_TESTS_FAKE_GPIO_H
#define REBANK_TESTS_FAKE_GPIO_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "drivers/gpio/gpio.h"

enum { FAKE_LINES = 80, FAKE_CHIPS = 2, FAKE_EDGES = 64 };

struct fake_line {
	char name[GPIO_NAME_SIZE], holder[GPIO_NAME_SIZE];
	bool output, level;
	bool stuck; /* keeps its level whatever is written */
	enum gpio_bias bias;
	enum gpio_drive drive;
	struct gpio_request *request;
	unsigned index;
};

static struct gpio_chip {
	const char *path;
	bool gone;
	unsigned writes;
	struct fake_line line[FAKE_LINES];
} fake_chip[FAKE_CHIPS];

/* Levels that changed, each write ended by a bar: "18=0 | 17=0 27=0 | " */
static char fake_log[4096];

struct gpio_request {
	struct gpio_chip *chip;
	unsigned n, offset[GPIO_REQUEST_MAX];
	int fd; /* of edges; -1 */
	unsigned n_edges;
	struct gpio_edge edge[FAKE_EDGES];
};

static void fake_init(void)
{
	memset(fake_chip, 0, sizeof fake_chip);
	fake_chip[0].path = "/fake/bank";
	fake_chip[1].path = "/fake/relays";
	for (unsigned i = 0; i < FAKE_LINES; i++)
		snprintf(fake_chip[0].line[i].name, GPIO_NAME_SIZE, "GPIO%u", i);
	fake_log[0] = '\0';
}

struct gpio_chip *gpio_chip_open(const char *path)
{
	for (unsigned i = 0; i < FAKE_CHIPS; i++)
		if (strcmp(fake_chip[i].path, path) == 0)
			return &fake_chip[i];
	errno = ENOENT;
	return NULL;
}

void gpio_chip_close(struct gpio_chip *chip)
{
	(void)chip;
}

bool gpio_chip_describe(struct gpio_chip *chip, struct gpio_chip_info *info)
{
	snprintf(info->name, sizeof info->name, "gpiochip%d", (int)(chip - fake_chip));
	snprintf(info->label, sizeof info->label, "%s", chip->path + 6);
	info->n_lines = FAKE_LINES;
	return true;
}

bool gpio_line_describe(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info)
{
	const struct fake_line *line = &chip->line[offset];

	errno = ENODEV;
	if (chip->gone)
		return false;
	memcpy(info->name, line->name, sizeof info->name);
	memcpy(info->consumer, line->holder, sizeof info->consumer);
	info->used = line->holder[0];
	info->output = line->output;
	return true;
}

static struct gpio_request *fake_request(struct gpio_chip *chip, const char *consumer,
					 const struct gpio_line *line, unsigned n)
{
	struct gpio_request *request = calloc(1, sizeof *request);

	for (unsigned i = 0; i < n; i++) {
		if (chip->line[line[i].offset].holder[0]) {
			free(request);
			errno = EBUSY;
			return NULL;
		}
	}
	request->chip = chip;
	request->n = n;
	request->fd = -1;
	for (unsigned i = 0; i < n; i++) {
		struct fake_line *of = &chip->line[line[i].offset];

		request->offset[i] = line[i].offset;
		snprintf(of->holder, sizeof of->holder, "%s", consumer);
		of->request = request;
		of->index = i;
	}
	return request;
}

struct gpio_request *gpio_request_as_is(struct gpio_chip *chip, const char *consumer,
					const struct gpio_line *line, unsigned n)
{
	return fake_request(chip, consumer, line, n);
}

static bool fake_write(struct gpio_request *request, uint64_t levels)
{
	size_t start = strlen(fake_log), end;

	errno = ENODEV;
	if (request->chip->gone)
		return false;
	request->chip->writes++;
	for (unsigned i = 0; i < request->n; i++) {
		struct fake_line *line = &request->chip->line[request->offset[i]];
		bool level = levels >> i & 1;
		size_t used = strlen(fake_log);

		if (level != line->level && !line->stuck)
			snprintf(fake_log + used, sizeof fake_log - used, "%u=%d ",
				 request->offset[i], level);
		line->output = true;
		if (!line->stuck)
			line->level = level;
	}
	end = strlen(fake_log);
	if (end > start)
		snprintf(fake_log + end, sizeof fake_log - end, "| ");
	return true;
}

bool gpio_request_drive(struct gpio_request *request, enum gpio_drive drive, uint64_t levels)
{
	for (unsigned i = 0; i < request->n; i++)
		request->chip->line[request->offset[i]].drive = drive;
	return fake_write(request, levels);
}

struct gpio_request *gpio_request_inputs(struct gpio_chip *chip, const char *consumer,
					 const struct gpio_line *line, unsigned n)
{
	struct gpio_request *request = fake_request(chip, consumer, line, n);

	for (unsigned i = 0; request && i < n; i++)
		chip->line[line[i].offset].bias = line[i].bias;
	if (request)
		request->fd = eventfd(0, EFD_NONBLOCK);
	return request;
}

bool gpio_request_set(struct gpio_request *request, uint64_t levels)
{
	return fake_write(request, levels);
}

bool gpio_request_get(struct gpio_request *request, uint64_t *levels)
{
	errno = ENODEV;
	if (request->chip->gone)
		return false;
	*levels = 0;
	for (unsigned i = 0; i < request->n; i++)
		*levels |= (uint64_t)request->chip->line[request->offset[i]].level << i;
	return true;
}

unsigned gpio_request_sources(const struct gpio_request *request)
{
	return request->fd >= 0;
}

int gpio_request_fd(const struct gpio_request *request, unsigned source)
{
	(void)source;
	return request->fd;
}

int gpio_request_edges(struct gpio_request *request, unsigned source, struct gpio_edge *edge,
		       unsigned max)
{
	unsigned n = request->n_edges < max ? request->n_edges : max;
	uint64_t count;

	(void)source;
	if (read(request->fd, &count, sizeof count) < 0)
		return 0;
	memcpy(edge, request->edge, n * sizeof *edge);
	request->n_edges = 0;
	return (int)n;
}

void gpio_request_close(struct gpio_request *request)
{
	if (!request)
		return;
	for (unsigned i = 0; i < request->n; i++)
		request->chip->line[request->offset[i]].holder[0] = '\0';
	if (request->fd >= 0)
		close(request->fd);
	free(request);
}

/* What is outside changes the level of an input. */
static inline void fake_input(unsigned chip, unsigned offset, bool level, int64_t at_ms)
{
	struct fake_line *line = &fake_chip[chip].line[offset];
	struct gpio_request *request = line->request;
	uint64_t one = 1;

	line->level = level;
	if (!request || !line->holder[0] || request->fd < 0)
		return;
	request->edge[request->n_edges++ % FAKE_EDGES] =
		(struct gpio_edge){at_ms * 1000000, line->index, level};
	if (write(request->fd, &one, sizeof one) < 0)
		abort();
}

#endif
