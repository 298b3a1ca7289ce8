#include "northbound/intake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "northbound/bucket.h"

enum {
	RESPONSES = 128,       /* response topics remembered, all sources together */
	SCOLD_EVERY_MS = 1000, /* rate_limited, retained, ...: one per source and second */
};

/* One source's traffic. The last entry of the array stands for all unknown sources together. */
struct traffic {
	struct bucket bucket;
	int64_t scolded_ms;
	bool held; /* a setpoint waits for a token */
	struct command command;
};

struct response {
	uint8_t source;
	char id[COMMAND_ID_SIZE];
	struct intake_response to;
};

struct intake {
	const struct config *config;
	const char *boot;
	struct intake_owner owner;
	struct traffic traffic[SOURCE_MAX + 1];
	unsigned next_response;
	struct response response[RESPONSES];
};

struct intake *intake_new(const struct config *config, const char *boot,
			  const struct intake_owner *owner)
{
	struct intake *intake = calloc(1, sizeof *intake);

	if (intake) {
		intake->config = config;
		intake->boot = boot;
		intake->owner = *owner;
	}
	return intake;
}

void intake_free(struct intake *intake)
{
	free(intake);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* True at most once a second: refusals must not become a flood of their own. */
static bool may_scold(struct traffic *traffic, int64_t now_ms)
{
	if (traffic->scolded_ms != 0 && now_ms - traffic->scolded_ms < SCOLD_EVERY_MS)
		return false;
	traffic->scolded_ms = now_ms;
	return true;
}

static void answer_ack(struct intake *intake, const char *source, const struct command *command,
		       enum reason reason, const char *detail)
{
	struct outgoing item = {.kind = OUTGOING_ACK};

	item.ack.status = ACK_REJECTED;
	item.ack.reason = reason;
	item.ack.source = command->source;
	item.ack.seq = command->seq;
	item.ack.received_ms = command->received_ms;
	item.ack.p_req_w = command->p_w;
	item.ack.p_set_w = (double)NAN;
	memcpy(item.ack.id, command->id, sizeof item.ack.id);
	snprintf(item.source, sizeof item.source, "%s", source);
	snprintf(item.detail, sizeof item.detail, "%s", detail);
	intake->owner.answer(intake->owner.context, &item);
}

/* A message without a readable id cannot be acked. */
static void answer_event(struct intake *intake, const char *source, enum reason reason,
			 const char *detail, int64_t now_ms)
{
	struct outgoing item = {.kind = OUTGOING_EVENT};

	item.event.at_ms = now_ms;
	item.event.reason = reason;
	item.event.pack = item.event.pcs = -1;
	item.event.value = (double)NAN;
	item.event.threshold = (double)NAN;
	snprintf(item.source, sizeof item.source, "%s", source);
	snprintf(item.detail, sizeof item.detail, "%s", detail);
	intake->owner.answer(intake->owner.context, &item);
}

static void refuse(struct intake *intake, const char *source, const struct parsed *parsed)
{
	if (parsed->id[0])
		answer_ack(intake, source, &parsed->command, parsed->reason, parsed->detail);
	else
		answer_event(intake, source, parsed->reason, parsed->detail,
			     parsed->command.received_ms);
}

/* ---- response topics ----------------------------------------------------------------------- */

/* Only below the source's own inbox: a free response topic would let it write anywhere. */
static bool is_own_inbox(const struct intake *intake, unsigned source, const char *topic)
{
	char inbox[RESPONSE_TOPIC_SIZE];
	int length = snprintf(inbox, sizeof inbox, "%s/inbox/%s/", intake->config->mqtt.prefix,
			      intake->config->site.source[source].id);

	return length > 0 && (size_t)length < sizeof inbox && strlen(topic) > (size_t)length &&
	       strlen(topic) < sizeof inbox && strncmp(topic, inbox, (size_t)length) == 0 &&
	       !strpbrk(topic, "+#");
}

/* Index; -1: none. */
static int find_response(const struct intake *intake, unsigned source, const char *id)
{
	for (int i = 0; i < RESPONSES; i++) {
		const struct response *response = &intake->response[i];

		if (response->to.topic[0] && response->source == source &&
		    strcmp(response->id, id) == 0)
			return i;
	}
	return -1;
}

const struct intake_response *intake_response(const struct intake *intake, unsigned source,
					      const char *id)
{
	int found = find_response(intake, source, id);

	return found >= 0 ? &intake->response[found].to : NULL;
}

static void remember_response(struct intake *intake, unsigned source, const char *id,
			      const struct link_message *message)
{
	struct response *response;
	int found;

	if (!message->response_topic || !is_own_inbox(intake, source, message->response_topic) ||
	    message->correlation_size > CORRELATION_SIZE || !id[0])
		return;
	found = find_response(intake, source, id);
	response = found >= 0 ? &intake->response[found]
			      : &intake->response[intake->next_response++ % RESPONSES];
	response->source = (uint8_t)source;
	snprintf(response->id, sizeof response->id, "%s", id);
	snprintf(response->to.topic, sizeof response->to.topic, "%s", message->response_topic);
	response->to.correlation_size = message->correlation_size;
	if (message->correlation_size > 0)
		memcpy(response->to.correlation, message->correlation, message->correlation_size);
}

/* ---- commands ------------------------------------------------------------------------------ */

static const char *source_id(const struct intake *intake, unsigned source)
{
	return intake->config->site.source[source].id;
}

static void submit(struct intake *intake, const struct command *command)
{
	if (!intake->owner.command(intake->owner.context, command))
		answer_ack(intake, source_id(intake, command->source), command, REASON_INTERNAL,
			   "too many commands wait for the control loop");
}

/* What asks for less is never limited. */
static bool is_exempt(const struct command *command)
{
	return command->kind == COMMAND_RELEASE || command->kind == COMMAND_STOP ||
	       command->kind == COMMAND_LOCK ||
	       (command->kind == COMMAND_SETPOINT && command->p_w == 0.0);
}

static void drop(struct intake *intake, struct traffic *traffic, const struct command *command,
		 int64_t now_ms)
{
	if (may_scold(traffic, now_ms))
		answer_ack(intake, source_id(intake, command->source), command, REASON_RATE_LIMITED,
			   "too many commands: the newest is kept");
}

/* The newest setpoint replaces one that still waits for its turn. */
static void take_command(struct intake *intake, const struct command *command, int64_t now_ms)
{
	struct traffic *traffic = &intake->traffic[command->source];
	double rate = intake->config->mqtt.rate_per_s[command->source];
	bool power = command->kind == COMMAND_SETPOINT || command->kind == COMMAND_RELEASE;
	bool now = is_exempt(command) || bucket_take(&traffic->bucket, rate, now_ms);

	if (traffic->held && power) {
		traffic->held = false;
		drop(intake, traffic, &traffic->command, now_ms);
	}
	if (now) {
		submit(intake, command);
	} else if (power) {
		traffic->held = true;
		traffic->command = *command;
	} else {
		drop(intake, traffic, command, now_ms);
	}
}

int64_t intake_release(struct intake *intake, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (unsigned i = 0; i < SOURCE_MAX; i++) {
		struct traffic *traffic = &intake->traffic[i];
		double rate = intake->config->mqtt.rate_per_s[i];
		int64_t due_ms;

		if (!traffic->held)
			continue;
		if (bucket_take(&traffic->bucket, rate, now_ms)) {
			traffic->held = false;
			submit(intake, &traffic->command);
			continue;
		}
		due_ms = now_ms + bucket_wait_ms(&traffic->bucket, rate);
		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	return next_ms;
}

static void take_known(struct intake *intake, unsigned source, bool is_cmd,
		       const struct link_message *message, int64_t now_ms)
{
	const struct site *site = &intake->config->site;
	struct traffic *traffic = &intake->traffic[source];
	struct parsed parsed;

	if (is_cmd)
		parse_cmd(message->payload, message->length, site, intake->boot, &parsed);
	else
		parse_setpoint(message->payload, message->length, site, intake->boot, &parsed);
	parsed.command.source = (uint8_t)source;
	parsed.command.received_ms = now_ms;
	parsed.command.n_fresh =
		parsed.n >= 0 && intake->owner.is_fresh(intake->owner.context, parsed.n);
	remember_response(intake, source, parsed.id, message);
	if (parsed.reason == REASON_OK)
		take_command(intake, &parsed.command, now_ms);
	else if (bucket_take(&traffic->bucket, intake->config->mqtt.rate_per_s[source], now_ms) ||
		 may_scold(traffic, now_ms))
		refuse(intake, source_id(intake, source), &parsed);
}

static void take_unknown(struct intake *intake, const char *source, bool is_cmd,
			 const struct link_message *message, int64_t now_ms)
{
	const struct site *site = &intake->config->site;
	struct parsed parsed;

	if (!may_scold(&intake->traffic[SOURCE_MAX], now_ms))
		return;
	if (is_cmd)
		parse_cmd(message->payload, message->length, site, intake->boot, &parsed);
	else
		parse_setpoint(message->payload, message->length, site, intake->boot, &parsed);
	parsed.command.source = SOURCE_MAX;
	parsed.command.received_ms = now_ms;
	parsed.reason = REASON_UNKNOWN_SOURCE;
	snprintf(parsed.detail, sizeof parsed.detail, "no source \"%s\" in the site file", source);
	refuse(intake, source, &parsed);
}

/* "<kind>/<source>/set" -> source; false when it is no such topic. */
static bool split_topic(const char *topic, const char *kind, char *source, size_t size)
{
	size_t length = strlen(kind), end;

	if (strncmp(topic, kind, length) != 0 || topic[length] != '/')
		return false;
	topic += length + 1;
	end = strspn(topic, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (end == 0 || end >= size || strcmp(topic + end, "/set") != 0)
		return false;
	memcpy(source, topic, end);
	source[end] = '\0';
	return true;
}

void intake_take(struct intake *intake, const char *topic, const struct link_message *message,
		 int64_t now_ms)
{
	const struct site *site = &intake->config->site;
	unsigned n_sources = intake->config->mqtt.n_sources;
	char name[ID_SIZE];
	bool is_cmd = split_topic(topic, "cmd", name, sizeof name);
	unsigned source = 1; /* 0 is local, and nobody is local by claiming so in a topic */

	if (!is_cmd && !split_topic(topic, "setpoint", name, sizeof name))
		return;
	while (source < n_sources && strcmp(site->source[source].id, name) != 0)
		source++;
	if (message->retained) {
		/* An empty one is somebody clearing the mistake. */
		if (message->length > 0 &&
		    may_scold(&intake->traffic[source < n_sources ? source : SOURCE_MAX],
			      now_ms))
			answer_event(intake, name, REASON_RETAINED,
				     "publish commands without the retain flag", now_ms);
		return;
	}
	if (source < n_sources)
		take_known(intake, source, is_cmd, message, now_ms);
	else
		take_unknown(intake, name, is_cmd, message, now_ms);
}
