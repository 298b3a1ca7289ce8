#include <ctype.h>

#include "hand_bank.h"

static bool is_word(const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)word[i]) && !isdigit((unsigned char)word[i]) &&
		    word[i] != '_')
			return false;
	return n > 0 && n <= 32 && word[0] != '_' && word[n - 1] != '_';
}

static void every_reason_has_a_word_of_its_own_and_a_sentence(void)
{
	for (unsigned r = 0; r < REASON_COUNT; r++) {
		const struct reason_text *text = reason_text((enum reason)r);
		CU_ASSERT_TRUE(is_word(text->word));
		CU_ASSERT(strlen(text->sentence) > 5);
		/* "BMS ..." may begin one */
		CU_ASSERT(!isupper((unsigned char)text->sentence[0]) ||
			  isupper((unsigned char)text->sentence[1]));
		CU_ASSERT_NOT_EQUAL(text->sentence[strlen(text->sentence) - 1], '.');
		CU_ASSERT(text->severity <= SEVERITY_ALARM);
		CU_ASSERT_PTR_NOT_NULL(text->unit);
		for (unsigned other = 0; other < r; other++)
			CU_ASSERT_STRING_NOT_EQUAL(text->word,
						   reason_text((enum reason)other)->word);
	}
}

static void unknown_code_reads_as_an_internal_error(void)
{
	CU_ASSERT_STRING_EQUAL(reason_text(REASON_COUNT)->word, "internal");
	CU_ASSERT_STRING_EQUAL(reason_text((enum reason) - 1)->word, "internal");
	CU_ASSERT_STRING_EQUAL(reason_text((enum reason)99999)->word, "internal");
}

static void zero_means_all_is_well(void)
{
	CU_ASSERT_EQUAL(REASON_OK, 0);
	CU_ASSERT_STRING_EQUAL(reason_text(REASON_OK)->word, "ok");
}

static void rules_that_call_people_are_alarms_in_the_vocabulary_too(void)
{
	for (unsigned r = 0; r < n_pack_rules + n_bank_rules; r++) {
		const struct rule *rule =
			r < n_pack_rules ? &pack_rules[r] : &bank_rules[r - n_pack_rules];
		const struct reason_text *text = reason_text(rule->reason);
		CU_ASSERT(rule->reason > REASON_OK && rule->reason < REASON_COUNT);
		CU_ASSERT(rule->action < ACTION_LEAVE || text->severity >= SEVERITY_WARNING);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(every_reason_has_a_word_of_its_own_and_a_sentence),
		TEST(unknown_code_reads_as_an_internal_error),
		TEST(zero_means_all_is_well),
		TEST(rules_that_call_people_are_alarms_in_the_vocabulary_too),
		CU_TEST_INFO_NULL,
	};

	return hand_run("reason", tests);
}
