#include "northbound/parse.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "northbound/json_scan.h"
#include "northbound/json_value.h"
#include "northbound/operation.h"

#define VALID_MAX_S 3600.0

enum document { /* bits, so that one table of keys serves all documents */
		SETPOINT = 1,
		CMD = 2,
		LOCAL_SET = 4,  /* {"do":"setpoint"} */
		LOCAL_DO = 8,   /* {"do":"release"}, start, stop, ... */
		LOCAL_ASK = 16, /* {"do":"status"}, watch, record */
		REMOTE = SETPOINT | CMD,
		POWER = SETPOINT | LOCAL_SET,
		LOCAL = LOCAL_SET | LOCAL_DO | LOCAL_ASK,
		DOING = CMD | LOCAL,
};

struct reading {
	const struct site *site;
	const char *boot;
	struct parsed *parsed;
};

/* The first complaint stays. */
static void __attribute__((format(printf, 3, 4)))
refuse(struct parsed *parsed, enum reason reason, const char *format, ...)
{
	va_list arguments;

	if (parsed->reason != REASON_OK)
		return;
	parsed->reason = reason;
	va_start(arguments, format);
	vsnprintf(parsed->detail, sizeof parsed->detail, format, arguments);
	va_end(arguments);
	for (char *c = parsed->detail; *c;
	     c++) /* it quotes the sender, who may have sent anything */
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* ---- one function per key; each returns what was expected, or NULL when the value is fine
 * -------- */

static const char *take_version(const json_t *value, struct reading *reading)
{
	(void)value; /* checked before everything else */
	(void)reading;
	return NULL;
}

static const char *take_id(const json_t *value, struct reading *reading)
{
	return json_value_name(value, "._:-", reading->parsed->id, sizeof reading->parsed->id)
		       ? NULL
		       : "1 to 64 characters of A-Z a-z 0-9 . _ : -";
}

static const char *take_session(const json_t *value, struct reading *reading)
{
	struct command *command = &reading->parsed->command;

	return json_value_name(value, "-", command->session, sizeof command->session)
		       ? NULL
		       : "1 to 36 characters of A-Z a-z 0-9 -";
}

static const char *take_boot(const json_t *value, struct reading *reading)
{
	char boot[SESSION_SIZE];

	if (!json_value_name(value, "-", boot, sizeof boot))
		return "1 to 36 characters of A-Z a-z 0-9 -";
	reading->parsed->command.boot_given = true;
	reading->parsed->command.boot_matches = strcmp(boot, reading->boot) == 0;
	return NULL;
}

static const char *take_seq(const json_t *value, struct reading *reading)
{
	return json_value_integer(value, 0, &reading->parsed->seq) ? NULL
								   : "an integer from 0 to 2^53-1";
}

static const char *take_n(const json_t *value, struct reading *reading)
{
	return json_value_integer(value, 0, &reading->parsed->n) ? NULL
								 : "an integer from 0 to 2^53-1";
}

static const char *take_ts(const json_t *value, struct reading *reading)
{
	return json_value_integer(value, 0, &reading->parsed->ts_utc_ms)
		       ? NULL
		       : "an integer, milliseconds since the epoch, UTC";
}

static const char *take_start(const json_t *value, struct reading *reading)
{
	return json_value_integer(value, 1, &reading->parsed->command.start_utc_ms)
		       ? NULL
		       : "an integer, milliseconds since the epoch, UTC";
}

static const char *take_power(const json_t *value, struct reading *reading)
{
	struct command *command = &reading->parsed->command;

	if (!json_is_number(value) && !json_is_null(value))
		return "a number of watts, or null to release";
	command->kind = json_is_null(value) ? COMMAND_RELEASE : COMMAND_SETPOINT;
	command->p_w = json_is_null(value) ? (double)NAN : json_number_value(value);
	return NULL;
}

static const char *take_valid(const json_t *value, struct reading *reading)
{
	double valid_s = json_number_value(value);

	if (!json_is_number(value) || !(valid_s > 0.0))
		return "a number of seconds above 0";
	if (valid_s > VALID_MAX_S)
		refuse(reading->parsed, REASON_VALID_TOO_LONG, "valid_s is above %.0f",
		       VALID_MAX_S);
	reading->parsed->command.valid_s = valid_s;
	return NULL;
}

static const char *take_ramp(const json_t *value, struct reading *reading)
{
	double ramp_w_s = json_number_value(value);

	if (!json_is_number(value) || !(ramp_w_s > 0.0))
		return "a number above 0";
	reading->parsed->command.ramp_w_s = ramp_w_s;
	return NULL;
}

static const char *take_limit(const json_t *value, struct reading *reading)
{
	static const char *const words[] = {"clamp", "reject", NULL};
	int word = json_value_word(value, words);

	reading->parsed->command.reject_if_limited = word == 1;
	return word >= 0 ? NULL : "clamp or reject";
}

static const char *take_service(const json_t *value, struct reading *reading)
{
	static const char *const words[] = {"setpoint", "afrr", "mfrr", "peak", "test", NULL};
	static const enum service services[] = {SERVICE_SETPOINT, SERVICE_AFRR, SERVICE_MFRR,
						SERVICE_PEAK, SERVICE_TEST};
	int word = json_value_word(value, words);

	if (word < 0)
		return "setpoint, afrr, mfrr, peak or test";
	reading->parsed->command.service = services[word];
	return NULL;
}

static const char *take_on_expiry(const json_t *value, struct reading *reading)
{
	static const char *const words[] = {"default", "zero", NULL};
	int word = json_value_word(value, words);

	reading->parsed->command.zero_on_expiry = word == 1;
	return word >= 0 ? NULL : "default or zero";
}

static const char *take_dry_run(const json_t *value, struct reading *reading)
{
	reading->parsed->command.dry_run = json_is_true(value);
	return json_is_boolean(value) ? NULL : "true or false";
}

static const char *take_doing(const json_t *value, struct reading *reading)
{
	(void)value; /* the document is chosen by it: see parse_cmd and parse_local */
	(void)reading;
	return NULL;
}

static const char *take_proof(const json_t *value, struct reading *reading)
{
	return proof_parse(json_string_value(value), &reading->parsed->command.proof)
		       ? NULL
		       : "estop, heartbeat, dead-man, insulation or weld";
}

static const char *take_pack(const json_t *value, struct reading *reading)
{
	const struct site *site = reading->site;
	const char *id = json_string_value(value);

	for (unsigned i = 0; id && i < site->n_packs; i++) {
		if (strcmp(site->pack[i].id, id) == 0) {
			reading->parsed->command.pack = (int16_t)i;
			return NULL;
		}
	}
	return "the id of a pack of this bank";
}

static const struct key {
	const char *name;
	unsigned allowed, required; /* enum document */
	const char *(*take)(const json_t *value, struct reading *reading);
} keys[] = {
	{"id", REMOTE | LOCAL, REMOTE, take_id}, /* id and seq first: the ack needs them */
	{"seq", REMOTE | LOCAL, REMOTE, take_seq},
	{"v", REMOTE | LOCAL, REMOTE, take_version},
	{"session", REMOTE | LOCAL, 0, take_session},
	{"boot", REMOTE | LOCAL, 0, take_boot},
	{"n", REMOTE | LOCAL, 0, take_n},
	{"ts", REMOTE | LOCAL, REMOTE, take_ts},
	{"p_w", POWER, POWER, take_power},
	{"valid_s", POWER, POWER, take_valid},
	{"start", POWER, 0, take_start},
	{"ramp_w_s", POWER, 0, take_ramp},
	{"limit", POWER, 0, take_limit},
	{"service", POWER, 0, take_service},
	{"on_expiry", POWER, 0, take_on_expiry},
	{"dry_run", POWER, 0, take_dry_run},
	{"do", DOING, DOING, take_doing},
	{"pack", CMD | LOCAL_DO, 0, take_pack},
	{"proof", LOCAL_DO, 0, take_proof},
};
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

static bool is_key(const char *name, unsigned document)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].allowed & document;
	return false;
}

static void check_unknown(json_t *object, unsigned document, struct parsed *parsed)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		(void)value;
		if (!is_key(name, document))
			refuse(parsed, REASON_SCHEMA, "unknown key \"%.40s\"", name);
	}
}

static void check_version(const json_t *object, struct parsed *parsed)
{
	const json_t *version = json_object_get(object, "v");

	if (version && !(json_is_number(version) && json_number_value(version) == 1.0))
		refuse(parsed, REASON_VERSION, "v is not 1, the version spoken here");
}

static void read_keys(json_t *object, unsigned document, struct reading *reading)
{
	check_version(object, reading->parsed);
	check_unknown(object, document, reading->parsed);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const json_t *value = json_object_get(object, keys[i].name);
		const char *expected;

		if (!(keys[i].allowed & document))
			continue;
		expected = value ? keys[i].take(value, reading) : NULL;
		if (expected)
			refuse(reading->parsed, REASON_SCHEMA, "%s is not %s", keys[i].name,
			       expected);
		if (!value && keys[i].required & document)
			refuse(reading->parsed, REASON_SCHEMA, "key \"%s\" is missing",
			       keys[i].name);
	}
	if (reading->parsed->reason == REASON_NOT_FINITE) /* the 0 in its place was ours */
		reading->parsed->command.p_w = (double)NAN;
	reading->parsed->command.seq = reading->parsed->seq;
	reading->parsed->command.ts_utc_ms = reading->parsed->ts_utc_ms;
	memcpy(reading->parsed->command.id, reading->parsed->id, sizeof reading->parsed->id);
}

static void take_operation(const json_t *object, const struct operation *operation,
			   struct parsed *parsed)
{
	bool pack = json_object_get(object, "pack") != NULL;
	bool proof = json_object_get(object, "proof") != NULL;

	parsed->command.kind = operation->kind;
	if (operation->of == OF_PACK && !pack)
		refuse(parsed, REASON_SCHEMA, "key \"pack\" is missing");
	if (operation->of == OF_BANK && pack)
		refuse(parsed, REASON_SCHEMA, "\"%s\" concerns the bank: no key \"pack\"",
		       operation->word);
	if (operation->kind == COMMAND_PROOF && !proof)
		refuse(parsed, REASON_SCHEMA, "key \"proof\" is missing");
	if (operation->kind != COMMAND_PROOF && proof)
		refuse(parsed, REASON_SCHEMA, "\"%s\" has no key \"proof\"", operation->word);
	if (operation->kind == COMMAND_PROOF && (parsed->command.proof == PROOF_WELD) != pack)
		refuse(parsed, REASON_SCHEMA, "\"weld\" needs a pack, the others have none");
}

/* NULL when the text is no JSON object; the reason is then in `parsed`. */
static json_t *load(const char *text, size_t length, struct parsed *parsed)
{
	char copy[PARSE_BYTES_MAX + 1];
	struct json_scan seen;
	json_error_t error;
	json_t *root;

	*parsed = (struct parsed){.seq = -1, .ts_utc_ms = -1, .n = -1};
	parsed->command.pack = -1;
	parsed->command.p_w = (double)NAN;
	parsed->command.ramp_w_s = (double)NAN;
	if (length > PARSE_BYTES_MAX) {
		refuse(parsed, REASON_MALFORMED, "message is longer than %d bytes",
		       PARSE_BYTES_MAX);
		return NULL;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	seen = json_scan(copy, length);
	if (seen.depth > PARSE_DEPTH_MAX) {
		refuse(parsed, REASON_MALFORMED, "nested deeper than %d levels", PARSE_DEPTH_MAX);
		return NULL;
	}
	if (seen.not_finite)
		refuse(parsed, REASON_NOT_FINITE, "a number is not finite or does not fit");
	root = json_loadb(copy, length, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		refuse(parsed, REASON_MALFORMED, "line %d column %d: %.80s", error.line,
		       error.column, error.text);
	else if (!json_is_object(root))
		refuse(parsed, REASON_MALFORMED, "message is not a JSON object");
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

void parse_setpoint(const char *text, size_t length, const struct site *site, const char *boot,
		    struct parsed *parsed)
{
	struct reading reading = {site, boot, parsed};
	json_t *root = load(text, length, parsed);

	if (!root)
		return;
	read_keys(root, SETPOINT, &reading);
	json_decref(root);
}

void parse_cmd(const char *text, size_t length, const struct site *site, const char *boot,
	       struct parsed *parsed)
{
	struct reading reading = {site, boot, parsed};
	json_t *root = load(text, length, parsed);
	const struct operation *operation;

	if (!root)
		return;
	read_keys(root, CMD, &reading);
	operation = operation_find(json_string_value(json_object_get(root, "do")), true);
	if (operation)
		take_operation(root, operation, parsed);
	else
		refuse(parsed, REASON_SCHEMA,
		       "do is not start, stop, lock, unlock, enable, disable or clear");
	json_decref(root);
}

static enum local_request read_local(json_t *root, struct reading *reading)
{
	static const char *const asks[] = {"status", "watch", "record", "setpoint", NULL};
	static const enum local_request requests[] = {LOCAL_STATUS, LOCAL_WATCH, LOCAL_RECORD,
						      LOCAL_COMMAND};
	const json_t *word = json_object_get(root, "do");
	int ask = json_value_word(word, asks);
	const struct operation *operation = operation_find(json_string_value(word), false);

	if (ask >= 0) {
		read_keys(root, requests[ask] == LOCAL_COMMAND ? LOCAL_SET : LOCAL_ASK, reading);
		return requests[ask];
	}
	read_keys(root, LOCAL_DO, reading);
	if (operation)
		take_operation(root, operation, reading->parsed);
	else
		refuse(reading->parsed, REASON_SCHEMA,
		       "do is not status, watch, record, setpoint, release, start, stop, lock, "
		       "unlock, enable, disable, clear or proof");
	return LOCAL_COMMAND;
}

enum local_request parse_local(const char *text, size_t length, const struct site *site,
			       const char *boot, struct parsed *parsed)
{
	struct reading reading = {site, boot, parsed};
	json_t *root = load(text, length, parsed);
	enum local_request request = LOCAL_REFUSED;

	if (root)
		request = read_local(root, &reading);
	json_decref(root);
	return parsed->reason == REASON_OK ? request : LOCAL_REFUSED;
}
