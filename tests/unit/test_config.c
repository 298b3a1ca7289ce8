/*
 * Loads every file of tests/config/good (no mistake) and tests/config/bad (exactly the messages of
 * its leading `# expect:` lines, FILE standing for its name, DIR for its directory). Arguments:
 * `keys` prints the key reference of docs/configuration.md; otherwise one is the top of the source
 * tree.
 */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

enum { LINES_MAX = 64, LINE_MAX_SIZE = 1024 };

static struct config config, again;

/* The messages of one load; the caller frees. */
static char *load_messages(const char *path, const char *profiles, struct config *into, int *n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);

	config_free(into);
	*n = config_load(path, profiles, into, errors);
	fclose(errors);
	return text;
}

static char *printed(const struct config *from, void (*print)(const struct config *, FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	print(from, out);
	fclose(out);
	return text;
}

/* Replaces FILE and DIR of an expectation. */
static void expand(const char *line, const char *path, char *to, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t n = 0;

	while (*line && n + 1 < size) {
		if (strncmp(line, "FILE", 4) == 0) {
			n += (size_t)snprintf(to + n, size - n, "%s", path);
			line += 4;
		} else if (strncmp(line, "DIR", 3) == 0) {
			n += (size_t)snprintf(to + n, size - n, "%.*s", (int)(slash - path), path);
			line += 3;
		} else {
			to[n++] = *line++;
		}
	}
	to[n < size ? n : size - 1] = '\0';
}

static char *expected_messages(const char *path)
{
	char line[LINE_MAX_SIZE], full[LINE_MAX_SIZE];
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	while (file && fgets(line, sizeof(line), file) && strncmp(line, "# expect: ", 10) == 0) {
		expand(line + 10, path, full, sizeof(full));
		fputs(full, out);
	}
	if (file)
		fclose(file);
	fclose(out);
	return text;
}

static int is_conf(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* Calls `judge` for each .conf file of a directory; counts what passed and failed. */
static void walk(const char *dir, bool (*judge)(const char *path), int *passed, int *failed)
{
	struct dirent **list = NULL;
	char path[512];
	int n;

	n = scandir(dir, &list, is_conf, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (judge(path))
			++*passed;
		else
			++*failed;
		free(list[i]);
	}
	free(list);
}

static const char profiles[] = "config/packs";

static bool judge_good(const char *path)
{
	int n;
	char *messages = load_messages(path, profiles, &config, &n);

	if (n != 0)
		printf("\n    %s should load:\n%s", path, messages);
	free(messages);
	return n == 0;
}

static bool judge_bad(const char *path)
{
	char *expected = expected_messages(path);
	int n, lines = 0;
	char *messages = load_messages(path, profiles, &config, &n);
	bool same = *expected && strcmp(expected, messages) == 0;

	for (const char *at = messages; *at; at++)
		lines += *at == '\n';
	if (!same || n != lines)
		printf("\n    %s, returned %d\n    expected:\n%s    got:\n%s", path, n, expected,
		       messages);
	free(expected);
	free(messages);
	return same && n == lines;
}

static int passed, failed;

static void good_files_load_without_a_mistake(void)
{
	int good = passed, bad = failed;

	walk("tests/config/good", judge_good, &passed, &failed);
	walk("config", judge_good, &passed, &failed);
	CU_ASSERT_EQUAL(failed, bad);
	CU_ASSERT(passed - good >= 5);
}

static void bad_files_give_exactly_their_messages(void)
{
	int good = passed, bad = failed;

	walk("tests/config/bad", judge_bad, &passed, &failed);
	CU_ASSERT_EQUAL(failed, bad);
	CU_ASSERT(passed - good >= 45);
}

static bool load_demo(void)
{
	int n;
	char *messages = load_messages("config/demo.conf", NULL, &config, &n);

	fputs(messages, stdout);
	free(messages);
	return n == 0;
}

static void demo_is_the_bank_that_was_asked_for(void)
{
	unsigned chemistries = 0;

	CU_ASSERT_FATAL(load_demo());
	for (unsigned k = 0; k < config.site.n_packs; k++)
		chemistries |= 1u << config.site.pack[k].model.chemistry;
	CU_ASSERT_STRING_EQUAL(config.site.id, "demo");
	CU_ASSERT_EQUAL(config.site.n_packs, 8);
	CU_ASSERT(__builtin_popcount(chemistries) >= 2);
	CU_ASSERT(config.site.mixed_chemistry);
	CU_ASSERT(config.simulated);
	CU_ASSERT(!config.site.real_contactors);
	CU_ASSERT(config.site.has_pcs_enable);
	CU_ASSERT_EQUAL(config.site.n_sources, 2);
	CU_ASSERT_STRING_EQUAL(config.site.source[1].id, "utility");
	CU_ASSERT_EQUAL(config.site.source[1].priority, 10);
	CU_ASSERT_DOUBLE_EQUAL(config.site.source[1].valid_max_s, 300.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(config.mqtt.rate_per_s[1], 10.0, 0.0);
	CU_ASSERT_STRING_EQUAL(config.mqtt.host, "127.0.0.1");
	CU_ASSERT_EQUAL(config.mqtt.port, 1883);
	CU_ASSERT_STRING_EQUAL(config.mqtt.client_id, "rebank-demo");
}

static void local_is_the_first_source_and_may_everything(void)
{
	CU_ASSERT_FATAL(load_demo());
	CU_ASSERT_STRING_EQUAL(config.site.source[0].id, "local");
	CU_ASSERT_EQUAL(config.site.source[0].priority, 0);
	CU_ASSERT(config.site.source[0].may_setpoint && config.site.source[0].may_command);
}

static void values_reach_the_struct_in_its_units(void)
{
	const struct pack_site *pack = &config.site.pack[2];

	CU_ASSERT_FATAL(load_demo());
	CU_ASSERT_STRING_EQUAL(pack->id, "leaf-c");
	CU_ASSERT_DOUBLE_EQUAL(pack->limit.cell_max_v, 4.10, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(pack->limit.dis_max_a, 50.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(pack->limit.fuse_a, 225.0, 0.0);
	CU_ASSERT_EQUAL(pack->model.chemistry, CHEMISTRY_LMO);
	CU_ASSERT_EQUAL(pack->model.cells_series, 96);
	CU_ASSERT_EQUAL(pack->electrical_stale_ms, 300);
	CU_ASSERT_EQUAL(pack->contactors.close_ms, 200);
	CU_ASSERT_EQUAL(config.site.bus.stale_ms, 100);
	CU_ASSERT_EQUAL(config.site.tick_ms, 100);
	CU_ASSERT_EQUAL(config.site.pcs[0].dead_man_ms, 5000);
	CU_ASSERT_EQUAL(config.site.input[INPUT_ESTOP].debounce_ms, 10);
	CU_ASSERT(config.site.input[INPUT_ESTOP].present);
	CU_ASSERT(!config.site.input[INPUT_GAS].present);
	CU_ASSERT(config.site.has_imd && config.site.has_supply && !config.site.grid.has_meter);
	CU_ASSERT_EQUAL(config.sim.n_packs, 8);
	CU_ASSERT_DOUBLE_EQUAL(config.sim.pack[2].soc, 0.40, 0.0);
	CU_ASSERT(isnan(config.sim.pack[2].temp_c));
}

static void what_follows_from_other_keys_is_filled_in(void)
{
	const struct pack_site *pack = &config.site.pack[0];

	CU_ASSERT_FATAL(load_demo());
	CU_ASSERT_DOUBLE_EQUAL(pack->model.capacity_ah, 50.7, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(pack->model.r_growth, 1.66, 1e-12);
	CU_ASSERT(pack->contactors.has[POLE_NEGATIVE] && pack->contactors.has[POLE_PRECHARGE]);
	CU_ASSERT(pack->contactors.feedback[POLE_POSITIVE]);
	CU_ASSERT(!pack->contactors.feedback[POLE_PRECHARGE]);
	CU_ASSERT_STRING_EQUAL(config.pack[0].coil[POLE_NEGATIVE], "sim:leaf-a-negative");
	CU_ASSERT_DOUBLE_EQUAL(config.site.pcs[0].dis_max_w, 60000.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(config.site.grid.tracking_w, 3000.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(config.site.grid.ramp_min_w_s, 600.0, 1e-9);
	CU_ASSERT_EQUAL(pack->serial, config_serial_digest("DEMO-230AA-0001"));
	CU_ASSERT_NOT_EQUAL(pack->serial, config.site.pack[1].serial);
	CU_ASSERT_FALSE(config.site.pcs[0].rests);
	free(load_messages("tests/config/good/modbus-packs.conf", profiles, &config, &(int){0}));
	CU_ASSERT_TRUE(config.site.pcs[0].self_steered && config.site.pcs[0].rests);
}

/* Loads `path`, prints it to a file, loads that. */
static bool judge_print(const char *path)
{
	char copy[] = "/tmp/rebank-config-XXXXXX";
	char *first, *second, *messages = load_messages(path, profiles, &config, &(int){0});
	FILE *file = fdopen(mkstemp(copy), "w");
	bool same;
	int n;

	config_print(&config, file);
	fclose(file);
	first = printed(&config, config_print);
	free(messages);
	messages = load_messages(copy, profiles, &again, &n);
	second = printed(&again, config_print);
	same = n == 0 && strcmp(first, second) == 0 && strcmp(config.digest, again.digest) == 0 &&
	       memcmp(&config.site, &again.site, sizeof(config.site)) == 0;
	if (!same)
		printf("\n    %s does not survive printing:\n%s", path, messages);
	unlink(copy);
	free(first);
	free(second);
	free(messages);
	return same;
}

static void what_is_printed_loads_again_as_the_same_site(void)
{
	int good = 0, bad = 0;

	walk("tests/config/good", judge_print, &good, &bad);
	walk("config", judge_print, &good, &bad);
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT(good >= 5);
}

static void digest_shows_a_change_of_one_value(void)
{
	char *messages;
	int n;

	CU_ASSERT_FATAL(load_demo());
	CU_ASSERT_EQUAL(strlen(config.digest), 64);
	messages = load_messages("config/site-example.conf", NULL, &again, &n);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_STRING_NOT_EQUAL(config.digest, again.digest);
	free(messages);
}

static void layers_are_printed_for_every_pack(void)
{
	char *text;

	CU_ASSERT_FATAL(load_demo());
	text = printed(&config, config_print_layers);
	for (unsigned k = 0; k < config.site.n_packs; k++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, config.site.pack[k].id));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "over-voltage"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "pack fuse"));
	free(text);
}

static void what_a_profile_was_not_verified_to_say_is_printed_with_the_site(void)
{
	char *messages, *text;
	int n;

	messages = load_messages("tests/config/good/can.conf", "config/packs", &config, &n);
	CU_ASSERT_EQUAL_FATAL(n, 0);
	text = printed(&config, config_print_doubts);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "#   i3-a, profile bmw-i3-60: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "how soon it opens on silence"));
	free(text);
	free(messages);
	CU_ASSERT_FATAL(load_demo()); /* all simulated */
	text = printed(&config, config_print_doubts);
	CU_ASSERT_STRING_EQUAL(text, "");
	free(text);
}

static void a_missing_file_is_minus_one_and_named(void)
{
	int n;
	char *messages = load_messages("/nonexistent/site.conf", NULL, &config, &n);

	CU_ASSERT_EQUAL(n, -1);
	CU_ASSERT_STRING_EQUAL(messages, "/nonexistent/site.conf: No such file or directory\n");
	free(messages);
}

static void a_directory_is_a_mistake_and_no_crash(void)
{
	int n;
	char *messages = load_messages("/tmp", NULL, &config, &n);

	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_STRING_EQUAL(messages, "/tmp: Is a directory\n");
	free(messages);
}

static void the_broker_can_be_replaced_under_the_same_rules(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);

	CU_ASSERT_FATAL(load_demo());
	CU_ASSERT(config_set_mqtt_url(&config, "mqtt://localhost:18830", errors));
	CU_ASSERT_EQUAL(config.mqtt.port, 18830);
	CU_ASSERT_STRING_EQUAL(config.mqtt.host, "localhost");
	CU_ASSERT(config_set_mqtt_url(&config, "mqtt://[::1]", errors));
	CU_ASSERT_STRING_EQUAL(config.mqtt.host, "::1");
	CU_ASSERT_EQUAL(config.mqtt.port, 1883);
	CU_ASSERT(!config_set_mqtt_url(&config, "mqtt://broker.example", errors));
	CU_ASSERT(!config_set_mqtt_url(&config, "mqtts://broker.example", errors));
	CU_ASSERT(!config_set_mqtt_url(&config, "http://localhost", errors));
	CU_ASSERT(!config_set_mqtt_url(&config, "mqtt://localhost:99999", errors));
	CU_ASSERT(!config_set_mqtt_url(&config, "mqtt://localhost:1883/x", errors));
	CU_ASSERT(!config_set_mqtt_url(&config, "mqtt://me:secret@localhost", errors));
	CU_ASSERT_STRING_EQUAL(config.mqtt.host, "::1");
	fclose(errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "--mqtt-url \"http://localhost\" must begin with"));
	free(text);
}

static void a_site_without_broker_can_be_given_one(void)
{
	int n;
	char *messages = load_messages("tests/config/good/minimal.conf", profiles, &config, &n);

	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT(!config.mqtt.enabled);
	CU_ASSERT(config_set_mqtt_url(&config, "mqtt://127.0.0.1:1884", stdout));
	CU_ASSERT(config.mqtt.enabled);
	CU_ASSERT_STRING_EQUAL(config.mqtt.client_id, "rebank-north");
	CU_ASSERT_STRING_EQUAL(config.mqtt.prefix, "rebank/v1");
	CU_ASSERT_EQUAL(config.mqtt.keepalive_s, 30);
	free(messages);
}

static void the_manual_has_every_key(void)
{
	char *reference = NULL, *manual;
	size_t size = 0;
	FILE *out = open_memstream(&reference, &size), *file;
	size_t n;

	config_print_keys(out);
	fclose(out);
	file = fopen("docs/configuration.md", "r");
	CU_ASSERT_FATAL(file != NULL);
	manual = calloc(1, 1 << 20);
	n = fread(manual, 1, (1 << 20) - 1, file);
	fclose(file);
	CU_ASSERT(n > size);
	/* When this fails: `test_config keys` prints what belongs there. */
	CU_ASSERT_PTR_NOT_NULL(strstr(manual, reference));
	free(reference);
	free(manual);
}

int main(int argc, char **argv)
{
	CU_pSuite suite;
	unsigned failures;

	if (argc > 1 && strcmp(argv[1], "keys") == 0) {
		config_print_keys(stdout);
		return 0;
	}
	if (argc > 1 && chdir(argv[1]) != 0) {
		perror(argv[1]);
		return 1;
	}
	CU_initialize_registry();
	suite = CU_add_suite("config", NULL, NULL);
#define TEST(name) CU_add_test(suite, #name, name)
	TEST(good_files_load_without_a_mistake);
	TEST(bad_files_give_exactly_their_messages);
	TEST(demo_is_the_bank_that_was_asked_for);
	TEST(local_is_the_first_source_and_may_everything);
	TEST(values_reach_the_struct_in_its_units);
	TEST(what_follows_from_other_keys_is_filled_in);
	TEST(what_is_printed_loads_again_as_the_same_site);
	TEST(digest_shows_a_change_of_one_value);
	TEST(layers_are_printed_for_every_pack);
	TEST(what_a_profile_was_not_verified_to_say_is_printed_with_the_site);
	TEST(a_missing_file_is_minus_one_and_named);
	TEST(a_directory_is_a_mistake_and_no_crash);
	TEST(the_broker_can_be_replaced_under_the_same_rules);
	TEST(a_site_without_broker_can_be_given_one);
	TEST(the_manual_has_every_key);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	printf("config: %d passed, %d failed\n", passed, failed);
	return failures > 0;
}
