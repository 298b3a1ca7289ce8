/*
 * Every profile of tests/config/bad-profiles gives exactly the messages of its leading `# expect:`
 * lines, FILE standing for its name; every shipped profile gives none, and says where it comes
 * from. `test_wire_config accept` writes the expectations anew: read the diff.
 */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static struct config config;

static char *messages_of(const char *path, FILE *show)
{
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);

	config_free(&config);
	profile_load(path, NULL, &config, show, errors);
	fclose(errors);
	return text;
}

/* The file without its expectations; the caller frees. */
static char *file_read(const char *path, char **expected)
{
	char line[1024], *body = NULL;
	size_t n, m;
	FILE *file = fopen(path, "r"), *rest = open_memstream(&body, &n);
	FILE *out = open_memstream(expected, &m);

	while (file && fgets(line, sizeof line, file)) {
		const char *at = strncmp(line, "# expect: ", 10) == 0 ? line + 10 : NULL;

		if (!at)
			fputs(line, rest);
		else if (strncmp(at, "FILE", 4) == 0)
			fprintf(out, "%s%s", path, at + 4);
		else
			fputs(at, out);
	}
	if (file)
		fclose(file);
	fclose(rest);
	fclose(out);
	return body;
}

static int is_conf(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static unsigned walk(const char *dir, void (*judge)(const char *path))
{
	struct dirent **list = NULL;
	char path[512];
	int n = scandir(dir, &list, is_conf, alphasort);

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		judge(path);
		free(list[i]);
	}
	free(list);
	return n < 0 ? 0 : (unsigned)n;
}

/* The expectations stand above the text, so they move its lines: twice is enough. */
static void accept(const char *path)
{
	for (int round = 0; round < 2; round++) {
		char *expected, *body = file_read(path, &expected);
		char *said = messages_of(path, NULL), *line, *rest;
		FILE *file = fopen(path, "w");

		for (line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			bool own = strncmp(line, path, strlen(path)) == 0;

			fprintf(file, "# expect: %s%s\n", own ? "FILE" : "",
				own ? line + strlen(path) : line);
		}
		fputs(body, file);
		fclose(file);
		free(said);
		free(body);
		free(expected);
	}
}

static void judge_bad(const char *path)
{
	char *expected, *body = file_read(path, &expected);
	char *said = messages_of(path, NULL);

	if (!*expected || strcmp(expected, said) != 0)
		printf("\n    %s\n    expected:\n%s    got:\n%s", path, expected, said);
	CU_ASSERT(*expected && strcmp(expected, said) == 0);
	free(said);
	free(body);
	free(expected);
}

static void bad_profiles_give_exactly_their_messages(void)
{
	CU_ASSERT(walk("tests/config/bad-profiles", judge_bad) >= 35);
}

static unsigned with_wire;

static void judge_shipped(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	char *said = messages_of(path, out);

	fclose(out);
	if (*said)
		printf("\n    %s should load:\n%s", path, said);
	CU_ASSERT_EQUAL(*said, '\0');
	if (config.pack[0].wire) {
		with_wire++;
		CU_ASSERT_NOT_EQUAL(config.pack[0].wire->digest, 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "  source "));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "  unverified "));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, " recorded, "));
	}
	free(text);
	free(said);
}

static void shipped_profiles_load_and_say_where_they_come_from(void)
{
	with_wire = 0;
	walk("config/packs", judge_shipped);
	CU_ASSERT(with_wire >= 8);
}

/* ---- two packs with the same ids on one bus ----------------------------------------------- */

/* A shipped wire that looks at nothing but how often its messages come. */
static struct wire bare;
static struct wire_state state;
static struct pack_sample sample;
static struct pack_contacts contacts;

static void bare_of(const struct wire *wire)
{
	bare = *wire;
	bare.n_generations = 0;
	for (unsigned i = 0; i < bare.n_frames; i++) {
		bare.frame[i].message.sum.kind = WIRE_SUM_NONE;
		bare.frame[i].message.counter.bits.bytes = 0;
	}
}

/* One message alone, every `every_us` and up to a fifth of that late, for 60 of its periods. */
static bool crowded_at(const struct wire_frame *frame, int64_t every_us)
{
	const uint8_t data[8] = {0};
	int64_t end_us = INT64_C(60000) * frame->message.period_ms + 5000000;

	wire_start(&bare, &state, false, &sample, &contacts);
	for (int64_t us = 0, n = 0; us < end_us; us += every_us, n++) {
		int64_t late_us = n % 3 == 1 ? every_us / 5 : 0;

		wire_decode_frame(&bare, &state, 1000 + (us + late_us) / 1000, frame->id,
				  frame->ext, data, 8, &sample, &contacts);
	}
	return state.complaint[WIRE_CROWDED] > 0;
}

static unsigned on_can;

static void judge_doubled(const char *path)
{
	bool seen = false;

	free(messages_of(path, NULL));
	const struct wire *wire = config.pack[0].wire;

	if (!wire || wire->n_frames == 0)
		return;
	on_can++;
	bare_of(wire);
	for (unsigned i = 0; i < bare.n_frames; i++) {
		const struct wire_frame *frame = &bare.frame[i];
		int64_t period_us = INT64_C(1000) * frame->message.period_ms;

		if (period_us == 0)
			continue;
		if (crowded_at(frame, period_us)) {
			printf("\n    %s: 0x%X at its own period", path, frame->id);
			CU_FAIL("a pack alone is no crowd");
		}
		seen = seen || crowded_at(frame, period_us / 2);
	}
	if (!seen)
		printf("\n    %s: two of them are not noticed", path);
	CU_ASSERT_TRUE(seen);
}

static void two_packs_of_a_shipped_profile_on_one_bus_are_noticed(void)
{
	on_can = 0;
	walk("config/packs", judge_doubled);
	CU_ASSERT(on_can >= 14);
}

static void a_change_of_the_wire_changes_its_digest(void)
{
	uint64_t before;

	free(messages_of("config/packs/kona-64.conf", NULL));
	CU_ASSERT_PTR_NOT_NULL_FATAL(config.pack[0].wire);
	before = config.pack[0].wire->digest;
	free(messages_of("config/packs/kona-64.conf", NULL));
	CU_ASSERT_EQUAL(config.pack[0].wire->digest, before);
	free(messages_of("config/packs/kona-39.conf", NULL));
	CU_ASSERT_NOT_EQUAL(config.pack[0].wire->digest, before);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "accept") == 0) {
		walk("tests/config/bad-profiles", accept);
		config_free(&config);
		return 0;
	}
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite suite = CU_add_suite("wire of profiles", NULL, NULL);

	CU_ADD_TEST(suite, bad_profiles_give_exactly_their_messages);
	CU_ADD_TEST(suite, shipped_profiles_load_and_say_where_they_come_from);
	CU_ADD_TEST(suite, two_packs_of_a_shipped_profile_on_one_bus_are_noticed);
	CU_ADD_TEST(suite, a_change_of_the_wire_changes_its_digest);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	config_free(&config);
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
