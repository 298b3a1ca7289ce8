/* libgpiod 2: Debian 13 and Raspberry Pi OS trixie. */
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/gpio/chip.h"

struct gpio_request {
	struct gpiod_line_request *request;
	struct gpiod_edge_event_buffer *events; /* NULL: no edges */
	unsigned n;
	unsigned offset[GPIO_REQUEST_MAX];
};

bool gpio_chip_describe(struct gpio_chip *chip, struct gpio_chip_info *info)
{
	struct gpiod_chip_info *of = gpiod_chip_get_info(chip->chip);

	if (!of)
		return false;
	snprintf(info->name, sizeof info->name, "%s", gpio_or_empty(gpiod_chip_info_get_name(of)));
	snprintf(info->label, sizeof info->label, "%s",
		 gpio_or_empty(gpiod_chip_info_get_label(of)));
	info->n_lines = (unsigned)gpiod_chip_info_get_num_lines(of);
	gpiod_chip_info_free(of);
	return true;
}

bool gpio_line_describe(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info)
{
	struct gpiod_line_info *of = gpiod_chip_get_line_info(chip->chip, offset);

	if (!of)
		return false;
	snprintf(info->name, sizeof info->name, "%s", gpio_or_empty(gpiod_line_info_get_name(of)));
	snprintf(info->consumer, sizeof info->consumer, "%s",
		 gpio_or_empty(gpiod_line_info_get_consumer(of)));
	info->used = gpiod_line_info_is_used(of);
	info->output = gpiod_line_info_get_direction(of) == GPIOD_LINE_DIRECTION_OUTPUT;
	gpiod_line_info_free(of);
	return true;
}

/* ---- requests ---------------------------------------------------------------------------- */

static enum gpiod_line_bias bias_of(enum gpio_bias bias)
{
	return bias == GPIO_BIAS_PULL_UP     ? GPIOD_LINE_BIAS_PULL_UP
	       : bias == GPIO_BIAS_PULL_DOWN ? GPIOD_LINE_BIAS_PULL_DOWN
					     : GPIOD_LINE_BIAS_DISABLED;
}

static enum gpiod_line_drive drive_of(enum gpio_drive drive)
{
	return drive == GPIO_OPEN_DRAIN    ? GPIOD_LINE_DRIVE_OPEN_DRAIN
	       : drive == GPIO_OPEN_SOURCE ? GPIOD_LINE_DRIVE_OPEN_SOURCE
					   : GPIOD_LINE_DRIVE_PUSH_PULL;
}

static enum gpiod_line_value value_of(uint64_t levels, unsigned i)
{
	return levels >> i & 1 ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}

/* Sets fresh settings to what line i is to be. */
struct setter {
	bool (*set)(struct gpiod_line_settings *settings, unsigned i, const void *context);
	const void *context;
};

/* A configuration of every line of `offset`; the caller frees. */
static struct gpiod_line_config *config_new(const unsigned *offset, unsigned n,
					    struct setter setter)
{
	struct gpiod_line_config *config = gpiod_line_config_new();
	struct gpiod_line_settings *settings = gpiod_line_settings_new();
	bool whole = config && settings;

	for (unsigned i = 0; whole && i < n; i++) {
		gpiod_line_settings_reset(settings);
		whole = setter.set(settings, i, setter.context) &&
			gpiod_line_config_add_line_settings(config, &offset[i], 1, settings) == 0;
	}
	gpiod_line_settings_free(settings);
	if (whole)
		return config;
	gpiod_line_config_free(config);
	return NULL;
}

static struct gpio_request *request_new(struct gpio_chip *chip, const char *consumer,
					const struct gpio_line *line, unsigned n,
					struct setter setter)
{
	struct gpio_request *request = calloc(1, sizeof *request);
	struct gpiod_request_config *who = gpiod_request_config_new();
	struct gpiod_line_config *config = NULL;
	int error = ENOMEM;

	if (request && who) {
		gpiod_request_config_set_consumer(who, consumer);
		request->n = n;
		for (unsigned i = 0; i < n; i++)
			request->offset[i] = line[i].offset;
		config = config_new(request->offset, n, setter);
		if (config) {
			request->request = gpiod_chip_request_lines(chip->chip, who, config);
			error = errno;
		}
	}
	gpiod_line_config_free(config);
	gpiod_request_config_free(who);
	if (request && request->request)
		return request;
	free(request);
	errno = error;
	return NULL;
}

static bool set_as_is(struct gpiod_line_settings *settings, unsigned i, const void *context)
{
	(void)i;
	(void)context;
	return gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_AS_IS) == 0;
}

struct gpio_request *gpio_request_as_is(struct gpio_chip *chip, const char *consumer,
					const struct gpio_line *line, unsigned n)
{
	return request_new(chip, consumer, line, n, (struct setter){set_as_is, NULL});
}

struct driven {
	enum gpio_drive drive;
	uint64_t levels;
};

static bool set_driven(struct gpiod_line_settings *settings, unsigned i, const void *context)
{
	const struct driven *driven = context;

	return gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) == 0 &&
	       gpiod_line_settings_set_drive(settings, drive_of(driven->drive)) == 0 &&
	       gpiod_line_settings_set_output_value(settings, value_of(driven->levels, i)) == 0;
}

bool gpio_request_drive(struct gpio_request *request, enum gpio_drive drive, uint64_t levels)
{
	const struct driven driven = {drive, levels};
	struct gpiod_line_config *config =
		config_new(request->offset, request->n, (struct setter){set_driven, &driven});
	bool done = config && gpiod_line_request_reconfigure_lines(request->request, config) == 0;

	gpiod_line_config_free(config);
	return done;
}

static bool set_input(struct gpiod_line_settings *settings, unsigned i, const void *context)
{
	const struct gpio_line *line = context;

	return gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) == 0 &&
	       gpiod_line_settings_set_bias(settings, bias_of(line[i].bias)) == 0 &&
	       gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH) == 0;
}

struct gpio_request *gpio_request_inputs(struct gpio_chip *chip, const char *consumer,
					 const struct gpio_line *line, unsigned n)
{
	struct gpio_request *request =
		request_new(chip, consumer, line, n, (struct setter){set_input, line});

	if (!request)
		return NULL;
	request->events = gpiod_edge_event_buffer_new(GPIO_REQUEST_MAX);
	if (request->events)
		return request;
	gpio_request_close(request);
	errno = ENOMEM;
	return NULL;
}

bool gpio_request_set(struct gpio_request *request, uint64_t levels)
{
	enum gpiod_line_value value[GPIO_REQUEST_MAX];

	for (unsigned i = 0; i < request->n; i++)
		value[i] = value_of(levels, i);
	return gpiod_line_request_set_values(request->request, value) == 0;
}

bool gpio_request_get(struct gpio_request *request, uint64_t *levels)
{
	enum gpiod_line_value value[GPIO_REQUEST_MAX];

	if (gpiod_line_request_get_values(request->request, value) != 0)
		return false;
	*levels = 0;
	for (unsigned i = 0; i < request->n; i++)
		*levels |= (uint64_t)(value[i] == GPIOD_LINE_VALUE_ACTIVE) << i;
	return true;
}

unsigned gpio_request_sources(const struct gpio_request *request)
{
	return request->events ? 1 : 0;
}

int gpio_request_fd(const struct gpio_request *request, unsigned source)
{
	(void)source;
	return gpiod_line_request_get_fd(request->request);
}

static unsigned index_of(const struct gpio_request *request, unsigned offset)
{
	unsigned i = 0;

	while (i + 1 < request->n && request->offset[i] != offset)
		i++;
	return i;
}

int gpio_request_edges(struct gpio_request *request, unsigned source, struct gpio_edge *edge,
		       unsigned max)
{
	int n = gpiod_line_request_wait_edge_events(request->request, 0);

	(void)source;
	if (n <= 0)
		return n;
	n = gpiod_line_request_read_edge_events(request->request, request->events, max);
	for (int i = 0; i < n; i++) {
		struct gpiod_edge_event *event =
			gpiod_edge_event_buffer_get_event(request->events, (unsigned long)i);

		edge[i] = (struct gpio_edge){
			.at_ns = (int64_t)gpiod_edge_event_get_timestamp_ns(event),
			.line = index_of(request, gpiod_edge_event_get_line_offset(event)),
			.high = gpiod_edge_event_get_event_type(event) ==
				GPIOD_EDGE_EVENT_RISING_EDGE};
	}
	return n;
}

void gpio_request_close(struct gpio_request *request)
{
	if (!request)
		return;
	gpiod_edge_event_buffer_free(request->events);
	gpiod_line_request_release(request->request);
	free(request);
}
