/* libgpiod 1: Debian 12. */
#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/gpio/chip.h"

_Static_assert(GPIO_REQUEST_MAX <= GPIOD_LINE_BULK_MAX_LINES, "a request fits a bulk");

enum { EDGES_AT_ONCE = 16 }; /* the kernel keeps no more per line */

struct gpio_request {
	struct gpiod_line_bulk bulk;
	bool edges;
};

bool gpio_chip_describe(struct gpio_chip *chip, struct gpio_chip_info *info)
{
	snprintf(info->name, sizeof info->name, "%s", gpiod_chip_name(chip->chip));
	snprintf(info->label, sizeof info->label, "%s", gpiod_chip_label(chip->chip));
	info->n_lines = gpiod_chip_num_lines(chip->chip);
	return true;
}

bool gpio_line_describe(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info)
{
	struct gpiod_line *line = gpiod_chip_get_line(chip->chip, offset);

	if (!line || gpiod_line_update(line) != 0)
		return false;
	snprintf(info->name, sizeof info->name, "%s", gpio_or_empty(gpiod_line_name(line)));
	snprintf(info->consumer, sizeof info->consumer, "%s",
		 gpio_or_empty(gpiod_line_consumer(line)));
	info->used = gpiod_line_is_used(line);
	info->output = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
	return true;
}

static struct gpio_request *request_new(struct gpio_chip *chip, const struct gpio_line *line,
					unsigned n)
{
	struct gpio_request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	gpiod_line_bulk_init(&request->bulk);
	for (unsigned i = 0; i < n; i++) {
		struct gpiod_line *of = gpiod_chip_get_line(chip->chip, line[i].offset);

		if (!of) {
			free(request);
			return NULL;
		}
		gpiod_line_bulk_add(&request->bulk, of);
	}
	return request;
}

struct gpio_request *gpio_request_as_is(struct gpio_chip *chip, const char *consumer,
					const struct gpio_line *line, unsigned n)
{
	const struct gpiod_line_request_config config = {
		.consumer = consumer, .request_type = GPIOD_LINE_REQUEST_DIRECTION_AS_IS};
	struct gpio_request *request = request_new(chip, line, n);

	if (request && gpiod_line_request_bulk(&request->bulk, &config, NULL) != 0) {
		free(request);
		return NULL;
	}
	return request;
}

static int drive_flag(enum gpio_drive drive)
{
	return drive == GPIO_OPEN_DRAIN    ? GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN
	       : drive == GPIO_OPEN_SOURCE ? GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE
					   : 0;
}

static void values_spread(const struct gpio_request *request, uint64_t levels, int *value)
{
	for (unsigned i = 0; i < request->bulk.num_lines; i++)
		value[i] = (int)(levels >> i & 1);
}

bool gpio_request_drive(struct gpio_request *request, enum gpio_drive drive, uint64_t levels)
{
	int value[GPIO_REQUEST_MAX];

	values_spread(request, levels, value);
	return gpiod_line_set_config_bulk(&request->bulk, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT,
					  drive_flag(drive), value) == 0;
}

static int bias_flag(enum gpio_bias bias)
{
	return bias == GPIO_BIAS_PULL_UP     ? GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP
	       : bias == GPIO_BIAS_PULL_DOWN ? GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN
					     : GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE;
}

static bool input_take(struct gpiod_line *of, const char *consumer, enum gpio_bias bias)
{
	const struct gpiod_line_request_config config = {
		.consumer = consumer,
		.request_type = GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES,
		.flags = bias_flag(bias)};
	int fd, flags;

	if (gpiod_line_request(of, &config, 0) != 0)
		return false;
	fd = gpiod_line_event_get_fd(of);
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

struct gpio_request *gpio_request_inputs(struct gpio_chip *chip, const char *consumer,
					 const struct gpio_line *line, unsigned n)
{
	struct gpio_request *request = request_new(chip, line, n);
	int error;

	if (!request)
		return NULL;
	request->edges = true;
	for (unsigned i = 0; i < n; i++) {
		if (input_take(request->bulk.lines[i], consumer, line[i].bias))
			continue;
		error = errno;
		gpio_request_close(request);
		errno = error;
		return NULL;
	}
	return request;
}

bool gpio_request_set(struct gpio_request *request, uint64_t levels)
{
	int value[GPIO_REQUEST_MAX];

	values_spread(request, levels, value);
	return gpiod_line_set_value_bulk(&request->bulk, value) == 0;
}

bool gpio_request_get(struct gpio_request *request, uint64_t *levels)
{
	int value[GPIO_REQUEST_MAX];

	if (gpiod_line_get_value_bulk(&request->bulk, value) != 0)
		return false;
	*levels = 0;
	for (unsigned i = 0; i < request->bulk.num_lines; i++)
		*levels |= (uint64_t)(value[i] != 0) << i;
	return true;
}

unsigned gpio_request_sources(const struct gpio_request *request)
{
	return request->edges ? request->bulk.num_lines : 0;
}

int gpio_request_fd(const struct gpio_request *request, unsigned source)
{
	return gpiod_line_event_get_fd(request->bulk.lines[source]);
}

int gpio_request_edges(struct gpio_request *request, unsigned source, struct gpio_edge *edge,
		       unsigned max)
{
	struct gpiod_line_event event[EDGES_AT_ONCE];
	int n = gpiod_line_event_read_fd_multiple(gpio_request_fd(request, source), event,
						  max < EDGES_AT_ONCE ? max : EDGES_AT_ONCE);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	for (int i = 0; i < n; i++)
		edge[i] = (struct gpio_edge){
			.at_ns = (int64_t)event[i].ts.tv_sec * 1000000000 + event[i].ts.tv_nsec,
			.line = source,
			.high = event[i].event_type == GPIOD_LINE_EVENT_RISING_EDGE};
	return n;
}

void gpio_request_close(struct gpio_request *request)
{
	if (!request)
		return;
	for (unsigned i = 0; i < request->bulk.num_lines; i++)
		if (gpiod_line_is_requested(request->bulk.lines[i]))
			gpiod_line_release(request->bulk.lines[i]);
	free(request);
}
