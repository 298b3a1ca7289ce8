/* The lines of the board: how they are named, found, taken, driven and read. */
#include <CUnit/Basic.h>
#include <poll.h>
#include <sys/stat.h>

#include "drivers/gpio/lines.h"
#include "drivers/gpio/persist.h"
#include "fake_gpio.h"

enum { NEGATIVE = 17, POSITIVE = 27, ENABLE = 18, HEARTBEAT = 26, ESTOP = 6, AUX = 5 };

static struct gpio_setup setup;
static struct gpio_trouble trouble;
static struct driver driver;
static struct bank_inputs in;
static struct bank_outputs out;

static void wire(enum gpio_role role, unsigned index, const char *text)
{
	struct gpio_use *use = &setup.use[setup.n_uses++];

	*use = (struct gpio_use){.role = role, .index = index};
	snprintf(use->name, sizeof use->name, "line-%u", setup.n_uses - 1);
	CU_ASSERT_PTR_NULL(gpio_wire_parse(text, &use->wire));
}

static void site(void)
{
	fake_init();
	memset(&setup, 0, sizeof setup);
	memset(&out, 0, sizeof out);
	in = (struct bank_inputs){.now_ms = 1000};
	setup.n_packs = 1;
	setup.supply_ok_v = 23.0;
	setup.imd_response_ohm = 100e3;
	wire(GPIO_COIL, POLE_NEGATIVE, "/fake/bank:GPIO17");
	wire(GPIO_COIL, POLE_POSITIVE, "/fake/bank:GPIO27");
	wire(GPIO_PCS_ENABLE, 0, "/fake/bank:GPIO18");
	wire(GPIO_HEARTBEAT, 0, "/fake/bank:GPIO26");
	wire(GPIO_INPUT, INPUT_ESTOP, "/fake/bank:GPIO6");
	wire(GPIO_FEEDBACK, POLE_NEGATIVE, "/fake/bank:GPIO5,pull-up");
}

static bool level(unsigned offset)
{
	return fake_chip[0].line[offset].level;
}

static void open_site(void)
{
	CU_ASSERT_TRUE_FATAL(gpio_lines_open(&driver, &setup, &trouble));
}

static void gather_at(int64_t now_ms)
{
	in.now_ms = now_ms;
	driver.gather(driver.self, &in);
}

static void apply(void)
{
	driver.apply(driver.self, in.now_ms, &out);
}

/* ---- names ------------------------------------------------------------------------------- */

static void a_line_is_chip_name_and_options(void)
{
	struct gpio_wire w;

	CU_ASSERT_PTR_NULL(gpio_wire_parse("GPIO17", &w));
	CU_ASSERT_STRING_EQUAL(w.chip, "");
	CU_ASSERT_STRING_EQUAL(w.line, "GPIO17");
	CU_ASSERT(!w.active_low && !w.bias_given && w.bias == GPIO_BIAS_PULL_DOWN);
	CU_ASSERT_PTR_NULL(gpio_wire_parse("INT34C5:00:3,active-low", &w));
	CU_ASSERT_STRING_EQUAL(w.chip, "INT34C5:00");
	CU_ASSERT_STRING_EQUAL(w.line, "3");
	CU_ASSERT(w.active_low && w.bias == GPIO_BIAS_PULL_UP);
	CU_ASSERT_PTR_NULL(gpio_wire_parse("/dev/relays:x,open-drain,active-low", &w));
	CU_ASSERT_EQUAL(w.drive, GPIO_OPEN_DRAIN);
}

static void what_is_no_line_is_refused(void)
{
	static const char *const bad[] = {"",
					  ":x",
					  "x:",
					  "a b",
					  "x,",
					  "x,pull-sideways",
					  "x,pull-up,no-pull",
					  "x,active-low,active-low",
					  "gpiochip0:3",
					  "/dev/gpiochip4:GPIO2",
					  "chip:a-line-name-that-is-longer-than-31"};
	struct gpio_wire w;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT_PTR_NOT_NULL(gpio_wire_parse(bad[i], &w));
}

static void name_and_offset_of_one_line_are_the_same_line(void)
{
	struct gpio_wire a, b;

	gpio_wire_parse("chip:GPIO7", &a);
	gpio_wire_parse("chip:7,pull-up", &b);
	CU_ASSERT_TRUE(gpio_wire_same(&a, &b));
	gpio_wire_parse("chip:GPIO007", &b);
	CU_ASSERT_TRUE(gpio_wire_same(&a, &b));
	gpio_wire_parse("other:7", &b);
	CU_ASSERT_FALSE(gpio_wire_same(&a, &b));
	gpio_wire_parse("chip:GPIO71", &b);
	CU_ASSERT_FALSE(gpio_wire_same(&a, &b));
}

/* ---- start ------------------------------------------------------------------------------- */

static void every_output_starts_inactive(void)
{
	site();
	wire(GPIO_ALARM_RELAY, 0, "/fake/bank:GPIO3,active-low");
	/* Inputs that are pulled up: nobody drives them. */
	fake_chip[0].line[ENABLE].level = fake_chip[0].line[NEGATIVE].level = true;
	open_site();
	CU_ASSERT(!level(NEGATIVE) && !level(POSITIVE) && !level(ENABLE) && !level(HEARTBEAT));
	CU_ASSERT_TRUE(level(3));
	CU_ASSERT_TRUE(fake_chip[0].line[NEGATIVE].output && !fake_chip[0].line[ESTOP].output);
	CU_ASSERT_EQUAL(fake_chip[0].line[AUX].bias, GPIO_BIAS_PULL_UP);
	CU_ASSERT_EQUAL(fake_chip[0].line[ESTOP].bias, GPIO_BIAS_PULL_DOWN);
	gather_at(1000);
	CU_ASSERT_EQUAL(in.found_driven, 0);
	driver.close(driver.self);
}

static void found_driven(void)
{
	static const unsigned lines[] = {NEGATIVE, POSITIVE, ENABLE};

	for (unsigned i = 0; i < 3; i++)
		fake_chip[0].line[lines[i]].output = fake_chip[0].line[lines[i]].level = true;
}

static void coils_found_driven_drop_after_the_enable_and_are_told_once(void)
{
	site();
	found_driven();
	open_site();
	CU_ASSERT_STRING_EQUAL(fake_log, "18=0 | 17=0 27=0 | ");
	CU_ASSERT_TRUE(fake_chip[0].writes >= 2);
	gather_at(1000);
	CU_ASSERT_EQUAL(in.found_driven, 1);
	CU_ASSERT_EQUAL(in.contacts[0].readback[POLE_NEGATIVE], CONTACT_OPEN);
	gather_at(1100);
	CU_ASSERT_EQUAL(in.found_driven, 0);
	driver.close(driver.self);
}

static void a_held_line_is_named_with_its_holder_and_nothing_is_touched(void)
{
	site();
	found_driven();
	snprintf(fake_chip[0].line[POSITIVE].holder, GPIO_NAME_SIZE, "another");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
	CU_ASSERT_EQUAL(trouble.kind, GPIO_TROUBLE_BUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(trouble.text, "another"));
	CU_ASSERT_PTR_NOT_NULL(strstr(trouble.text, "GPIO27"));
	CU_ASSERT(level(NEGATIVE) && level(POSITIVE) && level(ENABLE));
	CU_ASSERT_STRING_EQUAL(fake_chip[0].line[NEGATIVE].holder, "");
	site();
	snprintf(fake_chip[0].line[ESTOP].holder, GPIO_NAME_SIZE, "another");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
	CU_ASSERT_EQUAL(trouble.kind, GPIO_TROUBLE_BUSY);
}

static void one_line_under_two_names_is_refused(void)
{
	site();
	snprintf(fake_chip[0].line[40].name, GPIO_NAME_SIZE, "RELAY_A");
	wire(GPIO_FAN, 0, "/fake/bank:RELAY_A");
	wire(GPIO_FIRE_RELAY, 0, "/fake/bank:40");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
	CU_ASSERT_EQUAL(trouble.kind, GPIO_TROUBLE_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(trouble.text, "RELAY_A"));
}

static void a_line_or_chip_that_is_missing_is_named(void)
{
	site();
	wire(GPIO_FAN, 0, "/fake/bank:NOPE");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
	CU_ASSERT_EQUAL(trouble.kind, GPIO_TROUBLE_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(trouble.text, "NOPE"));
	site();
	wire(GPIO_FAN, 0, "/fake/none:3");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
	CU_ASSERT_EQUAL(trouble.kind, GPIO_TROUBLE_SYSTEM);
	site();
	wire(GPIO_FAN, 0, "/fake/bank:80");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
	site();
	snprintf(fake_chip[0].line[40].name, GPIO_NAME_SIZE, "TWIN");
	snprintf(fake_chip[0].line[41].name, GPIO_NAME_SIZE, "TWIN");
	wire(GPIO_FAN, 0, "/fake/bank:TWIN");
	CU_ASSERT_FALSE(gpio_lines_open(&driver, &setup, &trouble));
}

/* ---- running ----------------------------------------------------------------------------- */

static void outputs_follow_in_one_write_and_only_when_they_change(void)
{
	unsigned before;

	site();
	open_site();
	before = fake_chip[0].writes;
	out.pack[0].coil[POLE_NEGATIVE] = out.pack[0].coil[POLE_POSITIVE] = true;
	out.pcs_enable = true;
	apply();
	CU_ASSERT(level(NEGATIVE) && level(POSITIVE) && level(ENABLE));
	CU_ASSERT_EQUAL(fake_chip[0].writes - before, 1);
	apply();
	CU_ASSERT_EQUAL(fake_chip[0].writes - before, 1);
	memset(&out, 0, sizeof out);
	apply();
	CU_ASSERT(!level(NEGATIVE) && !level(POSITIVE) && !level(ENABLE));
	driver.close(driver.self);
}

static void the_enable_of_another_chip_is_written_before_the_coils(void)
{
	site();
	setup.use[2].wire = setup.use[0].wire;
	gpio_wire_parse("/fake/relays:9", &setup.use[2].wire);
	open_site();
	out.pack[0].coil[POLE_NEGATIVE] = out.pcs_enable = true;
	apply();
	fake_log[0] = '\0';
	memset(&out, 0, sizeof out);
	apply();
	CU_ASSERT_STRING_EQUAL(fake_log, "9=0 | 17=0 | ");
	driver.close(driver.self);
}

static void more_lines_than_a_request_holds_take_two(void)
{
	char text[32];

	site();
	setup.n_uses = 0;
	setup.n_packs = PACK_MAX;
	for (unsigned i = 0; i < FAKE_LINES; i++) {
		snprintf(text, sizeof text, "/fake/relays:%u", i);
		wire(GPIO_COIL, i % POLE_COUNT, text);
		setup.use[i].pack = i / POLE_COUNT;
	}
	open_site();
	out.pack[FAKE_LINES / POLE_COUNT].coil[(FAKE_LINES - 1) % POLE_COUNT] = true;
	apply();
	CU_ASSERT_TRUE(fake_chip[1].line[FAKE_LINES - 1].level);
	CU_ASSERT_FALSE(fake_chip[1].line[FAKE_LINES - 2].level);
	driver.close(driver.self);
}

static void the_heartbeat_toggles_when_permitted_and_stands_when_not(void)
{
	site();
	open_site();
	out.heartbeat = true;
	apply();
	CU_ASSERT_TRUE(level(HEARTBEAT));
	apply();
	CU_ASSERT_FALSE(level(HEARTBEAT));
	out.heartbeat = false;
	apply();
	apply();
	CU_ASSERT_FALSE(level(HEARTBEAT));
	driver.close(driver.self);
}

static void a_chip_that_went_is_gone_and_gives_no_heartbeat(void)
{
	site();
	setup.use[3].wire = setup.use[0].wire;
	gpio_wire_parse("/fake/relays:9", &setup.use[3].wire); /* the heartbeat is elsewhere */
	open_site();
	fake_chip[0].line[ESTOP].level = true;
	gather_at(1000);
	CU_ASSERT_EQUAL(in.gpio, GPIO_OK);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_OK);
	fake_chip[0].gone = true;
	gather_at(1100);
	CU_ASSERT_EQUAL(in.gpio, GPIO_GONE);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_UNKNOWN);
	CU_ASSERT_EQUAL(in.contacts[0].readback[POLE_NEGATIVE], CONTACT_UNKNOWN);
	CU_ASSERT_EQUAL(in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_UNKNOWN);
	out.pack[0].coil[POLE_NEGATIVE] = true;
	apply();
	out.heartbeat = true;
	for (int i = 0; i < 3; i++) {
		apply();
		CU_ASSERT_FALSE(fake_chip[1].line[9].level);
	}
	driver.close(driver.self);
}

static void an_enable_that_does_not_follow_counts_as_gone(void)
{
	site();
	open_site();
	out.pcs_enable = true;
	apply();
	gather_at(1000);
	fake_chip[0].line[ENABLE].stuck = true;
	out.pcs_enable = false;
	apply();
	gather_at(1100);
	CU_ASSERT_EQUAL(in.gpio, GPIO_OK);
	gather_at(1299);
	CU_ASSERT_EQUAL(in.gpio, GPIO_OK);
	gather_at(1300);
	CU_ASSERT_EQUAL(in.gpio, GPIO_GONE);
	driver.close(driver.self);
}

/* ---- inputs ------------------------------------------------------------------------------ */

static void a_lost_wire_reads_tripped_and_a_mirror_contact_closed(void)
{
	site();
	wire(GPIO_INPUT, INPUT_SMOKE, "/fake/bank:GPIO7,active-low");
	open_site();
	fake_chip[0].line[7].level = true; /* its pull-up */
	fake_chip[0].line[AUX].level = true;
	gather_at(1000);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(in.input[INPUT_SMOKE].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(in.contacts[0].feedback[POLE_POSITIVE], CONTACT_UNKNOWN);
	driver.close(driver.self);
}

static bool edge_waits(void)
{
	struct pollfd fd = {.fd = driver.urgent_fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void an_edge_wakes_and_carries_the_kernels_stamp(void)
{
	site();
	fake_chip[0].line[ESTOP].level = true;
	open_site();
	gather_at(1000);
	CU_ASSERT_FALSE(edge_waits());
	fake_input(0, ESTOP, false, 1042);
	CU_ASSERT_TRUE(edge_waits());
	CU_ASSERT_TRUE(driver.urgent(driver.self, 1043));
	gather_at(1043);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].edge_ms, 1042);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].stamp_ms, 1043);
	CU_ASSERT_FALSE(edge_waits());
	driver.close(driver.self);
}

static void an_auxiliary_contact_carries_the_stamp_of_its_edge(void)
{
	enum { CONTACT = 5 };

	site();
	open_site();
	gather_at(1000);
	CU_ASSERT_EQUAL(in.contacts[0].edge_ms[POLE_NEGATIVE], 0);
	fake_input(0, CONTACT, true, 1040);
	CU_ASSERT_TRUE(driver.urgent(driver.self, 1041));
	gather_at(1041);
	CU_ASSERT_EQUAL(in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(in.contacts[0].edge_ms[POLE_NEGATIVE], 1040);
	gather_at(1100);
	CU_ASSERT_EQUAL(in.contacts[0].edge_ms[POLE_NEGATIVE], 1040);
	CU_ASSERT_EQUAL(in.contacts[0].edge_ms[POLE_POSITIVE], 0);
	driver.close(driver.self);
}

static void a_press_that_was_over_at_once_is_shown_once(void)
{
	site();
	fake_chip[0].line[ESTOP].level = true;
	open_site();
	gather_at(1000);
	fake_input(0, ESTOP, false, 1040);
	fake_input(0, ESTOP, true, 1041);
	gather_at(1050);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	gather_at(1100);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_OK);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].edge_ms, 1100);
	driver.close(driver.self);
}

static void a_level_that_changed_without_an_edge_is_seen_by_read_back(void)
{
	site();
	fake_chip[0].line[ESTOP].level = true;
	open_site();
	gather_at(1000);
	fake_chip[0].line[ESTOP].level = false;
	gather_at(1100);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(in.input[INPUT_ESTOP].edge_ms, 1100);
	driver.close(driver.self);
}

static void a_supply_line_reads_its_threshold_or_nothing(void)
{
	site();
	wire(GPIO_SUPPLY, 0, "/fake/bank:GPIO12");
	open_site();
	fake_chip[0].line[12].level = true;
	gather_at(1000);
	CU_ASSERT_EQUAL(in.supply_v, 23.0);
	CU_ASSERT_EQUAL(in.supply_ms, 1000);
	fake_chip[0].line[12].level = false;
	gather_at(1100);
	CU_ASSERT_EQUAL(in.supply_v, 0.0);
	driver.close(driver.self);
}

static void a_pack_without_lines_is_left_to_its_own_driver(void)
{
	site();
	setup.n_packs = 2;
	open_site();
	in.contacts[1].feedback[POLE_POSITIVE] = CONTACT_CLOSED;
	in.contacts[1].stamp_ms = 7;
	gather_at(1000);
	CU_ASSERT_EQUAL(in.contacts[1].feedback[POLE_POSITIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(in.contacts[1].stamp_ms, 7);
	CU_ASSERT_EQUAL(in.contacts[0].stamp_ms, 1000);
	driver.close(driver.self);
}

/* ---- safe -------------------------------------------------------------------------------- */

static void what_is_free_is_made_inactive_though_a_line_is_held(void)
{
	struct gpio_board *board;

	site();
	found_driven();
	snprintf(fake_chip[0].line[POSITIVE].holder, GPIO_NAME_SIZE, "another");
	board = gpio_board_find(setup.use, 4, &trouble);
	CU_ASSERT_PTR_NOT_NULL_FATAL(board);
	CU_ASSERT_TRUE(gpio_board_take(board, "safe", true, &trouble));
	CU_ASSERT_TRUE(gpio_board_settle(board, 1));
	CU_ASSERT_STRING_EQUAL(fake_log, "18=0 | 17=0 | ");
	CU_ASSERT(gpio_board_has(board, 0) && !gpio_board_has(board, 1));
	CU_ASSERT_TRUE(level(POSITIVE));
	gpio_board_close(board);
}

/* ---- persistence ------------------------------------------------------------------------- */

static void file_put(const char *directory, const char *name, const char *text)
{
	char path[256], made[512];
	FILE *file;

	snprintf(path, sizeof path, "mkdir -p %s", directory);
	CU_ASSERT_EQUAL(system(path), 0);
	snprintf(made, sizeof made, "%s/%s", directory, name);
	file = fopen(made, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void outputs_that_outlive_the_process_are_noticed_on_the_chips_that_carry_them(void)
{
	char root[] = "/tmp/rebank-sysfs-XXXXXX", at[128], module[64], command[400];
	struct gpio_board *board;

	site();
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	board = gpio_board_find(setup.use, setup.n_uses, &trouble);
	CU_ASSERT_FALSE(gpio_outputs_persist(board, root, module, sizeof module));
	snprintf(at, sizeof at, "%s/module/pinctrl_x/parameters", root);
	file_put(at, "persist_gpio_outputs", "N\n");
	CU_ASSERT_FALSE(gpio_outputs_persist(board, root, module, sizeof module));
	file_put(at, "persist_gpio_outputs", "Y\n");
	CU_ASSERT_TRUE(gpio_outputs_persist(board, root, module, sizeof module));
	CU_ASSERT_STRING_EQUAL(module, "pinctrl_x");
	/* The chip is known to be of another driver, by its name or by its module. */
	snprintf(command, sizeof command,
		 "cd %s && mkdir -p bus/gpio/devices devices/a/gpiochip0 drivers/pinctrl-y && "
		 "ln -s ../../drivers/pinctrl-y devices/a/driver && "
		 "ln -s ../../../devices/a/gpiochip0 bus/gpio/devices/gpiochip0",
		 root);
	CU_ASSERT_EQUAL(system(command), 0);
	CU_ASSERT_TRUE(gpio_outputs_persist(board, root, module, sizeof module));
	snprintf(at, sizeof at, "%s/module/pinctrl_y/parameters", root);
	file_put(at, "other", "1\n");
	CU_ASSERT_FALSE(gpio_outputs_persist(board, root, module, sizeof module));
	file_put(at, "persist_gpio_outputs", "1\n");
	CU_ASSERT_TRUE(gpio_outputs_persist(board, root, module, sizeof module));
	CU_ASSERT_STRING_EQUAL(module, "pinctrl_y");
	snprintf(command, sizeof command,
		 "cd %s && mkdir -p module/z && ln -s ../../module/z drivers/pinctrl-y/module",
		 root);
	CU_ASSERT_EQUAL(system(command), 0);
	CU_ASSERT_FALSE(gpio_outputs_persist(board, root, module, sizeof module));
	gpio_board_close(board);
	snprintf(command, sizeof command, "rm -r %s", root);
	CU_ASSERT_EQUAL(system(command), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(a_line_is_chip_name_and_options),
		T(what_is_no_line_is_refused),
		T(name_and_offset_of_one_line_are_the_same_line),
		T(every_output_starts_inactive),
		T(coils_found_driven_drop_after_the_enable_and_are_told_once),
		T(a_held_line_is_named_with_its_holder_and_nothing_is_touched),
		T(one_line_under_two_names_is_refused),
		T(a_line_or_chip_that_is_missing_is_named),
		T(outputs_follow_in_one_write_and_only_when_they_change),
		T(the_enable_of_another_chip_is_written_before_the_coils),
		T(more_lines_than_a_request_holds_take_two),
		T(the_heartbeat_toggles_when_permitted_and_stands_when_not),
		T(a_chip_that_went_is_gone_and_gives_no_heartbeat),
		T(an_enable_that_does_not_follow_counts_as_gone),
		T(a_lost_wire_reads_tripped_and_a_mirror_contact_closed),
		T(an_edge_wakes_and_carries_the_kernels_stamp),
		T(an_auxiliary_contact_carries_the_stamp_of_its_edge),
		T(a_press_that_was_over_at_once_is_shown_once),
		T(a_level_that_changed_without_an_edge_is_seen_by_read_back),
		T(a_supply_line_reads_its_threshold_or_nothing),
		T(a_pack_without_lines_is_left_to_its_own_driver),
		T(what_is_free_is_made_inactive_though_a_line_is_held),
		T(outputs_that_outlive_the_process_are_noticed_on_the_chips_that_carry_them),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"gpio", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
