#include "northbound/sunspec_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum point {
	POINT_NONE = 0,
	POINT_SET_ENA,
	POINT_SET_MODE,
	POINT_SET_W,
	POINT_SET_REVERT_W,
	POINT_SET_PERCENT,
	POINT_SET_ENA_REVERT,
	POINT_SET_REVERT_S,
	POINT_CONTROLLER_HB,
	POINT_CTRL_HB,
	POINT_ALARM_RESET,
	POINT_OPERATE_715,
	POINT_OPERATE_802,
	POINT_PACK_ENA,
};

/* Where the points are; `model` is the offset of the model's place in struct sunspec_image. */
struct writable {
	size_t model;
	unsigned at, width;
	enum point point;
	unsigned allow; /* enum sunspec_allow; any of them */
};

#define OF(member) offsetof(struct sunspec_image, member)

static const struct writable points[] = {
	{OF(controls), 22, 1, POINT_SET_ENA, ALLOW_SETPOINT},
	{OF(controls), 23, 1, POINT_SET_MODE, ALLOW_SETPOINT},
	{OF(controls), 24, 2, POINT_SET_W, ALLOW_SETPOINT},
	{OF(controls), 26, 2, POINT_SET_REVERT_W, ALLOW_SETPOINT},
	{OF(controls), 28, 1, POINT_SET_PERCENT, ALLOW_SETPOINT},
	{OF(controls), 30, 1, POINT_SET_ENA_REVERT, ALLOW_SETPOINT},
	{OF(controls), 31, 2, POINT_SET_REVERT_S, ALLOW_SETPOINT},
	{OF(control), 5, 2, POINT_CONTROLLER_HB, ALLOW_ANY},
	{OF(control), 7, 1, POINT_ALARM_RESET, ALLOW_CLEAR},
	{OF(control), 8, 1, POINT_OPERATE_715, ALLOW_OPERATE},
	{OF(battery), 19, 1, POINT_CTRL_HB, ALLOW_ANY},
	{OF(battery), 20, 1, POINT_ALARM_RESET, ALLOW_CLEAR},
	{OF(battery), 50, 1, POINT_OPERATE_802, ALLOW_OPERATE},
};

enum { POINTS = sizeof points / sizeof points[0] };
enum { STRING_ENA = 28, SET_ENA = 36 }; /* in a string of 803, in 804 */

/* One request on its way. */
struct writing {
	const struct sunspec_writer *writer;
	const struct sunspec_image *image;
	struct sunspec_settings settings;
	bool touches_setpoint, releases;
	unsigned n_commands;
	struct command *command;
};

void sunspec_writer_init(struct sunspec_writer *writer, const struct config *config,
			 const char *boot)
{
	memset(writer, 0, sizeof *writer);
	writer->config = config;
	writer->boot = boot;
}

/* ---- which point --------------------------------------------------------------------------- */

static unsigned model_at(const struct sunspec_image *image, size_t model)
{
	unsigned at;

	memcpy(&at, (const char *)image + model, sizeof at);
	return at;
}

/* The pack whose enable stands there; -1: none. */
static int pack_at(const struct sunspec_image *image, unsigned at)
{
	for (unsigned k = 0; k < image->n_packs; k++)
		if (at == image->string[k] + SET_ENA ||
		    at == image->bank + 28 + k * SUNSPEC_STRING_SIZE + STRING_ENA)
			return (int)k;
	return -1;
}

static enum point find(const struct writing *writing, unsigned at, unsigned *width, int *pack)
{
	unsigned allow = writing->writer->config->sunspec.allowed;

	for (unsigned i = 0; i < POINTS; i++) {
		const struct writable *point = &points[i];

		if (model_at(writing->image, point->model) + point->at != at ||
		    !(allow & point->allow))
			continue;
		*width = point->width;
		return point->point;
	}
	*pack = allow & ALLOW_PACKS ? pack_at(writing->image, at) : -1;
	*width = 1;
	return *pack >= 0 ? POINT_PACK_ENA : POINT_NONE;
}

/* ---- what it means ------------------------------------------------------------------------- */

static bool command_add(struct writing *writing, enum command_kind kind, int pack)
{
	writing->command->kind = kind;
	writing->command->pack = (int16_t)pack;
	return ++writing->n_commands == 1; /* one request, one command */
}

static bool take_flag(uint32_t raw, bool *flag)
{
	*flag = raw == 1;
	return raw <= 1;
}

static bool take_setting(struct writing *writing, enum point point, uint32_t raw)
{
	struct sunspec_settings *settings = &writing->settings;
	bool watts;

	writing->touches_setpoint = true;
	switch (point) {
	case POINT_SET_ENA:
		writing->releases = raw == 0;
		return take_flag(raw, &settings->enable);
	case POINT_SET_MODE:
		watts = false;
		if (!take_flag(raw, &watts))
			return false;
		settings->by_percent = !watts;
		return true;
	case POINT_SET_W:
		settings->set_w = (double)(int32_t)raw;
		return raw != 0x80000000;
	case POINT_SET_REVERT_W: /* a setpoint ends at 0 W, whatever is wished */
		return raw == 0;
	case POINT_SET_PERCENT:
		settings->set_percent =
			(int16_t)(uint16_t)raw * pow(10.0, writing->image->scale.percent);
		return raw != 0x8000 && fabs(settings->set_percent) <= 100.0;
	case POINT_SET_ENA_REVERT:
		return take_flag(raw, &settings->reverts);
	case POINT_SET_REVERT_S:
		settings->revert_s = raw;
		return raw != 0xffffffff;
	case POINT_NONE:
	case POINT_CONTROLLER_HB:
	case POINT_CTRL_HB:
	case POINT_ALARM_RESET:
	case POINT_OPERATE_715:
	case POINT_OPERATE_802:
	case POINT_PACK_ENA:
		break;
	}
	return false;
}

static bool take_point(struct writing *writing, enum point point, uint32_t raw, int pack)
{
	switch (point) {
	case POINT_CONTROLLER_HB:
		writing->settings.controller_hb = raw;
		return true;
	case POINT_CTRL_HB:
		writing->settings.ctrl_hb = (uint16_t)raw;
		return true;
	case POINT_ALARM_RESET:
		return raw == 0 || (raw == 1 && command_add(writing, COMMAND_CLEAR, -1));
	case POINT_OPERATE_715:
		return raw <= 1 && command_add(writing, raw ? COMMAND_START : COMMAND_STOP, -1);
	case POINT_OPERATE_802:
		return (raw == 1 || raw == 2) &&
		       command_add(writing, raw == 1 ? COMMAND_START : COMMAND_STOP, -1);
	case POINT_PACK_ENA:
		return (raw == 1 || raw == 2) &&
		       command_add(writing, raw == 1 ? COMMAND_PACK_ENABLE : COMMAND_PACK_DISABLE,
				   pack);
	case POINT_NONE:
	case POINT_SET_ENA:
	case POINT_SET_MODE:
	case POINT_SET_W:
	case POINT_SET_REVERT_W:
	case POINT_SET_PERCENT:
	case POINT_SET_ENA_REVERT:
	case POINT_SET_REVERT_S:
		break;
	}
	return take_setting(writing, point, raw);
}

static enum modbus_exception take_all(struct writing *writing, unsigned at, unsigned count,
				      const uint16_t *value)
{
	for (unsigned i = 0; i < count;) {
		unsigned width = 1;
		int pack = -1;
		enum point point = find(writing, at + i, &width, &pack);
		uint32_t raw = value[i];

		if (point == POINT_NONE || i + width > count)
			return EXCEPTION_ADDRESS;
		if (width == 2)
			raw = raw << 16 | value[i + 1];
		if (!take_point(writing, point, raw, pack))
			return EXCEPTION_VALUE;
		i += width;
	}
	return EXCEPTION_NONE;
}

/* ---- commands ------------------------------------------------------------------------------ */

/*
 * Settings alone command nothing until the function is enabled. A release is always commanded: what
 * lives in the core may be more than what is known here.
 */
static bool setpoint_make(struct writing *writing)
{
	const struct config *config = writing->writer->config;
	const struct sunspec_settings *settings = &writing->settings;
	struct command *command = writing->command;

	if (writing->releases)
		return command_add(writing, COMMAND_RELEASE, -1);
	if (!writing->touches_setpoint || !settings->enable)
		return true;
	command->p_w = settings->by_percent
			       ? settings->set_percent / 100.0 * config->site.grid.p_max_w
			       : settings->set_w;
	command->valid_s = settings->reverts && settings->revert_s > 0 ? (double)settings->revert_s
								       : config->sunspec.hold_s;
	return command_add(writing, COMMAND_SETPOINT, -1);
}

static void command_sign(struct sunspec_writer *writer, struct command *command, int64_t now_ms,
			 int64_t utc_ms)
{
	command->source = (uint8_t)writer->config->sunspec.source;
	command->seq = ++writer->seq;
	command->ts_utc_ms = utc_ms;
	command->received_ms = now_ms;
	command->boot_given = command->boot_matches = command->n_fresh = true;
	snprintf(command->session, sizeof command->session, "%s", writer->boot);
	snprintf(command->id, sizeof command->id, "sunspec-%" PRId64, command->seq);
}

/* What asks for less is never limited. */
static bool is_exempt(const struct command *command)
{
	return command->kind == COMMAND_RELEASE || command->kind == COMMAND_STOP ||
	       (command->kind == COMMAND_SETPOINT && command->p_w == 0.0);
}

enum modbus_exception sunspec_write(struct sunspec_writer *writer,
				    const struct sunspec_image *image, unsigned at, unsigned count,
				    const uint16_t *value, int64_t now_ms, int64_t utc_ms,
				    struct command *command)
{
	struct writing writing = {
		.writer = writer, .image = image, .settings = writer->settings, .command = command};
	enum modbus_exception exception;

	memset(command, 0, sizeof *command);
	command->pack = -1;
	command->ramp_w_s = (double)NAN;
	command->service = SERVICE_SETPOINT;
	exception = take_all(&writing, at, count, value);
	if (exception != EXCEPTION_NONE)
		return exception;
	if (!setpoint_make(&writing))
		return EXCEPTION_VALUE;
	if (command->kind != COMMAND_NONE && !is_exempt(command) &&
	    !bucket_take(&writer->bucket, writer->config->sunspec.rate_per_s, now_ms))
		return EXCEPTION_BUSY;
	writer->staged = writing.settings;
	if (command->kind != COMMAND_NONE)
		command_sign(writer, command, now_ms, utc_ms);
	return EXCEPTION_NONE;
}

void sunspec_commit(struct sunspec_writer *writer, const struct command *command)
{
	struct sunspec_asked *asked;

	if (command->kind == COMMAND_SETPOINT || command->kind == COMMAND_RELEASE) {
		writer->newest = (writer->newest + 1) % SUNSPEC_ASKED;
		asked = &writer->asked[writer->newest];
		snprintf(asked->id, sizeof asked->id, "%s", command->id);
		asked->before = writer->settings;
	}
	writer->settings = writer->staged;
}

/* ---- what became of it --------------------------------------------------------------------- */

/* The registers show again what is in command. Heartbeats are nobody's wish. */
static void settings_restore(struct sunspec_writer *writer, const struct sunspec_settings *before)
{
	struct sunspec_settings restored = *before;

	restored.enable = writer->live;
	restored.controller_hb = writer->settings.controller_hb;
	restored.ctrl_hb = writer->settings.ctrl_hb;
	writer->settings = restored;
}

/* A refusal: unless something was asked after it, whose refusal then leads back as far. */
static void asked_undo(struct sunspec_writer *writer, unsigned i)
{
	const struct sunspec_settings *before = &writer->asked[i].before;

	if (i == writer->newest)
		settings_restore(writer, before);
	else
		writer->asked[(i + 1) % SUNSPEC_ASKED].before = *before;
}

static void live_take(struct sunspec_writer *writer, const struct ack *ack)
{
	/* A release is over when it is accepted. */
	writer->live =
		!isnan(ack->p_req_w) && (ack->status == ACK_ACCEPTED ||
					 ack->status == ACK_LIMITED || ack->status == ACK_STARTED);
	if (ack->expires_ms)
		writer->expires_ms = ack->expires_ms;
}

/* The place in asked[] that waits for an answer to `id`; SUNSPEC_ASKED: none does. */
static unsigned asked_find(const struct sunspec_writer *writer, const char *id)
{
	unsigned i = 0;

	while (i < SUNSPEC_ASKED && strcmp(id, writer->asked[i].id) != 0)
		i++;
	return i;
}

void sunspec_writer_ack(struct sunspec_writer *writer, const struct ack *ack)
{
	unsigned i = asked_find(writer, ack->id);

	if (ack->id[0] == '\0' || (i == SUNSPEC_ASKED && strcmp(ack->id, writer->live_id) != 0))
		return;
	if (i < SUNSPEC_ASKED) {
		writer->asked[i].id[0] = '\0';
		if (ack->status == ACK_REJECTED) {
			asked_undo(writer, i);
			return;
		}
		snprintf(writer->live_id, sizeof writer->live_id, "%s", ack->id);
	}
	live_take(writer, ack);
	if (!writer->live && writer->asked[writer->newest].id[0] == '\0')
		writer->settings.enable = false;
}

void sunspec_writer_show(const struct sunspec_writer *writer, struct sunspec_image *image,
			 int64_t now_ms)
{
	const struct sunspec_settings *settings = &writer->settings;
	unsigned at = image->controls;
	double left_s = writer->live ? ceil((double)(writer->expires_ms - now_ms) / 1000.0) : 0.0;

	if (!(writer->config->sunspec.allowed & ALLOW_SETPOINT))
		return;
	sunspec_put(image, at + 22, writer->live ? 1 : 0, 0);
	sunspec_put(image, at + 23, settings->by_percent ? 0 : 1, 0);
	sunspec_put(image, at + 24, settings->set_w, 0);
	sunspec_put(image, at + 26, 0, 0);
	sunspec_put(image, at + 28, settings->set_percent, image->scale.percent);
	sunspec_put(image, at + 30, settings->reverts ? 1 : 0, 0);
	sunspec_put(image, at + 31, settings->revert_s, 0);
	sunspec_put(image, at + 33, left_s > 0.0 ? left_s : 0.0, 0);
	sunspec_put(image, image->control + 5, settings->controller_hb, 0);
	sunspec_put(image, image->battery + 19, settings->ctrl_hb, 0);
}
