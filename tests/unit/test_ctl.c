/* Quantities as people type them on rebankctl's command line, and mistakes in scenario files. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/scenario.h"

static double power(const char *text)
{
	double power_w = -1.0;

	return ctl_parse_power(text, &power_w) ? power_w : (double)NAN;
}

static double duration(const char *text)
{
	double duration_s = -1.0;

	return ctl_parse_duration(text, &duration_s) ? duration_s : (double)NAN;
}

static double ramp(const char *text)
{
	double ramp_w_s = -1.0;

	return ctl_parse_ramp(text, &ramp_w_s) ? ramp_w_s : (double)NAN;
}

static void powers_carry_their_unit(void)
{
	CU_ASSERT_DOUBLE_EQUAL(power("5kW"), 5000.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("800W"), 800.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("0.3 MW"), 300000.0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(power("2.5kw"), 2500.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("0W"), 0.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(power("1e1kW"), 10000.0, 0.0);
}

static void a_power_without_a_unit_is_refused(void)
{
	CU_ASSERT(isnan(power("5000")));
	CU_ASSERT(isnan(power("5k")));
}

static void milliwatts_are_refused_as_a_slip_of_megawatts(void)
{
	CU_ASSERT(isnan(power("5mW")));
}

static void what_is_no_power_is_refused(void)
{
	static const char *const words[] = {"",        "W",     "-5kW",   "+5kW", "nanW",
					    "infW",    "0x10W", "1e999W", "5kWh", "5 kW 3",
					    "five kW", ".5kW",  " 5kW",   "5,5kW"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		double value = 7.0;

		CU_ASSERT_FALSE(ctl_parse_power(words[i], &value));
		CU_ASSERT_EQUAL(value, 7.0);
	}
}

static void durations_default_to_seconds(void)
{
	CU_ASSERT_DOUBLE_EQUAL(duration("60"), 60.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(duration("90s"), 90.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(duration("15min"), 900.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(duration("1h"), 3600.0, 0.0);
	CU_ASSERT(isnan(duration("15m")));
	CU_ASSERT(isnan(duration("-60")));
}

static void ramps_are_power_per_second(void)
{
	CU_ASSERT_DOUBLE_EQUAL(ramp("500W/s"), 500.0, 0.0);
	CU_ASSERT_DOUBLE_EQUAL(ramp("2kW/s"), 2000.0, 0.0);
	CU_ASSERT(isnan(ramp("500")));
	CU_ASSERT(isnan(ramp("500W")));
}

static char scenario_path[] = "/tmp/rebank-test-XXXXXX";

/* What scenario_load says about this text; "" when it loads. To be freed. */
static char *mistakes_in(const char *text)
{
	char *said = NULL;
	size_t size;
	FILE *file = fopen(scenario_path, "w"), *errors = open_memstream(&said, &size);
	struct scenario *scenario;

	if (!file || !errors)
		abort();
	fputs(text, file);
	fclose(file);
	scenario = scenario_load(scenario_path, errors);
	fclose(errors);
	CU_ASSERT_EQUAL(scenario == NULL, said[0] != '\0');
	scenario_free(scenario);
	return said;
}

static void expect_said(const char *text, const char *wanted)
{
	char *said = mistakes_in(text);

	if (!strstr(said, wanted))
		fprintf(stderr, "wanted \"%s\" in:\n%s", wanted, said);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, wanted));
	free(said);
}

static void beginning(char *text, size_t size, const char *rest)
{
	char dir[512];

	if (!getcwd(dir, sizeof(dir)))
		abort();
	snprintf(text, size,
		 "site = \"%s/tests/scenario/sites/one.conf\";\n"
		 "profiles = \"%s/config/packs\";\nminutes = 1.0;\n%s",
		 dir, dir, rest);
}

static void a_scenario_without_a_site_is_refused(void)
{
	expect_said("minutes = 1.0;\n", "a scenario needs site");
}

static void a_scenario_without_a_length_is_refused(void)
{
	expect_said("site = \"nowhere.conf\";\n", "minutes or hours");
}

static void every_mistake_of_a_scenario_is_reported_with_its_line(void)
{
	static const struct {
		const char *rest, *wanted;
	} rows[] = {
		{"colour = 3;", ":4: scenario: unknown key \"colour\""},
		{"events = ( { at_s = 1.0; fault = \"rust\"; } );",
		 ":4: events[0]: no fault \"rust\""},
		{"events = ( { fault = \"weld\"; } );", "events[0]: an event needs at_s"},
		{"events = ( { at_s = 1.0; fault = \"weld\"; pack = \"x\"; } );", "no pack \"x\""},
		{"events = ( { at_s = 1.0; fault = \"weld\"; pole = \"south\"; } );",
		 "no pole \"south\""},
		{"events = ( { at_s = 5.0; until_s = 4.0; fault = \"estop\"; } );",
		 "until_s must be later"},
		{"events = ( { at_s = 1.0; setpoint_w = 5.0; } );", "needs valid_s"},
		{"events = ( { at_s = 1.0; setpoint_w = 5.0; valid_s = 9.0; source = \"x\"; } );",
		 "no source \"x\""},
		{"events = ( { at_s = 1.0; command = \"dance\"; } );", "no command \"dance\""},
		{"events = ( { at_s = 1.0; command = \"disable\"; } );", "disable needs a pack"},
		{"events = ( { at_s = 1.0; dispatch = \"moon\"; power_w = 1.0; } );",
		 "no dispatch \"moon\""},
		{"events = ( { at_s = 1.0; } );", "an event needs one of"},
		{"events = { at_s = 1.0; };", "events must be a list"},
		{"expect = ( { by_s = 9.0; } );", "expect[0]: an expectation needs a condition"},
		{"expect = ( { pack_state = \"closed\"; } );", "pack_state needs a pack"},
		{"expect = ( { bank_state = \"asleep\"; } );", "bank_state cannot be \"asleep\""},
		{"expect = ( { event = \"boredom\"; } );", "no reason \"boredom\""},
		{"expect = ( { ack = \"accepted\"; } );", "ack needs the id of a command"},
		{"expect = ( { by_s = 99.0; trips = 0; } );", "is not inside the run of 60 s"},
		{"expect = ( { at_s = 9.0; event = \"estop\"; } );", "judged over a time"},
		{"expect = ( { trips = 0; tolerance = 1.0; } );", "trips has no tolerance"},
		{"expect = ( { trips = \"none\"; } );", "trips must be a number"},
		{"expect = ( { trips = 0; pcs_enable = true; } );",
		 "in one expectation: write two"},
		{"simulation = { weather = 3; };", "weather"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[2048];

		beginning(text, sizeof(text), rows[i].rest);
		expect_said(text, rows[i].wanted);
	}
}

static void a_good_scenario_loads_without_a_word(void)
{
	char text[2048], *said;

	beginning(text, sizeof(text),
		  "events = ( { at_s = 1; setpoint_w = 500; valid_s = 9; } );\n"
		  "expect = ( { always = true; trips = 0; } );\n");
	said = mistakes_in(text);
	CU_ASSERT_STRING_EQUAL(said, "");
	free(said);
}

static void the_checker_and_the_expectations_say_when_something_does_not_hold(void)
{
	struct scenario_options options = {.hours = NAN};
	struct scenario *scenario;
	json_t *result = NULL;
	char text[2048];

	beginning(text, sizeof(text),
		  "expect = ( { by_s = 50; packs_connected_min = 2; },"
		  " { by_s = 50; packs_connected_min = 1; } );\n");
	free(mistakes_in(text));
	scenario = scenario_load(scenario_path, stderr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
	CU_ASSERT(scenario_run(scenario, &options, stderr, &result) >= 1);
	CU_ASSERT(json_is_false(json_object_get(
		json_array_get(json_object_get(result, "expectations"), 0), "held")));
	CU_ASSERT(json_is_true(json_object_get(
		json_array_get(json_object_get(result, "expectations"), 1), "held")));
	json_decref(result);
	scenario_free(scenario);
}

int main(void)
{
	CU_pSuite suite;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite("ctl", NULL, NULL);
	CU_ADD_TEST(suite, powers_carry_their_unit);
	CU_ADD_TEST(suite, a_power_without_a_unit_is_refused);
	CU_ADD_TEST(suite, milliwatts_are_refused_as_a_slip_of_megawatts);
	CU_ADD_TEST(suite, what_is_no_power_is_refused);
	CU_ADD_TEST(suite, durations_default_to_seconds);
	CU_ADD_TEST(suite, ramps_are_power_per_second);
	CU_ADD_TEST(suite, a_scenario_without_a_site_is_refused);
	CU_ADD_TEST(suite, a_scenario_without_a_length_is_refused);
	CU_ADD_TEST(suite, every_mistake_of_a_scenario_is_reported_with_its_line);
	CU_ADD_TEST(suite, a_good_scenario_loads_without_a_word);
	CU_ADD_TEST(suite, the_checker_and_the_expectations_say_when_something_does_not_hold);
	close(mkstemp(scenario_path));
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	unlink(scenario_path);
	return failures != 0;
}
