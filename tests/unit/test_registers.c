/* Converters and meters by register map, without a wire. */
#include <CUnit/Basic.h>

#include <math.h>

#include "drivers/pcs/map_reader.h"
#include "drivers/pcs/meter.h"
#include "drivers/pcs/pcs.h"
#include "tests/unit/modbus_device.h"

static struct fake_device fake;
static struct pcs_link link;
static struct pcs_command command;

#define READ(kind, address, size, factor)                                                          \
	{                                                                                          \
		.what = kind, .at = {MODBUS_READ_HOLDING, MAP_UNIT_OWN, address, size, false},     \
		.scale = factor                                                                    \
	}
#define WRITE(address, size, kind, number)                                                         \
	{                                                                                          \
		.at = {MODBUS_WRITE_MANY, MAP_UNIT_OWN, address, size, false}, .of = kind,         \
		.value = number, .scale = number                                                   \
	}

/* Magnitude at 20, direction at 21 (1, 2, 0), watchdog at 22, on at 23; readings from 10. */
static struct register_map map = {
	.name = "bench",
	.n_reads = 5,
	.read = {READ(MAP_AC_W, 10, MAP_S16, -10.0), READ(MAP_DC_V, 11, MAP_U16, 0.1),
		 READ(MAP_DC_A, 12, MAP_S16, 0.1), READ(MAP_STATE, 13, MAP_U16, 1.0),
		 READ(MAP_AC_W, 40, MAP_S16, -10.0)},
	.at = {[MAP_DISCHARGE] = {2,
				  {WRITE(20, MAP_U16, MAP_OF_MAGNITUDE, 10.0),
				   WRITE(21, MAP_U16, MAP_OF_VALUE, 1.0)}},
	       [MAP_CHARGE] = {2,
			       {WRITE(20, MAP_U16, MAP_OF_MAGNITUDE, 10.0),
				WRITE(21, MAP_U16, MAP_OF_VALUE, 2.0)}},
	       [MAP_ZERO] = {1, {WRITE(21, MAP_U16, MAP_OF_VALUE, 0.0)}},
	       [MAP_START] = {1, {WRITE(23, MAP_U16, MAP_OF_VALUE, 1.0)}},
	       [MAP_STOP] = {1, {WRITE(23, MAP_U16, MAP_OF_VALUE, 0.0)}},
	       [MAP_WATCHDOG] = {1, {WRITE(22, MAP_U16, MAP_OF_WATCHDOG, 0.5)}}},
	.proof = {2,
		  {{.at = {MODBUS_READ_HOLDING, MAP_UNIT_OWN, 22, MAP_U16, false},
		    .of = MAP_OF_WATCHDOG,
		    .scale = 0.5},
		   {.at = {MODBUS_READ_HOLDING, MAP_UNIT_OWN, 24, MAP_U16, false},
		    .of = MAP_OF_VALUE,
		    .value = 0.0}}},
	.n_states = 2,
	.state = {{5, PCS_OFF}, {6, PCS_RUNNING}},
	.refresh_ms = 0,
};

static void control_tick(int64_t now_ms)
{
	command.at_ms = now_ms;
	cell_put(link.command, &command);
}

static struct pcs_status status_now(void)
{
	struct pcs_status status;

	cell_get(link.status, &status);
	return status;
}

static void *served(struct modbus_device *device, int32_t dead_man_ms, int64_t *now_ms)
{
	const struct pcs_setup setup = {.unit = 1,
					.timeout_ms = 200,
					.poll_ms = 500,
					.dead_man_ms = dead_man_ms,
					.map = &map};
	void *pcs;

	memset(&fake, 0, sizeof fake);
	for (unsigned at = 10; at < 41; at++)
		fake_put(&fake, at, 0);
	fake.value[11] = 3700;
	fake.value[13] = 5;
	CU_ASSERT_FATAL(pcs_link_open(&link));
	command = (struct pcs_command){0};
	pcs = pcs_registers.make(&setup, &link);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pcs);
	*device = modbus_device_of(&pcs_registers.device, pcs, setup.unit, setup.timeout_ms);
	device->connected(pcs, 1000);
	*now_ms = fake_serve(&fake, device, 1000, 2500, control_tick);
	return pcs;
}

static void done_with(void *pcs)
{
	pcs_registers.free(pcs);
	pcs_link_close(&link);
}

static void neighbours_are_read_together_and_sums_are_summed(void)
{
	struct map_reader reader;

	map_reader_init(&reader, &map);
	CU_ASSERT_EQUAL(reader.n_blocks, 2);
	CU_ASSERT_EQUAL(reader.block[0].address, 10);
	CU_ASSERT_EQUAL(reader.block[0].count, 4);
	CU_ASSERT_FALSE(
		map_reader_take(&reader, &(struct modbus_answer){.arrived_ms = 7,
								 .value = {100, 3700, 0xffff, 6}}));
	CU_ASSERT_TRUE(
		map_reader_take(&reader, &(struct modbus_answer){.arrived_ms = 9, .value = {20}}));
	CU_ASSERT_EQUAL(reader.stamp_ms, 7);
	CU_ASSERT_EQUAL(reader.value[MAP_AC_W], -1200.0);
	CU_ASSERT_DOUBLE_EQUAL(reader.value[MAP_DC_V], 370.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(reader.value[MAP_DC_A], -0.1, 1e-9);
	CU_ASSERT_TRUE(isnan(reader.value[MAP_FREQ_HZ]));
}

static void every_type_goes_there_and_back(void)
{
	static const struct {
		enum map_type type;
		double raw;
	} all[] = {{MAP_U16, 65535},  {MAP_S16, -2},  {MAP_U32, 4e9},
		   {MAP_S32, -70000}, {MAP_U64, 1e9}, {MAP_F32, 0.5}};

	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		for (int low = 0; low < 2; low++) {
			struct map_place place = {.type = all[i].type, .low_first = low};
			uint16_t at[4] = {0};

			map_put(&place, all[i].raw, at);
			CU_ASSERT_EQUAL(map_raw(&place, at), all[i].raw);
		}
}

static void a_number_that_does_not_fit_is_held(void)
{
	struct map_place place = {.type = MAP_S16};
	uint16_t at[4];

	map_put(&place, 1e9, at);
	CU_ASSERT_EQUAL(map_raw(&place, at), 32767.0);
	map_put(&place, -1e9, at);
	CU_ASSERT_EQUAL(map_raw(&place, at), -32768.0);
	place.type = MAP_U16;
	map_put(&place, -5.0, at);
	CU_ASSERT_EQUAL(map_raw(&place, at), 0.0);
	map_put(&place, (double)NAN, at);
	CU_ASSERT_EQUAL(map_raw(&place, at), 0.0);
}

static void readings_become_a_sample(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);
	struct pcs_status status = status_now();

	CU_ASSERT_EQUAL(status.sample.state, PCS_OFF);
	CU_ASSERT_DOUBLE_EQUAL(status.sample.dc_v, 370.0, 1e-9);
	CU_ASSERT_EQUAL(status.sample.dc_w, 0.0); /* from the other two */
	CU_ASSERT_TRUE(status.sample.stamp_ms > now_ms - 600);
	CU_ASSERT_EQUAL(status.traits.resolution_w, 10.0);
	CU_ASSERT_FALSE(status.sample.dead_man_proven);
	done_with(pcs);
}

static void each_direction_has_its_sequence(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);

	fake.value[21] = 9;
	command = (struct pcs_command){.run = true, .p_w = 1509.0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[20], 150);
	CU_ASSERT_EQUAL(fake.value[21], 1);
	CU_ASSERT_EQUAL(fake.value[23], 1);
	command.p_w = -800.0;
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[20], 80);
	CU_ASSERT_EQUAL(fake.value[21], 2);
	command = (struct pcs_command){0};
	fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 0);
	CU_ASSERT_EQUAL(fake.value[23], 0);
	done_with(pcs);
}

static void an_old_command_is_zero_and_off(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);

	command = (struct pcs_command){.run = true, .p_w = 1500.0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 1);
	fake_serve(&fake, &device, now_ms, PCS_COMMAND_STALE_MS + 150, NULL);
	CU_ASSERT_EQUAL(fake.value[21], 0);
	CU_ASSERT_EQUAL(fake.value[23], 0);
	done_with(pcs);
}

static void a_dead_man_is_proven_by_time_and_end(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 3000, &now_ms);

	CU_ASSERT_EQUAL(fake.value[22], 6); /* 3 s in half seconds */
	CU_ASSERT_TRUE(status_now().sample.dead_man_proven);
	CU_ASSERT_EQUAL(status_now().traits.dead_man_ms, 3000);
	fake.value[24] = 1; /* it would end at something else */
	now_ms = fake_serve(&fake, &device, now_ms, 2000, control_tick);
	CU_ASSERT_FALSE(status_now().sample.dead_man_proven);
	fake.value[24] = 0;
	now_ms = fake_serve(&fake, &device, now_ms, 2000, control_tick);
	CU_ASSERT_TRUE(status_now().sample.dead_man_proven);
	fake.forgets = true;
	fake.value[22] = 0;
	fake_serve(&fake, &device, now_ms, 2000, control_tick);
	CU_ASSERT_FALSE(status_now().sample.dead_man_proven);
	done_with(pcs);
}

static void the_setpoint_is_repeated_before_the_dead_man(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 3000, &now_ms);
	unsigned writes;

	fake.value[13] = 6;
	command = (struct pcs_command){.run = true, .p_w = 500.0};
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	writes = fake.writes;
	fake_serve(&fake, &device, now_ms, 6000, control_tick);
	CU_ASSERT_TRUE(fake.writes >= writes + 5 * 3); /* once a second, three registers */
	done_with(pcs);
}

static void silence_is_no_sample_and_ends(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);

	fake.silent = true;
	now_ms = fake_serve(&fake, &device, now_ms, 5000, control_tick);
	CU_ASSERT_TRUE(status_now().sample.stamp_ms < now_ms - 4000);
	CU_ASSERT_STRING_EQUAL(status_now().trouble, "does not answer");
	fake.silent = false;
	command = (struct pcs_command){.run = true, .p_w = 300.0};
	now_ms = fake_serve(&fake, &device, now_ms, 6000, control_tick);
	CU_ASSERT_TRUE(status_now().sample.stamp_ms > now_ms - 600);
	CU_ASSERT_EQUAL(fake.value[20], 30);
	done_with(pcs);
}

static void what_the_map_cannot_do_is_zero(void)
{
	struct modbus_device device;
	struct map_sequence charge = map.at[MAP_CHARGE], discharge = map.at[MAP_DISCHARGE];
	int64_t now_ms;
	void *pcs;

	map.at[MAP_CHARGE].n = 0;
	pcs = served(&device, 0, &now_ms);
	CU_ASSERT_FALSE(status_now().traits.can_charge);
	CU_ASSERT_EQUAL(status_now().sample.cha_max_w, 0.0);
	CU_ASSERT_TRUE(isnan(status_now().sample.dis_max_w)); /* the map has no such reading */
	fake.value[21] = 9;
	command = (struct pcs_command){.run = true, .p_w = -300.0};
	fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 0);
	map.at[MAP_CHARGE] = charge;
	done_with(pcs);
	map.at[MAP_DISCHARGE].n = 0;
	pcs = served(&device, 0, &now_ms);
	CU_ASSERT_EQUAL(status_now().sample.dis_max_w, 0.0);
	CU_ASSERT_TRUE(isnan(status_now().sample.cha_max_w));
	map.at[MAP_DISCHARGE] = discharge;
	done_with(pcs);
}

static void a_refused_zero_does_not_keep_off_waiting(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);

	command = (struct pcs_command){.run = true, .p_w = 1500.0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[23], 1);
	fake.refuses[21] = fake.refuses[23] = 1;
	command = (struct pcs_command){0};
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	fake.refuses[23] = 0;
	now_ms = fake_serve(&fake, &device, now_ms, 500, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 1);
	CU_ASSERT_EQUAL(fake.value[23], 0);
	fake.refuses[21] = 0;
	fake_serve(&fake, &device, now_ms, 500, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 0);
	done_with(pcs);
}

static void zero_goes_on_past_a_refused_step_and_arms_nothing(void)
{
	struct modbus_device device;
	struct map_sequence zero = map.at[MAP_ZERO];
	int64_t now_ms;
	void *pcs;
	uint32_t commands;

	map.at[MAP_ZERO].write[1] = zero.write[0];
	map.at[MAP_ZERO].write[1].at.address = 20;
	map.at[MAP_ZERO].n = 2;
	pcs = served(&device, 3000, &now_ms);
	command = (struct pcs_command){.run = true, .p_w = 1500.0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[20], 150);
	fake.refuses[21] = 1;
	fake.value[22] = 0;
	commands = status_now().commands;
	command = (struct pcs_command){0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 1);
	CU_ASSERT_EQUAL(fake.value[20], 0);
	CU_ASSERT_EQUAL(fake.value[22], 0); /* the watchdog is not fed over it */
	CU_ASSERT_EQUAL(status_now().commands, commands);
	CU_ASSERT_STRING_EQUAL(status_now().trouble, "refuses what its map has to be written");
	fake.refuses[21] = 0;
	fake_serve(&fake, &device, now_ms, 500, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 0);
	CU_ASSERT_EQUAL(fake.value[22], 6);
	map.at[MAP_ZERO] = zero;
	done_with(pcs);
}

static void the_other_direction_is_set_from_zero(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);

	command = (struct pcs_command){.run = true, .p_w = 1500.0};
	now_ms = fake_serve(&fake, &device, now_ms, 200, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 1);
	fake.refuses[20] = 1;
	command.p_w = -800.0;
	now_ms = fake_serve(&fake, &device, now_ms, 500, control_tick);
	CU_ASSERT_EQUAL(fake.value[21], 0); /* not 1500 W in the old direction */
	fake.refuses[20] = 0;
	now_ms = fake_serve(&fake, &device, now_ms, 500, control_tick);
	CU_ASSERT_EQUAL(fake.value[20], 80);
	CU_ASSERT_EQUAL(fake.value[21], 2);
	done_with(pcs);
}

static void a_state_that_the_map_does_not_know_is_said(void)
{
	struct modbus_device device;
	int64_t now_ms;
	void *pcs = served(&device, 0, &now_ms);

	fake.value[13] = 77;
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(status_now().trouble, "is in state 77, which its map does not know");
	fake.value[13] = 6;
	fake_serve(&fake, &device, now_ms, 1000, control_tick);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_RUNNING);
	CU_ASSERT_STRING_EQUAL(status_now().trouble, "");
	done_with(pcs);
}

static void without_a_state_it_is_what_was_told_and_is_given(void)
{
	struct modbus_device device;
	unsigned n_states = map.n_states;
	int64_t now_ms;
	void *pcs;

	map.n_states = 0;
	pcs = served(&device, 0, &now_ms);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_OFF);
	fake.value[10] = (uint16_t)-50; /* 500 W, of its own accord */
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_RUNNING);
	fake.value[10] = 0;
	fake.refuses[23] = 1;
	command = (struct pcs_command){.run = true};
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_OFF); /* it does not let itself be started */
	fake.refuses[23] = 0;
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_RUNNING);
	map.read[0].has_invalid = true;
	map.read[0].invalid = 0.0;
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_UNKNOWN);
	map.read[0].has_invalid = false;
	now_ms = fake_serve(&fake, &device, now_ms, 1000, control_tick);
	fake_serve(&fake, &device, now_ms, PCS_COMMAND_STALE_MS + 1000, NULL);
	CU_ASSERT_EQUAL(status_now().sample.state, PCS_OFF);
	map.n_states = n_states;
	done_with(pcs);
}

static void a_meter_reads_power_voltage_and_knows_the_invalid_number(void)
{
	static const struct register_map two = {
		.name = "dc",
		.n_reads = 2,
		.read = {{.what = MAP_V,
			  .at = {MODBUS_READ_INPUT, MAP_UNIT_OWN, 10, MAP_U16, false},
			  .scale = 0.1,
			  .has_invalid = true,
			  .invalid = 65535.0},
			 {.what = MAP_P_W,
			  .at = {MODBUS_READ_INPUT, MAP_UNIT_OWN, 11, MAP_S16, false},
			  .scale = 1.0}}};
	const struct meter_setup setup = {
		.unit = 1, .timeout_ms = 100, .poll_ms = 50, .inverted = true, .map = &two};
	struct cell *cell = cell_new(sizeof(struct meter_status));
	void *meter = meter_registers.make(&setup, cell);
	struct modbus_device device =
		modbus_device_of(&meter_registers.device, meter, setup.unit, setup.timeout_ms);
	struct meter_status status;
	int64_t now_ms;

	memset(&fake, 0, sizeof fake);
	fake_put(&fake, 10, 3712);
	fake_put(&fake, 11, (uint16_t)-250);
	device.connected(meter, 1000);
	now_ms = fake_serve(&fake, &device, 1000, 1000, NULL);
	cell_get(cell, &status);
	CU_ASSERT_DOUBLE_EQUAL(status.v, 371.2, 1e-9);
	CU_ASSERT_EQUAL(status.p_w, 250.0);
	CU_ASSERT_TRUE(now_ms - status.stamp_ms <= 50);
	CU_ASSERT_TRUE(fake.reads >= 19 && fake.reads <= 21);
	fake.value[10] = 65535;
	fake_serve(&fake, &device, now_ms, 100, NULL);
	cell_get(cell, &status);
	CU_ASSERT_TRUE(isnan(status.v));
	CU_ASSERT_EQUAL(status.p_w, 250.0);
	meter_registers.free(meter);
	cell_free(cell);
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("registers", NULL, NULL);
	CU_ADD_TEST(suite, neighbours_are_read_together_and_sums_are_summed);
	CU_ADD_TEST(suite, every_type_goes_there_and_back);
	CU_ADD_TEST(suite, a_number_that_does_not_fit_is_held);
	CU_ADD_TEST(suite, readings_become_a_sample);
	CU_ADD_TEST(suite, each_direction_has_its_sequence);
	CU_ADD_TEST(suite, an_old_command_is_zero_and_off);
	CU_ADD_TEST(suite, a_dead_man_is_proven_by_time_and_end);
	CU_ADD_TEST(suite, the_setpoint_is_repeated_before_the_dead_man);
	CU_ADD_TEST(suite, silence_is_no_sample_and_ends);
	CU_ADD_TEST(suite, what_the_map_cannot_do_is_zero);
	CU_ADD_TEST(suite, a_refused_zero_does_not_keep_off_waiting);
	CU_ADD_TEST(suite, zero_goes_on_past_a_refused_step_and_arms_nothing);
	CU_ADD_TEST(suite, the_other_direction_is_set_from_zero);
	CU_ADD_TEST(suite, a_state_that_the_map_does_not_know_is_said);
	CU_ADD_TEST(suite, without_a_state_it_is_what_was_told_and_is_given);
	CU_ADD_TEST(suite, a_meter_reads_power_voltage_and_knows_the_invalid_number);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
