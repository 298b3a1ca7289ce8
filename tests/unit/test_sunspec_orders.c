/* What a SunSpec converter of models 123 and 124 is told, what it keeps of it, and what it refuses.
 */
#include <CUnit/Basic.h>

#include "drivers/pcs/sunspec_pcs.h"
#include "tests/unit/modbus_device.h"

enum {
	AT_103 = 40070,
	AT_120 = AT_103 + 52,
	AT_123 = AT_120 + 28,
	AT_124 = AT_123 + 26,
	AT_END = AT_124 + 26,
	CONN = AT_123 + 4,
	PCT = AT_123 + 5,
	ENA = AT_123 + 9,
	MODE = AT_124 + 5,
	OUT_RATE = AT_124 + 12,
	IN_RATE = AT_124 + 13,
};

static struct fake_device fake;
static struct pcs_link link;
static struct pcs_command command;
static struct modbus_device device;
static int64_t now_ms;
static void *pcs;

static void control_tick(int64_t at_ms)
{
	command.at_ms = at_ms;
	cell_put(link.command, &command);
}

static void go(int64_t for_ms)
{
	now_ms = fake_serve(&fake, &device, now_ms, for_ms, control_tick);
}

static void model_put(unsigned at, uint16_t id, uint16_t length, uint16_t fill)
{
	fake_put(&fake, at, id);
	fake_put(&fake, at + 1, length);
	for (unsigned r = 0; r < length; r++)
		fake_put(&fake, at + 2 + r, fill);
}

/* 10 kW; with storage control, 8 kW of charge. Percent in hundredths. */
static void device_put(bool storage)
{
	unsigned end = storage ? AT_END : AT_124;

	memset(&fake, 0, sizeof fake);
	fake_put(&fake, 40000, 0x5375);
	fake_put(&fake, 40001, 0x6e53);
	model_put(40002, 1, 66, 0);
	model_put(AT_103, 103, 50, 0);
	model_put(AT_120, 120, 26, 0);
	model_put(AT_123, 123, 24, 0);
	fake.value[AT_103 + 38] = 1; /* off */
	fake.value[AT_120 + 3] = 10000;
	fake.value[AT_123 + 23] = 0xfffe;
	if (storage) {
		model_put(AT_124, 124, 24, 0);
		fake.value[AT_124 + 2] = 8000;
		fake.value[AT_124 + 25] = 0xfffe;
	}
	fake_put(&fake, end, 0xffff);
	fake_put(&fake, end + 1, 0);
}

static void serve(bool storage)
{
	const struct pcs_setup setup = {.unit = 1, .timeout_ms = 200, .poll_ms = 500};

	device_put(storage);
	CU_ASSERT_FATAL(pcs_link_open(&link));
	command = (struct pcs_command){0};
	pcs = pcs_sunspec.make(&setup, &link);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pcs);
	device = modbus_device_of(&pcs_sunspec.device, pcs, setup.unit, setup.timeout_ms);
	device.connected(pcs, 1000);
	now_ms = 1000;
	go(2000);
}

static void end(void)
{
	pcs_sunspec.free(pcs);
	pcs_link_close(&link);
}

/* It forgets one register; within two seconds that is seen, and the order written anew. */
static void is_mended(unsigned at, uint16_t spoilt)
{
	uint16_t before = fake.value[at];

	CU_ASSERT_NOT_EQUAL(before, spoilt);
	fake.value[at] = spoilt;
	go(2000);
	CU_ASSERT_EQUAL(fake.value[at], before);
}

static void a_limit_that_is_lost_is_written_again(void)
{
	unsigned writes;

	serve(false);
	CU_ASSERT_EQUAL(fake.value[ENA], 1);
	is_mended(ENA, 0);
	command = (struct pcs_command){.run = true, .p_w = 2500.0};
	fake.value[AT_103 + 38] = 4; /* running */
	go(200);
	CU_ASSERT_EQUAL(fake.value[PCT], 2500);
	is_mended(ENA, 0);
	is_mended(PCT, 10000);
	writes = fake.writes;
	go(1900); /* while it holds, nothing is repeated */
	CU_ASSERT_EQUAL(fake.writes, writes);
	end();
}

static void a_storage_rate_that_is_lost_is_written_again(void)
{
	serve(true);
	command = (struct pcs_command){.run = true, .p_w = -4000.0};
	go(200);
	CU_ASSERT_EQUAL((int16_t)fake.value[OUT_RATE], -5000);
	CU_ASSERT_EQUAL(fake.value[IN_RATE], 5000);
	is_mended(IN_RATE, 10000);
	is_mended(OUT_RATE, 0);
	is_mended(MODE, 0);
	end();
}

static void what_does_not_steer_it_is_not_judged(void)
{
	unsigned writes;

	serve(true); /* by 124: the limit of 123 is not ours */
	fake.value[ENA] = 1;
	fake.value[PCT] = 7000;
	writes = fake.writes;
	go(1900);
	CU_ASSERT_EQUAL(fake.writes, writes);
	CU_ASSERT_EQUAL(fake.value[PCT], 7000);
	end();
}

static void a_refused_zero_does_not_keep_off_waiting(void)
{
	serve(false);
	command = (struct pcs_command){.run = true, .p_w = 2500.0};
	go(200);
	CU_ASSERT_EQUAL(fake.value[CONN], 1);
	fake.value[AT_103 + 38] = 4; /* running */
	fake.refuses[ENA] = 1;
	command = (struct pcs_command){0};
	go(500);
	CU_ASSERT_EQUAL(fake.value[PCT], 2500);
	CU_ASSERT_EQUAL(fake.value[CONN], 0);
	fake.value[CONN] = 1; /* it comes back, and says that it runs */
	go(3500);
	CU_ASSERT_EQUAL(fake.value[CONN], 0);
	fake.refuses[ENA] = 0;
	go(500);
	CU_ASSERT_EQUAL(fake.value[PCT], 0);
	end();
}

static void when_both_are_refused_they_take_turns(void)
{
	serve(false);
	command = (struct pcs_command){.run = true, .p_w = 2500.0};
	go(200);
	fake.refuses[ENA] = fake.refuses[CONN] = 1;
	command = (struct pcs_command){0};
	go(1000);
	fake.refuses[ENA] = 0;
	go(500);
	CU_ASSERT_EQUAL(fake.value[PCT], 0);
	fake.refuses[CONN] = 0;
	go(500);
	CU_ASSERT_EQUAL(fake.value[CONN], 0);
	end();
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("sunspec orders", NULL, NULL);
	CU_ADD_TEST(suite, a_limit_that_is_lost_is_written_again);
	CU_ADD_TEST(suite, a_storage_rate_that_is_lost_is_written_again);
	CU_ADD_TEST(suite, what_does_not_steer_it_is_not_judged);
	CU_ADD_TEST(suite, a_refused_zero_does_not_keep_off_waiting);
	CU_ADD_TEST(suite, when_both_are_refused_they_take_turns);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
