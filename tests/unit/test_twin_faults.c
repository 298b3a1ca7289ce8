/* The simulated contactors, safety chain and senders, sound and broken. */
#include <CUnit/Basic.h>

#include "core/chemistry.h"
#include "tests/twin_site.h"

static bool near(double v, double want, double share)
{
	return fabs(v - want) <= share * fabs(want);
}

static void contactors_move_in_their_data_sheet_times(void)
{
	struct rig *rig = rig_new(8, CHEMISTRY_NMC);

	rig_begin(rig);
	rig->out.heartbeat = true;
	for (unsigned k = 0; k < 8; k++)
		rig_coils(rig, k, true, false, false);
	rig_run(rig, 14, 1);
	for (unsigned k = 0; k < 8; k++)
		CU_ASSERT_FALSE(rig->truth.pack[k].closed[POLE_NEGATIVE]);
	CU_ASSERT_EQUAL(rig->in.contacts[0].readback[POLE_NEGATIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(rig->in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_OPEN);
	rig_run(rig, 36, 1);
	for (unsigned k = 0; k < 8; k++)
		CU_ASSERT_TRUE(rig->truth.pack[k].closed[POLE_NEGATIVE]);
	rig_run(rig, 25, 1);
	for (unsigned k = 0; k < 8; k++) {
		CU_ASSERT_EQUAL(rig->in.contacts[k].feedback[POLE_NEGATIVE], CONTACT_CLOSED);
		rig_coils(rig, k, false, false, false);
	}
	rig_run(rig, 9, 1);
	for (unsigned k = 0; k < 8; k++)
		CU_ASSERT_TRUE(rig->truth.pack[k].closed[POLE_NEGATIVE]);
	rig_run(rig, 5, 1);
	for (unsigned k = 0; k < 8; k++)
		CU_ASSERT_FALSE(rig->truth.pack[k].closed[POLE_NEGATIVE]);
	rig_delete(rig);
}

static void a_missing_pole_is_a_bridge(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig->site.pack[0].contactors.has[POLE_NEGATIVE] = false;
	rig->site.pack[0].contactors.feedback[POLE_NEGATIVE] = false;
	rig_begin(rig);
	rig->out.heartbeat = true;
	rig_coils(rig, 0, false, false, true);
	rig_run(rig, 2000, 100);
	CU_ASSERT_TRUE(rig->truth.bus_v > 0.95 * rig->truth.pack[0].e_v);
	CU_ASSERT_EQUAL(rig->in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_UNKNOWN);
	CU_ASSERT_EQUAL(rig->in.contacts[0].readback[POLE_NEGATIVE], CONTACT_UNKNOWN);
	rig_delete(rig);
}

static void a_weld_keeps_conducting_and_clear_frees_it(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_connect_all(rig);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_WELD, 0, POLE_NEGATIVE, 0.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_WELD, 0, POLE_POSITIVE, 0.0));
	rig_coils(rig, 0, false, false, false);
	rig_coils(rig, 1, false, false, false);
	rig_run(rig, 5000, 100);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	CU_ASSERT_EQUAL(rig->in.contacts[0].feedback[POLE_POSITIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(rig->in.contacts[0].readback[POLE_POSITIVE], CONTACT_OPEN);
	CU_ASSERT_FALSE(rig->truth.pack[1].closed[POLE_NEGATIVE]);
	CU_ASSERT_TRUE(near(rig->truth.bus_v, rig->truth.pack[0].e_v, 0.01));
	twin_clear(rig->twin);
	rig_run(rig, 8000, 100);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	CU_ASSERT_TRUE(rig->truth.bus_v < 10.0);
	rig_delete(rig);
}

static void contact_faults_show(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	unsigned edges = 0;
	enum contact last = CONTACT_UNKNOWN;

	rig_begin(rig);
	rig_connect_all(rig);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_NO_CLOSE, 1, POLE_POSITIVE, 0.0));
	rig_coils(rig, 1, false, false, false);
	rig_run(rig, 500, 100);
	rig_coils(rig, 1, true, true, false);
	rig_run(rig, 500, 100);
	CU_ASSERT_TRUE(rig->truth.pack[1].closed[POLE_NEGATIVE]);
	CU_ASSERT_FALSE(rig->truth.pack[1].closed[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(rig->truth.pack[1].a, 0.0);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_FEEDBACK_LOST, 0, POLE_NEGATIVE, 0.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_CHATTER, 0, POLE_POSITIVE, 0.0));
	for (int i = 0; i < 50; i++) {
		rig_run(rig, 100, 100);
		edges += rig->in.contacts[0].feedback[POLE_POSITIVE] != last;
		last = rig->in.contacts[0].feedback[POLE_POSITIVE];
	}
	CU_ASSERT_EQUAL(rig->in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_OPEN);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	CU_ASSERT_TRUE(edges > 10);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_FEEDBACK_GONE, 1, POLE_NEGATIVE, 0.0));
	rig_run(rig, 100, 100);
	for (int pole = 0; pole < POLE_COUNT; pole++)
		CU_ASSERT_EQUAL(rig->in.contacts[1].feedback[pole], CONTACT_UNKNOWN);
	CU_ASSERT_EQUAL(rig->in.gpio, GPIO_OK);
	rig_delete(rig);
}

static void a_lost_heartbeat_drops_the_converter_and_then_the_coils(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	int64_t off_ms = 0, open_ms = 0, lost_ms;

	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 10e3);
	rig->out.heartbeat = false; /* the coils stay driven, as after a SIGKILL */
	lost_ms = rig->in.now_ms;
	for (int ms = 0; ms < 600; ms++) {
		rig_run(rig, 1, 1);
		if (!off_ms && rig->truth.ac_w == 0.0)
			off_ms = rig->in.now_ms;
		if (!open_ms && rig->truth.pack[0].a == 0.0 && rig->truth.pack[1].a == 0.0)
			open_ms = rig->in.now_ms;
	}
	CU_ASSERT_TRUE(off_ms - lost_ms >= 400 && off_ms < open_ms);
	CU_ASSERT_TRUE(open_ms > 0 && open_ms - lost_ms <= 600);
	CU_ASSERT_EQUAL(rig->truth.pack[0].loaded_breaks, 0);
	CU_ASSERT_EQUAL(rig->in.contacts[0].readback[POLE_POSITIVE], CONTACT_CLOSED);
	rig_delete(rig);
}

static void nothing_closes_before_the_first_heartbeat(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_coils(rig, 0, true, true, true);
	rig_run(rig, 1000, 100);
	CU_ASSERT_EQUAL(rig->truth.bus_v, 0.0);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	rig_delete(rig);
}

static void the_estop_cuts_power_at_once_and_coils_after_the_off_delay(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 10e3);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_ESTOP, -1, POLE_NEGATIVE, 0.0));
	rig_run(rig, 1, 1);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].edge_ms, rig->in.now_ms);
	rig_run(rig, 25, 1);
	CU_ASSERT_EQUAL(rig->truth.ac_w, 0.0);
	rig_run(rig, 360, 10);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_POSITIVE]);
	rig_run(rig, 60, 10);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_SMOKE].level, LEVEL_OK);
	rig_delete(rig);
}

static void a_lost_gpio_chip_ends_open(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);
	int64_t stamp;

	rig_begin(rig);
	rig_connect_all(rig);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_GPIO_GONE, -1, POLE_NEGATIVE, 0.0));
	stamp = rig->in.contacts[0].stamp_ms;
	rig_run(rig, 700, 100);
	CU_ASSERT_EQUAL(rig->in.gpio, GPIO_GONE);
	CU_ASSERT_EQUAL(rig->in.contacts[0].stamp_ms, stamp);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_POSITIVE]);
	rig_delete(rig);
}

static void a_falling_coil_supply_drops_the_contactors(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_connect_all(rig);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.supply_v, 24.0, 0.01);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_SUPPLY, -1, POLE_NEGATIVE, 14.0));
	rig_run(rig, 1500, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.supply_v, 14.0, 0.01);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_POSITIVE]); /* holds, would not pick up */
	rig_coils(rig, 0, true, false, false);
	rig_run(rig, 100, 100);
	rig_coils(rig, 0, true, true, false);
	rig_run(rig, 100, 100);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_POSITIVE]);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_SUPPLY, -1, POLE_NEGATIVE, 5.0));
	rig_run(rig, 100, 100);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	rig_delete(rig);
}

static void precharge_faults_show(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig_begin(rig);
	rig->out.heartbeat = true;
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_PRECHARGE_OPEN, 0, POLE_NEGATIVE, 0.0));
	rig_coils(rig, 0, true, false, true);
	rig_run(rig, 1000, 100);
	CU_ASSERT_EQUAL(rig->truth.bus_v, 0.0);
	twin_clear(rig->twin);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_BUS_SHORT, -1, POLE_NEGATIVE, 0.0));
	rig_run(rig, 1000, 100);
	CU_ASSERT_TRUE(rig->truth.bus_v < 0.1 * rig->truth.pack[0].e_v);
	CU_ASSERT_TRUE(rig->truth.pack[0].a > 5.0);
	CU_ASSERT_TRUE(rig->truth.pack[0].resistor_j > 1000.0);
	twin_clear(rig->twin);
	rig_run(rig, 2000, 100);
	CU_ASSERT_TRUE(rig->truth.bus_v > 0.97 * rig->truth.pack[0].e_v);
	rig_delete(rig);
}

static void packs_wake_up_and_take_turns(void)
{
	struct rig *rig = rig_new(8, CHEMISTRY_NMC);
	unsigned same = 0;

	rig_begin(rig);
	rig_run(rig, 290, 10);
	for (unsigned k = 0; k < 8; k++)
		CU_ASSERT_EQUAL(rig->in.pack[k].electrical_ms, 0);
	rig_run(rig, 210, 10);
	for (unsigned k = 0; k < 8; k++) {
		CU_ASSERT_TRUE(rig->in.pack[k].electrical_ms > 0);
		CU_ASSERT_TRUE(rig->in.pack[k].cells_ms > 0);
		CU_ASSERT_TRUE(rig->in.pack[k].temps_ms > 0);
		CU_ASSERT_TRUE(rig->in.pack[k].bms_ms > 0);
		CU_ASSERT_TRUE(rig->in.pack[k].link_ms > 0);
		CU_ASSERT_TRUE(rig->in.pack[k].counts);
	}
	rig_run(rig, 5000, 10);
	for (unsigned k = 1; k < 8; k++) {
		same += rig->in.pack[k].cells_ms % 1000 == rig->in.pack[0].cells_ms % 1000;
		CU_ASSERT_TRUE(rig->in.now_ms - rig->in.pack[k].electrical_ms < 100);
		CU_ASSERT_TRUE(rig->in.now_ms - rig->in.pack[k].cells_ms < 1000);
	}
	CU_ASSERT_EQUAL(same, 0);
	rig_delete(rig);
}

static void readings_are_as_coarse_as_those_of_real_packs(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_LMO);
	const struct pack_sample *leaf = &rig->in.pack[0];
	double error_v;

	rig->config.spread = rig->config.noise = 1.0;
	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 5e3);
	CU_ASSERT_EQUAL(fmod(leaf->pack_v, 0.5), 0.0);
	CU_ASSERT_EQUAL(fmod(leaf->current_a, 0.5), 0.0);
	CU_ASSERT_DOUBLE_EQUAL(fmod(leaf->cell_v[5] * 1000.0 + 0.5, 1.0), 0.5, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(fmod(leaf->soc * 200.0 + 0.5, 1.0), 0.5, 1e-6);
	error_v = leaf->pack_v - rig->truth.pack[0].v;
	CU_ASSERT_TRUE(fabs(error_v) < 1.2);
	CU_ASSERT_TRUE(fabs(leaf->current_a - rig->truth.pack[0].a) < 1.5);
	CU_ASSERT_TRUE(fabs(rig->truth.pack[0].capacity_ah - 48.0) > 0.01);
	CU_ASSERT_TRUE(fabs(rig->truth.pack[0].capacity_ah - 48.0) <= 0.15 * 48.0);
	CU_ASSERT_TRUE(fabs(rig->truth.pack[0].r_growth - 2.0) <= 0.30 * 2.0);
	rig_delete(rig);
}

static void without_spread_and_noise_truth_is_belief(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig->config.ambient_c = 25.0;
	rig_begin(rig);
	rig_run(rig, 1000, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.pack[0].capacity_ah, 48.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.pack[0].r_ohm, 0.150, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.pack[0].e_v, 96.0 * chemistry_ocv_v(CHEMISTRY_NMC, 0.5),
			       1e-6);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[0].pack_v, rig->truth.pack[0].v, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[0].soc, 0.5, 1e-9);
	rig_delete(rig);
}

static void sender_faults_show(void)
{
	struct rig *rig = rig_new(4, CHEMISTRY_NMC);
	struct pack_sample before[4];

	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 0.0);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_FROZEN, 0, POLE_NEGATIVE, 0.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_STALE, 1, POLE_NEGATIVE, 0.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_INVALID, 2, POLE_NEGATIVE, 0.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_CURRENT_LIE, 3, POLE_NEGATIVE, 7.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_VOLTAGE_LIE, 3, POLE_NEGATIVE, -5.0));
	memcpy(before, rig->in.pack, sizeof(before));
	rig_power(rig, 12e3);
	CU_ASSERT_TRUE(rig->in.pack[0].electrical_ms > before[0].electrical_ms);
	CU_ASSERT_TRUE(rig->in.pack[0].cells_ms > before[0].cells_ms);
	CU_ASSERT_EQUAL(rig->in.pack[0].electrical_count, before[0].electrical_count);
	CU_ASSERT_EQUAL(rig->in.pack[0].current_a, before[0].current_a);
	CU_ASSERT_TRUE(rig->truth.pack[0].a > 5.0);
	CU_ASSERT_EQUAL(memcmp(&rig->in.pack[1], &before[1], sizeof(before[1])), 0);
	CU_ASSERT_TRUE(rig->in.pack[2].electrical_ms > before[2].electrical_ms);
	CU_ASSERT_TRUE(isnan(rig->in.pack[2].pack_v) && isnan(rig->in.pack[2].current_a));
	CU_ASSERT_TRUE(isnan(rig->in.pack[2].cell_v[0]) && isnan(rig->in.pack[2].temp_c[0]));
	CU_ASSERT_TRUE(isnan(rig->in.pack[2].soc));
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[3].current_a, rig->truth.pack[3].a + 7.0, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[3].pack_v, rig->truth.pack[3].v - 5.0, 0.2);
	twin_clear(rig->twin);
	rig_power(rig, 12e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[0].current_a, rig->truth.pack[0].a, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[1].current_a, rig->truth.pack[1].a, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[2].current_a, rig->truth.pack[2].a, 0.2);
	rig_delete(rig);
}

static void a_pack_frozen_from_the_start_is_frozen_at_its_first_values(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);
	double v;

	rig_begin(rig);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_FROZEN, 0, POLE_NEGATIVE, 0.0));
	rig_connect_all(rig);
	v = rig->in.pack[0].pack_v;
	CU_ASSERT_TRUE(v > 300.0);
	rig_power(rig, 12e3);
	CU_ASSERT_EQUAL(rig->in.pack[0].pack_v, v);
	CU_ASSERT_EQUAL(rig->in.pack[0].n_cells, 96);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[0].temp_c[3], 20.0, 0.1);
	rig_delete(rig);
}

static void a_bms_near_empty_and_full_says_so(void)
{
	struct rig *rig = rig_new(3, CHEMISTRY_NMC);

	for (unsigned k = 0; k < 3; k++)
		rig->site.pack[k].limit.cell_min_v = 3.4;
	rig->site.pack[0].limit.cell_trip_low_v = 3.375;
	rig->site.pack[1].limit.cell_max_v = 4.10;
	rig->site.pack[1].limit.cell_trip_high_v = 4.15;
	rig->config.pack[0].soc = 0.03;
	rig->config.pack[1].soc = 1.0;
	rig_begin(rig);
	rig_run(rig, 1500, 100);
	CU_ASSERT_EQUAL(rig->in.pack[0].bms_flags, BMS_NO_DISCHARGE);
	CU_ASSERT_TRUE(rig->in.pack[0].dis_limit_a < 15.0);
	CU_ASSERT_EQUAL(rig->in.pack[0].cha_limit_a, 40.0);
	CU_ASSERT_EQUAL(rig->in.pack[1].bms_flags, BMS_NO_CHARGE | BMS_FAULT | BMS_WANTS_OPEN);
	CU_ASSERT_EQUAL(rig->in.pack[1].cha_limit_a, 0.0);
	CU_ASSERT_EQUAL(rig->in.pack[2].bms_flags, 0);
	CU_ASSERT_EQUAL(rig->in.pack[2].dis_limit_a, 60.0);
	rig_delete(rig);
}

static void cell_and_heat_faults_show(void)
{
	struct rig *rig = rig_new(4, CHEMISTRY_NMC);
	double e_v, low = 9.0;

	rig_begin(rig);
	rig_run(rig, 2000, 100);
	e_v = rig->truth.pack[0].e_v;
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_CELL_DRIFT, 0, POLE_NEGATIVE, 0.25));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_HOT, 1, POLE_NEGATIVE, 3000.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_RUNAWAY, 2, POLE_NEGATIVE, 1.5));
	rig_run(rig, 20000, 100);
	for (int i = 0; i < 96; i++)
		low = rig->in.pack[0].cell_v[i] < low ? rig->in.pack[0].cell_v[i] : low;
	CU_ASSERT_DOUBLE_EQUAL(low, e_v / 96.0 - 0.25, 0.002);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.pack[0].cell_min_v, e_v / 96.0 - 0.25, 0.002);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.pack[0].v, e_v - 0.25, 0.01);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[1].temp_c[1], 20.0 + 60000.0 / 204200.0, 0.05);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[2].temp_c[0], 50.0, 3.1);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.pack[2].temp_c[1], 20.0, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.pack[2].temp_max_c, 50.0, 3.1);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_AMBIENT, -1, POLE_NEGATIVE, -10.0));
	rig_run(rig, 3600000, 1000);
	CU_ASSERT_TRUE(rig->in.pack[3].temp_c[0] < 17.0);
	CU_ASSERT_TRUE(rig->in.pack[3].cha_limit_a < rig->in.pack[3].dis_limit_a);
	rig_delete(rig);
}

static void inputs_bus_sensor_and_insulation_faults_show(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	struct twin_fault smoke = {.kind = TWIN_INPUT, .pack = -1, .input = INPUT_SMOKE};
	int64_t stamp;

	rig_begin(rig);
	rig_run(rig, 1500, 100);
	CU_ASSERT_TRUE(rig->in.imd.insulation_ohm > 1e6);
	CU_ASSERT_TRUE_FATAL(twin_inject(rig->twin, &smoke));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_BUS_SENSOR, -1, POLE_NEGATIVE, 0.0));
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_INSULATION, 1, POLE_NEGATIVE, 20e3));
	stamp = rig->in.bus.stamp_ms;
	CU_ASSERT_EQUAL(stamp, rig->in.now_ms);
	rig_run(rig, 1500, 100);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_SMOKE].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_GAS].level, LEVEL_OK);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_FAN].level, LEVEL_TRIPPED); /* it is off */
	CU_ASSERT_EQUAL(rig->in.bus.stamp_ms, stamp);
	rig->out.fan = true;
	rig_run(rig, 200, 100);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_FAN].level, LEVEL_OK);
	CU_ASSERT_TRUE(rig->in.imd.insulation_ohm > 1e6); /* the leaking pack is not on the bus */
	rig_connect_all(rig);
	rig_run(rig, 1500, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.imd.insulation_ohm, 20e3, 200.0);
	twin_clear(rig->twin);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_INSULATION, -1, POLE_NEGATIVE, 50e3));
	rig_run(rig, 1500, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.imd.insulation_ohm, 50e3, 1000.0);
	rig_delete(rig);
}

static void faults_end_when_they_should_and_the_callers_are_told(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);
	struct twin_fault jump = {.kind = TWIN_CLOCK_JUMP,
				  .at_ms = 500,
				  .until_ms = 800,
				  .pack = -1,
				  .value = 3600.0};
	struct twin_fault stranger = {.kind = TWIN_STALE, .pack = 1};
	double value = 0.0;

	rig_begin(rig);
	CU_ASSERT_TRUE(twin_inject(rig->twin, &jump));
	CU_ASSERT_FALSE(twin_inject(rig->twin, &stranger));
	rig_run(rig, 400, 100);
	CU_ASSERT_FALSE(twin_fault_active(rig->twin, TWIN_CLOCK_JUMP, &value));
	rig_run(rig, 200, 100);
	CU_ASSERT_TRUE(twin_fault_active(rig->twin, TWIN_CLOCK_JUMP, &value));
	CU_ASSERT_EQUAL(value, 3600.0);
	rig_run(rig, 200, 100);
	CU_ASSERT_FALSE(twin_fault_active(rig->twin, TWIN_CLOCK_JUMP, NULL));
	CU_ASSERT_FALSE(twin_fault_active(rig->twin, TWIN_BROKER_LOSS, NULL));
	for (int i = 1; i < TWIN_FAULT_MAX; i++)
		CU_ASSERT_TRUE(twin_inject(rig->twin, &jump));
	CU_ASSERT_FALSE(twin_inject(rig->twin, &jump));
	rig_delete(rig);
}

static void the_same_seed_gives_the_same_samples(void)
{
	static const uint64_t seed[3] = {7, 7, 8};
	struct rig *rig[3];

	for (int i = 0; i < 3; i++) {
		rig[i] = rig_new(3, CHEMISTRY_LMO);
		rig[i]->config.seed = seed[i];
		rig[i]->config.spread = rig[i]->config.noise = 1.0;
		rig_begin(rig[i]);
		rig_connect_all(rig[i]);
		rig_power(rig[i], 6e3);
		rig_fault(rig[i], TWIN_CHATTER, 0, POLE_POSITIVE, 0.0);
		rig_run(rig[i], 60000, 100);
	}
	CU_ASSERT_EQUAL(memcmp(&rig[0]->in, &rig[1]->in, sizeof(rig[0]->in)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(&rig[0]->in, &rig[2]->in, sizeof(rig[0]->in)), 0);
	for (int i = 0; i < 3; i++)
		rig_delete(rig[i]);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(contactors_move_in_their_data_sheet_times),
		T(a_missing_pole_is_a_bridge),
		T(a_weld_keeps_conducting_and_clear_frees_it),
		T(contact_faults_show),
		T(a_lost_heartbeat_drops_the_converter_and_then_the_coils),
		T(nothing_closes_before_the_first_heartbeat),
		T(the_estop_cuts_power_at_once_and_coils_after_the_off_delay),
		T(a_lost_gpio_chip_ends_open),
		T(a_falling_coil_supply_drops_the_contactors),
		T(precharge_faults_show),
		T(packs_wake_up_and_take_turns),
		T(readings_are_as_coarse_as_those_of_real_packs),
		T(without_spread_and_noise_truth_is_belief),
		T(sender_faults_show),
		T(a_pack_frozen_from_the_start_is_frozen_at_its_first_values),
		T(a_bms_near_empty_and_full_says_so),
		T(cell_and_heat_faults_show),
		T(inputs_bus_sensor_and_insulation_faults_show),
		T(faults_end_when_they_should_and_the_callers_are_told),
		T(the_same_seed_gives_the_same_samples),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"twin faults", NULL, NULL, NULL, NULL, NULL}, CU_SUITE_INFO_NULL};
	unsigned failed;

	suites[0].pTests = (CU_TestInfo *)(uintptr_t)tests;
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
