/* The SunSpec client without a wire: walking devices as they are, points, what is written. */
#include <CUnit/Basic.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/pcs/sunspec_pcs.h"
#include "tests/unit/modbus_device.h"

static struct fake_device fake;

static void fake_clear(void)
{
	memset(&fake, 0, sizeof fake);
}

/* A chain of models from `base`, all registers "not implemented". The address after it. */
static unsigned chain_put(unsigned base, unsigned n, const uint16_t (*model)[2])
{
	unsigned at = base + 2;

	fake_put(&fake, base, 0x5375);
	fake_put(&fake, base + 1, 0x6e53);
	for (unsigned i = 0; i < n; i++) {
		fake_put(&fake, at, model[i][0]);
		fake_put(&fake, at + 1, model[i][1]);
		for (unsigned r = 0; r < model[i][1]; r++)
			fake_put(&fake, at + 2 + r, 0xffff);
		at += 2 + model[i][1];
	}
	return at;
}

static void end_put(unsigned at)
{
	fake_put(&fake, at, 0xffff);
	fake_put(&fake, at + 1, 0);
}

static struct sunspec_walk walk(void)
{
	struct sunspec_walk walk;

	sunspec_walk_start(&walk);
	for (int i = 0; i < 1000 && walk.state == SUNSPEC_WALKING; i++) {
		struct modbus_request request;
		struct modbus_answer answer;

		sunspec_walk_next(&walk, &request);
		fake_answer(&fake, &request, 1000 + i, &answer);
		sunspec_walk_done(&walk, &answer);
	}
	return walk;
}

static void the_chain_is_found_at_each_base(void)
{
	static const uint16_t models[][2] = {{1, 66}, {701, 153}, {704, 65}};
	static const unsigned bases[] = {40000, 0, 50000};

	for (unsigned b = 0; b < 3; b++) {
		struct sunspec_walk found;

		fake_clear();
		end_put(chain_put(bases[b], 3, models));
		found = walk();
		CU_ASSERT_EQUAL(found.state, SUNSPEC_FOUND);
		CU_ASSERT_EQUAL(found.base, bases[b]);
		CU_ASSERT_EQUAL(found.n, 3);
		CU_ASSERT_FALSE(found.truncated);
		CU_ASSERT_EQUAL(sunspec_walk_find(&found, 704)->address, bases[b] + 2 + 68 + 155);
		CU_ASSERT_PTR_NULL(sunspec_walk_find(&found, 705));
	}
}

static void a_chain_without_an_end_is_taken_as_far_as_it_goes(void)
{
	static const uint16_t models[][2] = {{1, 66}, {103, 50}};
	struct sunspec_walk found;

	fake_clear();
	chain_put(40000, 2, models);
	found = walk();
	CU_ASSERT_EQUAL(found.state, SUNSPEC_FOUND);
	CU_ASSERT_EQUAL(found.n, 2);
	CU_ASSERT_TRUE(found.truncated);
}

static void a_length_that_is_one_off_is_corrected(void)
{
	static const uint16_t models[][2] = {{1, 66}, {103, 50}, {124, 24}};

	for (int off = -1; off <= 1; off += 2) {
		struct sunspec_walk found;

		fake_clear();
		end_put(chain_put(40000, 3, models));
		fake.value[40003] = (uint16_t)(66 + off); /* model 1 lies about itself */
		found = walk();
		CU_ASSERT_EQUAL(found.state, SUNSPEC_FOUND);
		CU_ASSERT_EQUAL(found.n, 3);
		CU_ASSERT_EQUAL(found.corrected, 1);
		CU_ASSERT_EQUAL(sunspec_walk_find(&found, 124)->address, 40002 + 68 + 52);
	}
}

static void what_is_no_sunspec_device_is_said(void)
{
	static const uint16_t not_first[][2] = {{103, 50}};

	fake_clear();
	CU_ASSERT_EQUAL(walk().state, SUNSPEC_NOT);
	end_put(chain_put(40000, 1, not_first));
	CU_ASSERT_EQUAL(walk().state, SUNSPEC_NOT);
	fake.silent = true;
	CU_ASSERT_EQUAL(walk().state, SUNSPEC_NOBODY);
}

static void a_chain_that_never_ends_does(void)
{
	struct sunspec_walk found;

	fake_clear();
	chain_put(0, 1, (const uint16_t[][2]){{1, 66}});
	for (unsigned at = 70; at < 65535; at += 3) {
		fake_put(&fake, at, 1);
		fake_put(&fake, at + 1, 1);
		fake_put(&fake, at + 2, 1);
	}
	found = walk();
	CU_ASSERT_EQUAL(found.n, SUNSPEC_MODELS_MAX);
	CU_ASSERT_TRUE(found.truncated);
}

/* ---- points ------------------------------------------------------------------------------ */

static struct sunspec_block block_of(unsigned n, const uint16_t *value)
{
	struct sunspec_block block = {.id = value[0], .n = (uint16_t)n, .stamp_ms = 1};

	memcpy(block.value, value, n * sizeof *value);
	return block;
}

static double point(const struct sunspec_block *block, uint8_t at, uint8_t sf,
		    enum sunspec_type type)
{
	return sunspec_value(block, (struct sunspec_point){at, sf, type});
}

static void scale_factors_are_applied(void)
{
	const uint16_t value[] = {1, 8, 1234, 0xfffe, 0xff00, 2, 0, 0x8000, 11, 5};
	struct sunspec_block block = block_of(10, value);

	CU_ASSERT_DOUBLE_EQUAL(point(&block, 2, 3, SUNSPEC_U16), 12.34, 1e-12);
	CU_ASSERT_EQUAL(point(&block, 4, 5, SUNSPEC_S16), -25600.0);
	CU_ASSERT_EQUAL(point(&block, 2, 6, SUNSPEC_U16), 1234.0);
	CU_ASSERT_TRUE(isnan(point(&block, 2, 7, SUNSPEC_U16))); /* factor not implemented */
	CU_ASSERT_TRUE(isnan(point(&block, 2, 8, SUNSPEC_U16))); /* factor beyond 10 */
}

static void what_is_not_implemented_is_unknown(void)
{
	const uint16_t none[] = {1, 8, 0xffff, 0x8000, 0xffff, 0xffff, 0x8000, 0, 0x7fc0, 0};
	struct sunspec_block block = block_of(10, none);

	CU_ASSERT_TRUE(isnan(point(&block, 2, 0, SUNSPEC_U16)));
	CU_ASSERT_TRUE(isnan(point(&block, 3, 0, SUNSPEC_S16)));
	CU_ASSERT_TRUE(isnan(point(&block, 4, 0, SUNSPEC_U32)));
	CU_ASSERT_TRUE(isnan(point(&block, 6, 0, SUNSPEC_S32)));
	CU_ASSERT_TRUE(isnan(point(&block, 8, 0, SUNSPEC_F32)));
	CU_ASSERT_EQUAL(sunspec_code(&block, (struct sunspec_point){2, 0, SUNSPEC_U16}, 7), 7);
	/* Beyond what was read, and before anything was. */
	CU_ASSERT_TRUE(isnan(point(&block, 9, 0, SUNSPEC_U32)));
	block.stamp_ms = 0;
	CU_ASSERT_TRUE(isnan(point(&block, 4, 0, SUNSPEC_U16)));
}

static void wide_points_are_read(void)
{
	const uint16_t value[] = {1,      12,     0,      0,      1,      2,      0xffff,
				  0xfffe, 0x4048, 0xf5c3, 0x4009, 0x21fb, 0x5444, 0x2d18};
	struct sunspec_block block = block_of(14, value);

	CU_ASSERT_EQUAL(point(&block, 2, 0, SUNSPEC_U64), 65538.0);
	CU_ASSERT_EQUAL(point(&block, 4, 0, SUNSPEC_ACC32), 65538.0);
	CU_ASSERT_TRUE(isnan(point(&block, 2, 0, SUNSPEC_ACC32)));
	CU_ASSERT_EQUAL(point(&block, 6, 0, SUNSPEC_S32), -2.0);
	CU_ASSERT_DOUBLE_EQUAL(point(&block, 8, 0, SUNSPEC_F32), 3.14, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(point(&block, 10, 0, SUNSPEC_F64), 3.14159265358979, 1e-12);
}

/* ---- the converter ----------------------------------------------------------------------- */

static struct pcs_link link;
static struct pcs_command command;

static void control_tick(int64_t now_ms)
{
	command.at_ms = now_ms;
	cell_put(link.command, &command);
}

enum { AT_701 = 40070, AT_704 = AT_701 + 155, AT_714 = AT_704 + 67, AT_715 = AT_714 + 45 };

/* A converter of 701, 704, 714, 715 at rest. */
static void converter_put(void)
{
	static const uint16_t models[][2] = {{1, 66}, {701, 153}, {704, 65}, {714, 43}, {715, 7}};

	fake_clear();
	end_put(chain_put(40000, 5, models));
	fake.value[AT_701 + 4] = 7;   /* standing by */
	fake.value[AT_701 + 10] = 0;  /* W */
	fake.value[AT_701 + 116] = 0; /* W_SF */
	fake.value[AT_704 + 22] = 0;
	fake.value[AT_704 + 23] = 0;
	for (unsigned i = 24; i < 35; i++)
		fake.value[AT_704 + i] = 0;
	fake.value[AT_704 + 34] = 3; /* WSetRvrtRem */
	fake.value[AT_704 + 55] = 1; /* WSet_SF: 10 W */
	fake.value[AT_704 + 56] = 0x8000;
	fake.value[AT_714 + 5] = fake.value[AT_714 + 6] = 0;
	fake.value[AT_714 + 15] = fake.value[AT_714 + 17] = 0;
	fake.value[AT_715 + 8] = 0;
}

static uint32_t word32(unsigned at)
{
	return (uint32_t)fake.value[at] << 16 | fake.value[at + 1];
}

static struct pcs_status status_now(void)
{
	struct pcs_status status;

	cell_get(link.status, &status);
	return status;
}

/* A converter that was served for two seconds. */
static void *served(struct modbus_device *device, int64_t *now_ms)
{
	const struct pcs_setup setup = {
		.unit = 1, .timeout_ms = 200, .poll_ms = 500, .dead_man_ms = 3000};
	void *pcs;

	CU_ASSERT_FATAL(pcs_link_open(&link));
	command = (struct pcs_command){0};
	pcs = pcs_sunspec.make(&setup, &link);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pcs);
	*device = modbus_device_of(&pcs_sunspec.device, pcs, setup.unit, setup.timeout_ms);
	device->connected(pcs, 1000);
	*now_ms = fake_serve(&fake, device, 1000, 2000, control_tick);
	return pcs;
}

static void done_with(void *pcs)
{
	pcs_sunspec.free(pcs);
	pcs_link_close(&link);
}

static void the_first_that_is_written_is_zero_with_a_way_back_to_zero(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs;

	converter_put();
	fake.value[AT_704 + 27] = 500; /* WSetRvrt: it would go back to 5 kW */
	pcs = served(&device, &now_ms);
	CU_ASSERT_EQUAL(word32(AT_704 + 24), 0);
	CU_ASSERT_EQUAL(word32(AT_704 + 26), 0);
	CU_ASSERT_EQUAL(fake.value[AT_704 + 22], 1);
	CU_ASSERT_EQUAL(fake.value[AT_704 + 23], 1);
	CU_ASSERT_EQUAL(fake.value[AT_704 + 30], 1);
	CU_ASSERT_EQUAL(word32(AT_704 + 31), 3);
	CU_ASSERT_EQUAL(fake.value[AT_715 + 8], 0);
	CU_ASSERT_TRUE(status_now().sample.dead_man_proven);
	CU_ASSERT_EQUAL(status_now().traits.dead_man_ms, 3000);
	CU_ASSERT_EQUAL(status_now().traits.resolution_w, 10.0);
	done_with(pcs);
}

static void setpoints_are_rounded_towards_zero(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs;

	converter_put();
	pcs = served(&device, &now_ms);
	command = (struct pcs_command){.run = true, .p_w = 1239.9};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(word32(AT_704 + 24), 123);
	CU_ASSERT_EQUAL(fake.value[AT_715 + 8], 1);
	command.p_w = -1239.9;
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(word32(AT_704 + 24), (uint32_t)-123);
	command.p_w = (double)NAN;
	fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(word32(AT_704 + 24), 0);
	CU_ASSERT_EQUAL(fake.value[AT_715 + 8], 0);
	done_with(pcs);
}

static void without_ticks_the_command_ends(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs;

	converter_put();
	pcs = served(&device, &now_ms);
	command = (struct pcs_command){.run = true, .p_w = 2000.0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(word32(AT_704 + 24), 200);
	fake_serve(&fake, &device, now_ms, PCS_COMMAND_STALE_MS + 150, NULL);
	CU_ASSERT_EQUAL(word32(AT_704 + 24), 0);
	CU_ASSERT_EQUAL(fake.value[AT_715 + 8], 0);
	done_with(pcs);
}

static void nothing_proves_a_dead_man_but_all_of_it(void)
{
	static const struct {
		unsigned at;
		uint16_t value;
	} spoils[] = {{26, 1}, {27, 1}, {30, 0}, {22, 0}, {32, 4}, {34, 0}, {34, 9}};
	struct sunspec_control control = {.steering = STEER_WATTS, .unit_w = 1.0, .timer_s = 3};
	struct sunspec_block block[SLOT_COUNT] = {0};
	struct sunspec_block *at = &block[SLOT_CONTROL];

	at->n = 67;
	at->stamp_ms = 1;
	at->value[22] = at->value[30] = 1;
	at->value[32] = 3;
	at->value[34] = 2;
	CU_ASSERT_TRUE(sunspec_control_proves(&control, block));
	for (unsigned i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
		struct sunspec_block before = *at;

		at->value[spoils[i].at] = spoils[i].value;
		CU_ASSERT_FALSE(sunspec_control_proves(&control, block));
		*at = before;
	}
	control.timer_s = 0;
	CU_ASSERT_FALSE(sunspec_control_proves(&control, block));
	control = (struct sunspec_control){.steering = STEER_STORAGE, .timer_s = 3};
	CU_ASSERT_FALSE(sunspec_control_proves(&control, block));
}

static void a_map_that_moved_gives_no_sample(void)
{
	struct modbus_device device;
	struct pcs_status status;
	int64_t now_ms;
	void *pcs;

	converter_put();
	pcs = served(&device, &now_ms);
	status = status_now();
	CU_ASSERT_TRUE(status.sample.stamp_ms > 0);
	CU_ASSERT_EQUAL(status.walks, 1);
	fake_clear(); /* nothing is where it was */
	fake_serve(&fake, &device, now_ms, 3000, control_tick);
	CU_ASSERT_TRUE(status_now().sample.stamp_ms <= now_ms);
	CU_ASSERT_FALSE(status_now().sample.dead_man_proven);
	converter_put();
	now_ms = fake_serve(&fake, &device, now_ms + 3000, 12000, control_tick);
	CU_ASSERT_EQUAL(status_now().walks, 2);
	CU_ASSERT_TRUE(status_now().sample.stamp_ms > now_ms - 1000);
	done_with(pcs);
}

static void percent_is_used_where_watts_are_not(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs;
	static const uint16_t models[][2] = {{1, 66}, {701, 153}, {704, 65}, {702, 50}};
	const unsigned at_702 = AT_704 + 67;

	converter_put();
	end_put(chain_put(40000, 4, models));
	fake.value[AT_701 + 4] = 3;
	fake.value[AT_701 + 10] = fake.value[AT_701 + 116] = 0;
	fake.value[at_702 + 2] = 20000; /* WMaxRtg, W */
	fake.value[at_702 + 45] = 0;
	for (unsigned i = 22; i < 35; i++)
		fake.value[AT_704 + i] = 0;
	fake.value[AT_704 + 24] = 0x8000; /* WSet is not implemented */
	fake.value[AT_704 + 56] = 0xffff; /* WSetPct in 0.1 % */
	pcs = served(&device, &now_ms);
	CU_ASSERT_EQUAL(status_now().traits.resolution_w, 20.0);
	command = (struct pcs_command){.run = true, .p_w = -5000.0};
	fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[AT_704 + 23], 0);
	CU_ASSERT_EQUAL((int16_t)fake.value[AT_704 + 28], -250);
	done_with(pcs);
}

static void the_battery_inputs_of_a_hybrid_have_a_sign(void)
{
	struct sunspec_block block[SLOT_COUNT] = {0};
	struct sunspec_block *mppt = &block[SLOT_MPPT];
	struct pcs_sample sample = {0};

	mppt->n = 10 + 2 * 20;
	mppt->stamp_ms = 1;
	mppt->value[8] = 2;
	memcpy(&mppt->value[11], (const uint16_t[]){0x5374, 0x4368, 0x6100}, 6); /* StCha */
	memcpy(&mppt->value[31], (const uint16_t[]){0x5374, 0x4469, 0x7343, 0x6861},
	       8); /* StDisCha */
	mppt->value[19] = 5;
	mppt->value[20] = 400;
	mppt->value[21] = 2000;
	mppt->value[40] = 400;
	sunspec_sample(block, false, &sample);
	CU_ASSERT_EQUAL(sample.dc_w, -2000.0);
	CU_ASSERT_EQUAL(sample.dc_a, -5.0);
	CU_ASSERT_EQUAL(sample.dc_v, 400.0);
	sunspec_sample(block, true, &sample);
	CU_ASSERT_EQUAL(sample.dc_w, 2000.0);
}

static void error_of_its_battery_is_a_fault_of_the_device(void)
{
	struct sunspec_block block[SLOT_COUNT] = {0};
	struct sunspec_block *stored = &block[SLOT_STORED], *measure = &block[SLOT_MEASURE];
	struct pcs_status status = {0};
	struct pcs_sample sample = {0};

	measure->n = 155;
	measure->stamp_ms = stored->stamp_ms = 1;
	measure->value[4] = 3; /* InvSt running */
	sunspec_stored(block, &status);
	CU_ASSERT_FALSE(status.stores);
	stored->n = 9;
	memcpy(stored->value, (const uint16_t[]){713, 7, 200, 0xffff, 555, 930, 1, 2, (uint16_t)-1},
	       18);
	sunspec_sample(block, false, &sample);
	CU_ASSERT_EQUAL(sample.state, PCS_RUNNING); /* a warning */
	sunspec_stored(block, &status);
	CU_ASSERT(status.stores && status.stored_wh == 20000.);
	CU_ASSERT_DOUBLE_EQUAL(status.stored_soc_pct, 55.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(status.stored_soh_pct, 93., 1e-9);
	stored->value[6] = 2;
	sunspec_sample(block, false, &sample);
	CU_ASSERT_EQUAL(sample.state, PCS_FAULT);
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("sunspec", NULL, NULL);
	CU_ADD_TEST(suite, the_chain_is_found_at_each_base);
	CU_ADD_TEST(suite, a_chain_without_an_end_is_taken_as_far_as_it_goes);
	CU_ADD_TEST(suite, a_length_that_is_one_off_is_corrected);
	CU_ADD_TEST(suite, what_is_no_sunspec_device_is_said);
	CU_ADD_TEST(suite, a_chain_that_never_ends_does);
	CU_ADD_TEST(suite, scale_factors_are_applied);
	CU_ADD_TEST(suite, what_is_not_implemented_is_unknown);
	CU_ADD_TEST(suite, wide_points_are_read);
	CU_ADD_TEST(suite, the_first_that_is_written_is_zero_with_a_way_back_to_zero);
	CU_ADD_TEST(suite, setpoints_are_rounded_towards_zero);
	CU_ADD_TEST(suite, without_ticks_the_command_ends);
	CU_ADD_TEST(suite, nothing_proves_a_dead_man_but_all_of_it);
	CU_ADD_TEST(suite, a_map_that_moved_gives_no_sample);
	CU_ADD_TEST(suite, percent_is_used_where_watts_are_not);
	CU_ADD_TEST(suite, the_battery_inputs_of_a_hybrid_have_a_sign);
	CU_ADD_TEST(suite, error_of_its_battery_is_a_fault_of_the_device);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
