/* Expectations by name: reading their words, saying them in words. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/expect_table.h"
#include "northbound/sentence.h"

void expect_found(struct expect *expect, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(expect->found, sizeof(expect->found), format, args);
	va_end(args);
}

bool expect_at_least(struct expect *expect, double value)
{
	expect_found(expect, "%.6g", value);
	return value >= expect->number;
}

bool expect_at_most(struct expect *expect, double value)
{
	expect_found(expect, "%.6g", value);
	return value <= expect->number;
}

bool expect_equals(struct expect *expect, double value)
{
	expect_found(expect, "%.6g", value);
	return fabs(value - expect->number) <= expect->tolerance;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool one_of(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static bool valid_bank_state(const char *word)
{
	for (int state = BANK_STARTING; state <= BANK_TRIPPED; state++)
		if (strcmp(bank_state_word((enum bank_state)state), word) == 0)
			return true;
	return false;
}

static bool valid_mode(const char *word)
{
	for (int m = MODE_DEFAULT; m <= MODE_TRIPPED; m++)
		if (strcmp(dispatch_mode_word((enum dispatch_mode)m), word) == 0)
			return true;
	return false;
}

static bool valid_pack_state(const char *word)
{
	static const char *const words[] = {"open",    "precharge", "joining", "closed",
					    "leaving", "isolated",  "welded",  "quarantined",
					    "offline", NULL};

	return one_of(words, word);
}

static bool valid_contactors(const char *word)
{
	static const char *const words[] = {"open", "closed", "isolated", NULL};

	return one_of(words, word);
}

static bool valid_coils(const char *word)
{
	static const char *const words[] = {"on", "off", NULL};

	return one_of(words, word);
}

static bool valid_ack(const char *word)
{
	enum ack_status status;

	return ack_status_parse(word, &status);
}

#define EXPECT_ROW(name, kind, bits, valid, text)                                                  \
	{.key = #name,                                                                             \
	 .type = EXPECT_##kind,                                                                    \
	 .flags = (bits),                                                                          \
	 .word_valid = (valid),                                                                    \
	 .holds = expect_##name,                                                                   \
	 .help = (text)},
const struct expect_kind expect_kinds[] = {EXPECT_TABLE(EXPECT_ROW){.key = NULL}};
#undef EXPECT_ROW

const struct expect_kind *expect_kind_find(const char *key)
{
	for (const struct expect_kind *kind = expect_kinds; kind->key; kind++)
		if (strcmp(kind->key, key) == 0)
			return kind;
	return NULL;
}

static void time_text(const struct expect *expect, char *text, size_t size)
{
	double from_s = (double)expect->from_ms / 1e3, to_s = (double)expect->to_ms / 1e3;

	switch (expect->when) {
	case WHEN_END:
		snprintf(text, size, "at the end");
		break;
	case WHEN_AT:
		snprintf(text, size, "at %g s", to_s);
		break;
	case WHEN_WITHIN:
		if (expect->from_ms == 0)
			snprintf(text, size, "by %g s", to_s);
		else
			snprintf(text, size, "within %g s after %g s", to_s - from_s, from_s);
		break;
	case WHEN_ALWAYS:
		snprintf(text, size, "from %g s to %g s", from_s, to_s);
		break;
	}
}

void expect_text(const struct run *run, const struct expect *expect, char *text, size_t size)
{
	const struct expect_kind *kind = expect->kind;
	char time[80], value[COMMAND_ID_SIZE + 8] = "", which[2 * COMMAND_ID_SIZE] = "";

	time_text(expect, time, sizeof(time));
	if (kind->type == EXPECT_NUMBER)
		snprintf(value, sizeof(value), "%.10g", expect->number);
	else if (kind->type == EXPECT_FLAG)
		snprintf(value, sizeof(value), "%s", expect->flag ? "true" : "false");
	else
		snprintf(value, sizeof(value), "%s", expect->text);
	if (expect->pack >= 0)
		snprintf(which, sizeof(which), " (%s)", run->site->pack[expect->pack].id);
	else if (expect->pcs >= 0)
		snprintf(which, sizeof(which), " (%s)", run->site->pcs[expect->pcs].id);
	else if (expect->id[0])
		snprintf(which, sizeof(which), " (%s%s%s)", expect->id,
			 expect->reason < REASON_COUNT ? ", reason " : "",
			 expect->reason < REASON_COUNT ? reason_text(expect->reason)->word : "");
	snprintf(text, size, "%s: %s = %s%s", time, kind->key, value, which);
}

bool reason_parse(const char *word, enum reason *reason_out)
{
	for (int r = 0; r < REASON_COUNT; r++)
		if (strcmp(reason_text((enum reason)r)->word, word) == 0) {
			*reason_out = (enum reason)r;
			return true;
		}
	return false;
}

bool ack_status_parse(const char *word, enum ack_status *status)
{
	for (int i = ACK_ACCEPTED; i <= ACK_CANCELLED; i++)
		if (strcmp(ack_status_word((enum ack_status)i), word) == 0) {
			*status = (enum ack_status)i;
			return true;
		}
	return false;
}

void scenario_print_words(FILE *out)
{
	static const char *const types[] = {
		[EXPECT_NUMBER] = "number",
		[EXPECT_FLAG] = "true or false",
		[EXPECT_WORD] = "word",
		[EXPECT_REASON] = "reason",
	};

	fprintf(out, "conditions of `expect`\n");
	for (const struct expect_kind *kind = expect_kinds; kind->key; kind++)
		fprintf(out, "  %-21s %-13s  %s%s%s\n", kind->key, types[kind->type], kind->help,
			kind->flags & EXPECT_OF_PACK  ? " (needs pack)"
			: kind->flags & EXPECT_OF_PCS ? " (needs pcs)"
						      : "",
			kind->flags & EXPECT_OF_ID ? " (needs id)" : "");
	fprintf(out, "\nfaults of `events`\n ");
	for (int fault = TWIN_NONE + 1; fault < TWIN_FAULT_COUNT; fault++)
		fprintf(out, " %s", twin_fault_word((enum twin_fault_kind)fault));
	fprintf(out, "\n\nreasons\n");
	for (int r = 0; r < REASON_COUNT; r++)
		fprintf(out, "  %-25s %s\n", reason_text((enum reason)r)->word,
			reason_text((enum reason)r)->sentence);
}
