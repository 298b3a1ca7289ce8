/* Preflight on two packs of contactors played in memory, wired right and wired wrong. */
#include <CUnit/Basic.h>

#include "ctl/preflight_run.h"
#include "fake_gpio.h"

enum {
	PACKS = 2,
	FIRST_COIL = 10,    /* pack k, pole p: 10 + 3k + p */
	FIRST_CONTACT = 30, /* the same */
	HEARTBEAT = 50,
	ESTOP = 51,
	DOOR = 52,
	FAN = 53,
	FAN_TURNS = 54,
	CLOSE_MS = 25,
	OPEN_MS = 15,
};

/* Contactors and switches behind the lines. */
static struct plant {
	int contact_of[PACKS * POLE_COUNT]; /* the contact that coil moves; -1: none */
	bool inverted[PACKS * POLE_COUNT], welded[PACKS * POLE_COUNT];
	bool closed[PACKS * POLE_COUNT];
	int moving_ms[PACKS * POLE_COUNT];
	bool relay, beat_seen; /* the coil supply hangs on it */
	int relay_ms, since_beat_ms, now_ms, abort_ms;
	bool nobody_presses, fan_stands;
} plant;

static struct config config;
static struct gpio_setup setup;
static struct preflight p;
static char said[8192];

static void wire(enum gpio_role role, unsigned pack, unsigned index, const char *name, int offset)
{
	struct gpio_use *use = &setup.use[setup.n_uses++];

	*use = (struct gpio_use){.role = role, .pack = pack, .index = index};
	snprintf(use->name, sizeof use->name, "%s", name);
	snprintf(use->wire.chip, sizeof use->wire.chip, "/fake/bank");
	snprintf(use->wire.line, sizeof use->wire.line, "%d", offset);
}

static void plant_run(int ms)
{
	struct fake_line *line = fake_chip[0].line;
	bool supplied;

	plant.now_ms += ms;
	plant.since_beat_ms += ms;
	if (line[HEARTBEAT].level != plant.beat_seen)
		plant.since_beat_ms = 0;
	plant.beat_seen = line[HEARTBEAT].level;
	supplied = !plant.relay || plant.since_beat_ms < plant.relay_ms;
	for (int i = 0; i < PACKS * POLE_COUNT; i++) {
		bool driven = line[FIRST_COIL + i].level && supplied;
		int contact = plant.contact_of[i];

		plant.moving_ms[i] = driven == plant.closed[i] ? 0 : plant.moving_ms[i] + ms;
		if (plant.moving_ms[i] >= (driven ? CLOSE_MS : OPEN_MS) && !plant.welded[i])
			plant.closed[i] = driven;
		if (contact >= 0)
			line[FIRST_CONTACT + contact].level = plant.closed[i] != plant.inverted[i];
	}
	line[FAN_TURNS].level = line[FAN].level && !plant.fan_stands;
}

static int64_t now_plant(void *context)
{
	(void)context;
	return plant.now_ms;
}

static bool wait_plant(void *context, int ms)
{
	(void)context;
	plant_run(ms);
	return !plant.abort_ms || plant.now_ms < plant.abort_ms;
}

static void say(void *context, const struct preflight_item *item)
{
	size_t n = strlen(said);

	(void)context;
	snprintf(said + n, sizeof said - n, "%d %s: %s\n", (int)item->verdict, item->what,
		 item->text);
}

static void ask(void *context, const char *text)
{
	(void)context;
	if (!plant.nobody_presses)
		fake_chip[0].line[ESTOP].level = strstr(text, "release") != NULL;
}

static void site(void)
{
	static const char *const names[] = {"negative", "positive", "precharge"};
	char name[64];

	fake_init();
	memset(&plant, 0, sizeof plant);
	memset(&setup, 0, sizeof setup);
	config.site.n_packs = setup.n_packs = PACKS;
	config.site.tick_ms = 100;
	for (unsigned k = 0; k < PACKS; k++) {
		config.site.pack[k].contactors.close_ms = 200;
		config.site.pack[k].contactors.open_ms = 100;
		for (unsigned pole = 0; pole < POLE_COUNT; pole++) {
			int i = (int)(k * POLE_COUNT + pole);

			snprintf(name, sizeof name, "%s of %c", names[pole], 'a' + (int)k);
			wire(GPIO_COIL, k, pole, name, FIRST_COIL + i);
			plant.contact_of[i] = pole == POLE_PRECHARGE ? -1 : i;
			if (pole == POLE_PRECHARGE)
				continue;
			snprintf(name, sizeof name, "feedback_%s of %c", names[pole], 'a' + (int)k);
			wire(GPIO_FEEDBACK, k, pole, name, FIRST_CONTACT + i);
		}
	}
	wire(GPIO_HEARTBEAT, 0, 0, "heartbeat", HEARTBEAT);
	wire(GPIO_INPUT, 0, INPUT_ESTOP, "estop", ESTOP);
	wire(GPIO_INPUT, 0, INPUT_DOOR, "door", DOOR);
	wire(GPIO_FAN, 0, 0, "fan", FAN);
	wire(GPIO_INPUT, 0, INPUT_FAN, "fan_feedback", FAN_TURNS);
	plant.relay = true;
	plant.relay_ms = 500;
	fake_chip[0].line[ESTOP].level = fake_chip[0].line[DOOR].level = true;
}

static bool fly(void)
{
	struct gpio_trouble trouble;
	bool passed;

	said[0] = '\0';
	p = (struct preflight){.config = &config,
			       .setup = &setup,
			       .now_ms = now_plant,
			       .wait = wait_plant,
			       .say = say,
			       .ask = ask};
	plant_run(0);
	p.board = gpio_board_find(setup.use, setup.n_uses, &trouble);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p.board);
	CU_ASSERT_TRUE_FATAL(gpio_board_take(p.board, "preflight", false, &trouble));
	CU_ASSERT_TRUE_FATAL(gpio_board_listen(p.board, "preflight", &trouble));
	CU_ASSERT_TRUE(gpio_board_settle(p.board, 1));
	passed = preflight_run(&p);
	for (unsigned i = 0; i < setup.n_uses; i++)
		if (gpio_role_is_output(setup.use[i].role))
			CU_ASSERT_FALSE(
				fake_chip[0].line[strtoul(setup.use[i].wire.line, NULL, 10)].level);
	gpio_board_close(p.board);
	return passed;
}

static bool says(const char *text)
{
	if (strstr(said, text))
		return true;
	printf("\n    no word of \"%s\" in:\n%s", text, said);
	return false;
}

static void a_site_wired_right_passes_and_times_its_contactors(void)
{
	site();
	CU_ASSERT_TRUE(fly());
	CU_ASSERT(says("2 negative of a: closes in 20 ms, opens in 10 ms"));
	CU_ASSERT(says("1 precharge of b: was pulsed; it has no auxiliary contact"));
	CU_ASSERT(says("2 door: reads healthy"));
	CU_ASSERT(says("2 emergency stop: was seen pressed and released"));
	CU_ASSERT(says("2 heartbeat relay: lets go"));
	CU_ASSERT(says("2 fan: turns"));
	CU_ASSERT_PTR_NULL(strstr(said, "\n0 "));
}

static void feedback_swapped_between_packs_is_named_both_ways(void)
{
	site();
	plant.contact_of[POLE_POSITIVE] = POLE_COUNT + POLE_POSITIVE;
	plant.contact_of[POLE_COUNT + POLE_POSITIVE] = POLE_POSITIVE;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 positive of a: moves feedback_positive of b and not feedback_positive of "
		       "a: coil or feedback is swapped"));
	CU_ASSERT(says("0 positive of b: moves feedback_positive of a"));
	CU_ASSERT(says("2 negative of a: closes"));
}

static void a_coil_without_contact_that_moves_another_is_swapped(void)
{
	site();
	plant.contact_of[POLE_PRECHARGE] = POLE_COUNT + POLE_NEGATIVE;
	plant.contact_of[POLE_COUNT + POLE_NEGATIVE] = -1;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 precharge of a: moves feedback_negative of b, and has no feedback of its "
		       "own"));
	CU_ASSERT(says("0 negative of b: feedback_negative of b did not move"));
}

static void inverted_feedback_is_named(void)
{
	site();
	plant.inverted[POLE_NEGATIVE] = true;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 feedback_negative of a: reads closed with every coil off"));
	CU_ASSERT(
		says("0 negative of a: feedback_negative of a reads open when the coil is driven: "
		     "it is wired inverted"));
}

static void a_welded_contact_is_named(void)
{
	site();
	plant.welded[POLE_NEGATIVE] = plant.closed[POLE_NEGATIVE] = true;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 feedback_negative of a: reads closed with every coil off"));
}

static void a_line_that_does_not_follow_is_named(void)
{
	site();
	fake_chip[0].line[FIRST_COIL + POLE_POSITIVE].stuck = true;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 positive of a: the line does not read as driven"));
}

static void an_open_door_fails_and_a_local_switch_does_not(void)
{
	site();
	wire(GPIO_INPUT, 0, INPUT_REMOTE, "remote", 60);
	fake_chip[0].line[DOOR].level = false;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 door: reads tripped"));
	CU_ASSERT_PTR_NULL(strstr(said, "remote"));
}

static void an_emergency_stop_that_nobody_sees_pressed_fails(void)
{
	site();
	plant.nobody_presses = true;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 emergency stop: was not seen pressed"));
}

static void coils_that_do_not_hang_on_the_heartbeat_fail(void)
{
	site();
	plant.relay = false;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 heartbeat relay: negative of a stays closed"));
	site();
	plant.relay_ms = 150;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 heartbeat relay: lets go"));
}

static void a_fan_that_stands_fails(void)
{
	site();
	plant.fan_stands = true;
	CU_ASSERT_FALSE(fly());
	CU_ASSERT(says("0 fan: does not turn"));
}

static void ended_early_every_output_is_inactive_and_nothing_passed(void)
{
	for (int at_ms = 5; at_ms < 5000; at_ms += 155) {
		site();
		plant.abort_ms = at_ms;
		CU_ASSERT_FALSE(fly());
		CU_ASSERT_TRUE(p.aborted);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(a_site_wired_right_passes_and_times_its_contactors),
		T(feedback_swapped_between_packs_is_named_both_ways),
		T(a_coil_without_contact_that_moves_another_is_swapped),
		T(inverted_feedback_is_named),
		T(a_welded_contact_is_named),
		T(a_line_that_does_not_follow_is_named),
		T(an_open_door_fails_and_a_local_switch_does_not),
		T(an_emergency_stop_that_nobody_sees_pressed_fails),
		T(coils_that_do_not_hang_on_the_heartbeat_fail),
		T(a_fan_that_stands_fails),
		T(ended_early_every_output_is_inactive_and_nothing_passed),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"preflight", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
