/* The `expect` of a scenario file: one condition each, and when it must hold. */
#include <math.h>
#include <string.h>

#include "ctl/scenario_parts.h"

static const char *const time_keys[] = {
	"at_s", "by_s", "after_s", "within_s", "from_s", "to_s", "always", NULL,
};

/* The condition's keys beside its own name. */
static const char *const condition_keys[] = {"pack", "pcs", "tolerance", "id", "reason", NULL};

static int64_t end_ms(const struct member *at)
{
	return llround(3600e3 * at->reader->scenario->hours);
}

/*
 * at_s: at that instant. by_s, or after_s with within_s: at some instant until then. from_s, to_s
 * or always: at every instant between. None of them: at the end.
 */
static void read_times(const struct member *at, struct expect *expect)
{
	int64_t within_ms = 0;
	bool always = false;

	expect->from_ms = 0;
	expect->to_ms = end_ms(at);
	if (member_seconds(at, "at_s", 0.0, &expect->to_ms))
		expect->when = WHEN_AT;
	if (member_seconds(at, "from_s", 0.0, &expect->from_ms))
		expect->when = WHEN_ALWAYS;
	if (member_seconds(at, "to_s", 0.0, &expect->to_ms))
		expect->when = WHEN_ALWAYS;
	if (member_flag(at, "always", &always) && always)
		expect->when = WHEN_ALWAYS;
	if (member_seconds(at, "after_s", 0.0, &expect->from_ms))
		expect->when = WHEN_WITHIN;
	if (member_seconds(at, "within_s", 0.0, &within_ms)) {
		expect->when = WHEN_WITHIN;
		expect->to_ms = expect->from_ms + within_ms;
	}
	if (member_seconds(at, "by_s", 0.0, &expect->to_ms))
		expect->when = WHEN_WITHIN;
	if (expect->to_ms < expect->from_ms || expect->to_ms > end_ms(at))
		member_refuse(at, NULL, "the time from %g s to %g s is not inside the run of %g s",
			      (double)expect->from_ms / 1e3, (double)expect->to_ms / 1e3,
			      (double)end_ms(at) / 1e3);
}

static void read_word(const struct member *at, struct expect *expect)
{
	const struct expect_kind *kind = expect->kind;
	const char *word;

	if (!member_word(at, kind->key, &word))
		return;
	if (kind->type == EXPECT_REASON && !reason_parse(word, &expect->reason))
		member_refuse(at, NULL, "no reason \"%s\": `rebankctl simulate --words` lists them",
			      word);
	if (kind->word_valid && !kind->word_valid(word))
		member_refuse(at, NULL, "%s cannot be \"%s\": %s", kind->key, word, kind->help);
	snprintf(expect->text, sizeof(expect->text), "%s", word);
}

static void read_value(const struct member *at, struct expect *expect)
{
	switch (expect->kind->type) {
	case EXPECT_NUMBER:
		member_number(at, expect->kind->key, -1e12, 1e12, &expect->number);
		break;
	case EXPECT_FLAG:
		member_flag(at, expect->kind->key, &expect->flag);
		break;
	case EXPECT_WORD:
	case EXPECT_REASON:
		read_word(at, expect);
		break;
	}
}

static void read_qualifiers(const struct member *at, struct expect *expect)
{
	const char *word;

	member_pack(at, &expect->pack);
	if ((expect->kind->flags & EXPECT_OF_PACK) && expect->pack < 0 && !member_given(at, "pack"))
		member_refuse(at, NULL, "%s needs a pack", expect->kind->key);
	member_pcs(at, &expect->pcs);
	if ((expect->kind->flags & EXPECT_OF_PCS) && expect->pcs < 0 && !member_given(at, "pcs"))
		member_refuse(at, NULL, "%s needs a pcs", expect->kind->key);
	if (member_word(at, "id", &word))
		snprintf(expect->id, sizeof(expect->id), "%s", word);
	else if ((expect->kind->flags & EXPECT_OF_ID))
		member_refuse(at, NULL, "%s needs the id of a command", expect->kind->key);
	if (member_number(at, "tolerance", 0.0, 1e9, &expect->tolerance) &&
	    !(expect->kind->flags & EXPECT_NEAR))
		member_refuse(at, NULL, "%s has no tolerance", expect->kind->key);
	if (expect->kind->type != EXPECT_REASON && member_word(at, "reason", &word) &&
	    !reason_parse(word, &expect->reason))
		member_refuse(at, NULL, "no reason \"%s\": `rebankctl simulate --words` lists them",
			      word);
}

static const struct expect_kind *read_kind(const struct member *at)
{
	const struct expect_kind *kind = NULL;

	for (const struct expect_kind *k = expect_kinds; k->key; k++) {
		if (!member_given(at, k->key))
			continue;
		/* `reason` alone is a condition; beside `ack` it says which ack. */
		if (kind && strcmp(k->key, "reason") == 0)
			continue;
		if (kind)
			member_refuse(at, NULL, "%s and %s in one expectation: write two",
				      kind->key, k->key);
		kind = k;
	}
	if (!kind)
		member_refuse(at, NULL,
			      "an expectation needs a condition such as "
			      "pack_state, bank_state, event or p_w, see docs/simulate.md");
	return kind;
}

static void read_expect(const struct member *at)
{
	struct expect *expect = scenario_add_expect(at->reader->scenario);
	const char *own[7];
	size_t n = 0;

	expect->line = config_setting_source_line(at->group);
	expect->pack = expect->pcs = -1;
	expect->reason = REASON_COUNT;
	expect->kind = read_kind(at);
	if (!expect->kind)
		return;
	for (const char *const *key = condition_keys; *key; key++)
		own[n++] = *key;
	own[n++] = expect->kind->key;
	own[n] = NULL;
	member_only(at, time_keys, own);
	read_times(at, expect);
	read_value(at, expect);
	read_qualifiers(at, expect);
	if ((expect->kind->flags & EXPECT_TOTAL) && expect->when == WHEN_AT)
		member_refuse(at, NULL, "%s is judged over a time: use by_s, within_s or from_s",
			      expect->kind->key);
}

void scenario_read_expects(struct scenario_reader *reader, const config_setting_t *list)
{
	for (int i = 0; i < config_setting_length(list); i++) {
		struct member at = {.reader = reader,
				    .group = config_setting_get_elem(list, (unsigned)i)};

		snprintf(at.where, sizeof(at.where), "expect[%d]", i);
		if (config_setting_is_group(at.group))
			read_expect(&at);
		else
			member_refuse(&at, at.group, "must be a group: { by_s = ...; ... }");
	}
}
