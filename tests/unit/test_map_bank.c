/*
 * Every register map that is shipped under a whole bank: core, simulated packs, the driver with the
 * map as it is installed, and a device that does what its maker's list says. Power must move in
 * both directions and end. Addresses are those of the lists, written down here once more.
 */
#include <CUnit/Basic.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/key.h"
#include "core/bank.h"
#include "drivers/pcs/pcs.h"
#include "drivers/sim/twin.h"
#include "tests/unit/modbus_device.h"

enum { TICK_MS = 100, LOOKS = 10 };

static struct config config;
static struct bank bank;
static struct bank_inputs in;
static struct bank_outputs out, wires;
static struct twin *twin;
static struct fake_device fake;
static struct modbus_device device;
static struct pcs_link link;
static struct register_map map;
static void *pcs;
static unsigned raised[REASON_COUNT];
static double loads_w; /* behind the device, at its grid point */

static void put16(unsigned at, double value)
{
	fake_put(&fake, at, (uint16_t)(int32_t)round(value));
}

static void put32(unsigned at, double value)
{
	uint32_t raw = (uint32_t)(int64_t)round(value);

	fake_put(&fake, at, (uint16_t)(raw >> 16));
	fake_put(&fake, at + 1, (uint16_t)raw);
}

static int16_t signed16(unsigned at)
{
	return (int16_t)fake.value[at];
}

/* ---- the devices: what each gives, + discharge, and what it shows of it -----------------------
 */

static double sungrow_gives(void)
{
	double sign = fake.value[13050] == 0xbb ? 1.0 : fake.value[13050] == 0xaa ? -1.0 : 0.0;

	return fake.value[13049] == 2 ? sign * fake.value[13051] : 0.0;
}

static void sungrow_shows(double w, double v)
{
	uint32_t raw = (uint32_t)(int32_t)w;

	fake_put(&fake, 13033, (uint16_t)raw);
	fake_put(&fake, 13034, (uint16_t)(raw >> 16));
	put16(13019, 10.0 * v);
	put16(13020, v > 0.0 ? 10.0 * w / v : 0.0);
	put16(5035, 500.0);
}

static double multi_gives(void)
{
	bool ours = fake.value[33] == 3 && fake.value[2902] == 3;
	double drawn_w = signed16(37);

	return ours && !fake.value[drawn_w > 0.0 ? 38 : 39] ? -drawn_w : 0.0;
}

static void multi_shows(double w, double v)
{
	put16(12, -w / 10.0);
	put16(9, 5000.0);
	put16(26, 100.0 * v);
	put16(27, v > 0.0 ? -10.0 * w / v : 0.0);
	put16(31, fake.value[33] == 3 ? 252.0 : 0.0);
	put16(32, 0.0);
}

static double grid_point_gives(void)
{
	double w = loads_w - 100.0 * signed16(2703);

	return fake.value[w > 0.0 ? 2702 : 2701] ? w : 0.0;
}

static void grid_point_shows(double w, double v)
{
	for (unsigned at = 817; at <= 822; at++)
		put16(at, 0.0);
	put16(817, loads_w);
	put16(820, loads_w - w);
	put16(840, 10.0 * v);
	put16(841, v > 0.0 ? -10.0 * w / v : 0.0);
	put16(842, -w);
}

static double sma_gives(void)
{
	uint32_t raw = (uint32_t)fake.value[40149] << 16 | fake.value[40150];

	return fake.value[40152] == 802 ? (double)(int32_t)raw : 700.0;
}

static void sma_shows(double w, double v)
{
	put32(30201, 307.0);
	put32(30775, w);
	put32(30803, 5000.0);
	put32(30843, v > 0.0 ? 1000.0 * w / v : 0.0);
	put32(30851, 100.0 * v);
}

static double kaco_gives(void)
{
	return fake.value[40158] == 11 ? 50.0 * signed16(40163) : 0.0;
}

static void kaco_shows(double w, double v)
{
	put16(40084, w / 10.0);
	put16(40086, 5000.0);
	put16(40099, 10.0 * v);
	put16(40101, w / 10.0);
	put16(40159, fake.value[40158] == 11 ? 11.0 : 8.0);
}

static const struct shipped {
	const char *name;
	double (*gives)(void);
	void (*shows)(double w, double v);
	unsigned written[8]; /* registers that can be written; ends with 0 */
} shipped[] = {
	{"sungrow-sh", sungrow_gives, sungrow_shows, {13049, 13050, 13051}},
	{"victron-gx", multi_gives, multi_shows, {33, 37, 38, 39, 2902}},
	{"victron-gx-grid", grid_point_gives, grid_point_shows, {2701, 2702, 2703}},
	{"sma-sunny-island", sma_gives, sma_shows, {40149, 40150, 40151, 40152}},
	{"kaco-gridsave", kaco_gives, kaco_shows, {40158, 40162, 40163}},
};

enum { SHIPPED = sizeof shipped / sizeof shipped[0], SUNGROW = 0, GRID_POINT = 2 };

/* ---- the rig ----------------------------------------------------------------------------------
 */

static void device_works(const struct shipped *kind)
{
	double v = out.bus_known ? out.bus_v : 0.0;

	for (int64_t look = 0; look < LOOKS; look++) {
		kind->shows(kind->gives(), v);
		fake_serve(&fake, &device, in.now_ms + look * TICK_MS / LOOKS, TICK_MS / LOOKS,
			   NULL);
	}
}

static void step(const struct shipped *kind)
{
	struct pcs_command command;
	struct pcs_status status;

	in.now_ms += TICK_MS;
	in.utc_ms += TICK_MS;
	twin_gather(twin, &in);
	cell_get(link.status, &status);
	in.pcs[0] = status.sample;
	bank_step(&bank, &in, &out);
	in.n_commands = 0;
	for (unsigned i = 0; i < out.n_events; i++)
		raised[out.event[i].reason] += out.event[i].kind == EVENT_RAISED;
	command = (struct pcs_command){in.now_ms, out.pcs_enable && out.pcs[0].run, 0.0};
	if (command.run)
		command.p_w = out.pcs[0].p_w;
	cell_put(link.command, &command);
	device_works(kind);
	wires = out;
	wires.pcs[0].run = true;
	wires.pcs[0].p_w = kind->gives();
	twin_apply(twin, in.now_ms, &wires);
}

static void run(const struct shipped *kind, double seconds)
{
	for (double t = 0.0; t < seconds; t += TICK_MS / 1000.0)
		step(kind);
}

static bool map_load(const char *name)
{
	struct reader *reader = calloc(1, sizeof *reader);
	bool good;

	if (!reader)
		return false;
	snprintf(reader->dir, sizeof reader->dir, "config");
	good = map_read_named(reader, name, NULL, "test", &map);
	free(reader);
	return good;
}

static void begin(const struct shipped *kind)
{
	struct pcs_setup setup = {.unit = 1, .timeout_ms = 200, .poll_ms = 300, .map = &map};

	memset(&in, 0, sizeof in);
	memset(&out, 0, sizeof out);
	memset(&fake, 0, sizeof fake);
	memset(raised, 0, sizeof raised);
	loads_w = 0.0;
	CU_ASSERT_EQUAL_FATAL(
		config_load("tests/scenario/sites/four.conf", "config/packs", &config, stdout), 0);
	CU_ASSERT_TRUE_FATAL(map_load(kind->name));
	config.site.pcs[0].dead_man_ms = 0;
	setup.p_max_w = config.site.pcs[0].p_max_w;
	in.now_ms = 1000000;
	in.utc_ms = 1790000000000;
	in.clock_synced = in.tick = in.commissioned = true;
	twin = twin_new(&config.site, &config.sim, in.now_ms);
	CU_ASSERT_PTR_NOT_NULL_FATAL(twin);
	bank_init(&bank, &config.site, NULL);
	CU_ASSERT_FATAL(pcs_link_open(&link));
	pcs = pcs_registers.make(&setup, &link);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pcs);
	device = modbus_device_of(&pcs_registers.device, pcs, setup.unit, setup.timeout_ms);
	device.connected(pcs, in.now_ms);
	for (unsigned i = 0; kind->written[i]; i++)
		fake_put(&fake, kind->written[i], 0);
	run(kind, 60.0);
}

static void end(void)
{
	pcs_registers.free(pcs);
	pcs_link_close(&link);
	twin_free(twin);
	config_free(&config);
}

static void setpoint(double p_w)
{
	in.command[in.n_commands++] = (struct command){.kind = COMMAND_SETPOINT,
						       .pack = -1,
						       .seq = in.now_ms,
						       .ts_utc_ms = in.utc_ms,
						       .received_ms = in.now_ms,
						       .p_w = p_w,
						       .valid_s = 60.0,
						       .ramp_w_s = (double)NAN};
	snprintf(in.command[0].id, sizeof in.command[0].id, "c%lld", (long long)in.now_ms);
}

static void gives(const struct shipped *kind, double p_w)
{
	setpoint(p_w);
	run(kind, 20.0);
	if (fabs(kind->gives() - p_w) > 100.0)
		printf("\n%s gives %g W, not %g W\n", kind->name, kind->gives(), p_w);
	CU_ASSERT_DOUBLE_EQUAL(kind->gives(), p_w, 100.0);
	CU_ASSERT_TRUE(out.pcs_enable);
}

static bool nothing_is_wrong_with_it(void)
{
	return !raised[REASON_PCS_EXCESS] && !raised[REASON_PCS_SIGN] && !raised[REASON_PCS_LOST];
}

/* ---- tests -------------------------------------------------------------------------------- */

static void every_shipped_map_moves_power_and_ends_it(void)
{
	for (unsigned i = 0; i < SHIPPED; i++) {
		const struct shipped *kind = &shipped[i];

		begin(kind);
		gives(kind, 3000.0);
		CU_ASSERT_EQUAL(in.pcs[0].state, PCS_RUNNING);
		gives(kind, -2500.0);
		gives(kind, 0.0);
		setpoint(0.0);
		in.command[0].kind = COMMAND_STOP;
		run(kind, 20.0);
		CU_ASSERT_EQUAL(kind->gives(), 0.0);
		CU_ASSERT_FALSE(out.pcs_enable);
		CU_ASSERT_TRUE(nothing_is_wrong_with_it());
		end();
	}
}

/* Loads at the grid point are fed by the grid while the converter is at rest: no power of its. */
static void loads_at_its_grid_point_are_no_power_of_the_converter(void)
{
	const struct shipped *kind = &shipped[GRID_POINT];

	begin(kind);
	gives(kind, 2000.0);
	gives(kind, 0.0);
	loads_w = 3000.0;
	run(kind, 20.0);
	CU_ASSERT_EQUAL(kind->gives(), 0.0);
	CU_ASSERT_EQUAL(in.pcs[0].ac_w, 0.0);
	CU_ASSERT_TRUE(out.pcs_enable && nothing_is_wrong_with_it());
	end();
}

/* A direction that cannot be set any more is 0 W, not the new power in the old direction. */
static void a_refused_direction_ends_the_old_one(void)
{
	const struct shipped *kind = &shipped[SUNGROW];

	begin(kind);
	gives(kind, 3000.0);
	fake.refuses[13050] = 1;
	setpoint(-2500.0);
	run(kind, 20.0);
	CU_ASSERT_EQUAL(kind->gives(), 0.0);
	end();
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("map_bank", NULL, NULL);
	CU_ADD_TEST(suite, every_shipped_map_moves_power_and_ends_it);
	CU_ADD_TEST(suite, loads_at_its_grid_point_are_no_power_of_the_converter);
	CU_ADD_TEST(suite, a_refused_direction_ends_the_old_one);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
