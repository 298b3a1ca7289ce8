/* The simulated plant against closed forms: packs, bus, converter. */
#include <CUnit/Basic.h>

#include "core/chemistry.h"
#include "tests/twin_site.h"

static bool near(double v, double want, double share)
{
	return fabs(v - want) <= share * fabs(want);
}

static void zero_outputs_keep_everything_open(void)
{
	struct rig *rig = rig_new(3, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_run(rig, 5000, 100);
	CU_ASSERT_EQUAL(rig->truth.bus_v, 0.0);
	CU_ASSERT_EQUAL(rig->truth.dc_w, 0.0);
	CU_ASSERT_EQUAL(rig->in.pcs[0].state, PCS_OFF);
	for (unsigned k = 0; k < 3; k++) {
		CU_ASSERT_EQUAL(rig->truth.pack[k].a, 0.0);
		for (int pole = 0; pole < POLE_COUNT; pole++)
			CU_ASSERT_EQUAL(rig->in.contacts[k].feedback[pole], CONTACT_OPEN);
	}
	rig_delete(rig);
}

static void precharge_follows_the_rc_curve(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);
	double tau_s, e_v;
	int64_t begin = 0;
	unsigned points = 0;

	rig_begin(rig);
	rig->out.heartbeat = true;
	rig_coils(rig, 0, true, false, false);
	rig_run(rig, 200, 10);
	CU_ASSERT_EQUAL(rig->truth.bus_v, 0.0);
	e_v = rig->truth.pack[0].e_v;
	tau_s = (47.0 + rig->truth.pack[0].r_ohm + 0.005) * 0.005;
	rig_coils(rig, 0, true, false, true);
	for (int ms = 0; ms < 1500; ms++) {
		rig_run(rig, 1, 1);
		if (!begin && rig->truth.cap_v > 0.0)
			begin = rig->in.now_ms;
		/* Bounce delays the curve by some ms: compare from 10 % on, against time. */
		if (begin && ms % 50 == 0 && rig->truth.cap_v > 0.1 * e_v &&
		    rig->truth.cap_v < 0.97 * e_v) {
			double t = (double)(rig->in.now_ms - begin) / 1000.0;
			double want = -tau_s * log(1.0 - rig->truth.cap_v / e_v);

			CU_ASSERT_DOUBLE_EQUAL(t, want, 0.015);
			points++;
		}
	}
	CU_ASSERT_TRUE(points > 8);
	CU_ASSERT_TRUE(rig->truth.cap_v > 0.99 * e_v);
	/* The resistor takes as much as the capacitor, less what it cooled. */
	CU_ASSERT_TRUE(near(rig->truth.pack[0].resistor_j, 0.5 * 0.005 * e_v * e_v, 0.05));
	rig_delete(rig);
}

static void inrush_between_two_packs_meets_the_formula(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	double want;

	/* A larger capacitor adds its own share to the first milliseconds. */
	rig->site.bus.capacitance_f = 0.001;
	rig->config.pack[1].soc = 0.53;
	rig_begin(rig);
	rig->out.heartbeat = true;
	rig_coils(rig, 0, true, false, true);
	rig_run(rig, 2000, 100);
	rig_coils(rig, 0, true, true, false);
	rig_run(rig, 500, 100);
	want = fabs(rig->truth.pack[1].e_v - rig->truth.pack[0].e_v) /
	       (rig->truth.pack[0].r_ohm + rig->truth.pack[1].r_ohm);
	CU_ASSERT_TRUE(want > 3.0);
	rig_coils(rig, 1, true, true, false);
	rig_run(rig, 300, 20);
	CU_ASSERT_TRUE(near(rig->truth.pack[1].peak_a, want, 0.20));
	CU_ASSERT_TRUE(rig->truth.pack[1].a > 0.0);
	CU_ASSERT_TRUE(rig->truth.pack[0].a < 0.0);
	rig_delete(rig);
}

/* tau = 3600 (R1 + R2) / (E1'/Q1 + E2'/Q2): two packs with no polarisation on an idle bus. */
static void two_packs_equalise_in_the_predicted_time(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	double slope_v = 96.0 * chemistry_slope_v(CHEMISTRY_NMC, 0.575), tau_s, begin_a;
	int64_t begin_ms;

	for (unsigned k = 0; k < 2; k++) {
		rig->site.pack[k].model.r_fast_ohm = rig->site.pack[k].model.r_10s_ohm = 0.1;
		rig->config.pack[k].soc = k ? 0.57 : 0.58;
	}
	rig->config.load_w = 0.0;
	rig->config.ambient_c = 25.0;
	rig_begin(rig);
	rig_connect_all(rig);
	tau_s = 3600.0 * (rig->truth.pack[0].r_ohm + rig->truth.pack[1].r_ohm) /
		(2.0 * slope_v / 48.0);
	begin_a = rig->truth.pack[0].a;
	begin_ms = rig->in.now_ms;
	CU_ASSERT_TRUE_FATAL(begin_a > 0.3);
	while (rig->truth.pack[0].a > begin_a * exp(-1.0) && rig->in.now_ms < 10000000)
		rig_run(rig, 1000, 100);
	CU_ASSERT_TRUE(near((double)(rig->in.now_ms - begin_ms) / 1000.0, tau_s, 0.15));
	rig_delete(rig);
}

static void currents_sum_to_the_converter_and_energy_balances(void)
{
	struct rig *rig = rig_new(4, CHEMISTRY_NMC);
	double source_ws = 0.0, sink_ws = 0.0, loss_ws = 0.0, charge_as = 0.0, soc;

	rig->config.spread = 1.0;
	rig->config.load_w = 100.0;
	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 12e3);
	soc = rig->truth.pack[2].soc;
	for (int tick = 0; tick < 6000; tick++) {
		double a = 0.0;

		rig->out.pcs[0].p_w = tick % 1000 < 500 ? 12e3 : -9e3;
		rig_run(rig, 100, 100);
		for (unsigned k = 0; k < 4; k++) {
			const struct twin_pack_truth *pack = &rig->truth.pack[k];

			a += pack->a;
			/* Over the step the source had the voltage that drove its current. */
			source_ws += 0.1 * pack->a * (pack->v + pack->a * pack->r_ohm);
			loss_ws += 0.1 * pack->a * pack->a * pack->r_ohm;
		}
		CU_ASSERT_DOUBLE_EQUAL(a, rig->truth.dc_a + rig->truth.load_a, 1e-6);
		sink_ws += 0.1 * rig->truth.cap_v * (rig->truth.dc_a + rig->truth.load_a);
		loss_ws += 0.1 * a * a * 0.005;
		charge_as += 0.1 * rig->truth.pack[2].a;
	}
	CU_ASSERT_TRUE(source_ws > 1e5);
	CU_ASSERT_TRUE(near(sink_ws + loss_ws, source_ws, 1e-3));
	CU_ASSERT_DOUBLE_EQUAL(soc - rig->truth.pack[2].soc,
			       charge_as / 3600.0 / rig->truth.pack[2].capacity_ah, 1e-5);
	rig_delete(rig);
}

/* Energy out of the cells' OCV equals energy at the terminals plus heat: measured as temperature.
 */
static void heat_is_the_energy_that_did_not_arrive(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);
	double ocv_ws = 0.0, out_ws = 0.0, heat_ws, capacity_j_k;
	struct pack_model *model = &rig->site.pack[0].model;

	model->r_10s_ohm = model->r_fast_ohm;
	rig->config.pack[0].soc = 0.6;
	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 0.0);
	rig->truth.pack[0].temp_c = 20.0;
	rig->out.pcs[0].p_w = 12e3;
	for (int tick = 0; tick < 3000; tick++) {
		rig_run(rig, 100, 100);
		ocv_ws += 0.1 * rig->truth.pack[0].a * 96.0 *
			  chemistry_ocv_v(CHEMISTRY_NMC, rig->truth.pack[0].soc);
		out_ws += 0.1 * rig->truth.pack[0].a * rig->truth.pack[0].v;
	}
	capacity_j_k = 65.0 * 3.7 * 96.0 / 130.0 * 1150.0;
	heat_ws = (rig->truth.pack[0].temp_c - 20.0) * capacity_j_k;
	CU_ASSERT_TRUE(ocv_ws - out_ws > 1e4);
	CU_ASSERT_TRUE(near(heat_ws, ocv_ws - out_ws, 0.03)); /* a little is cooled away */
	rig_delete(rig);
}

static void cells_sum_to_the_pack(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_LMO);
	double sum = 0.0, low = 9.0, high = 0.0;

	rig->config.spread = 1.0;
	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 8e3);
	while (rig->in.pack[0].cells_ms != rig->in.now_ms)
		rig_run(rig, 100, 100);
	CU_ASSERT_EQUAL_FATAL(rig->in.pack[0].n_cells, 96);
	for (int i = 0; i < 96; i++) {
		double v = rig->in.pack[0].cell_v[i];

		sum += v;
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	CU_ASSERT_DOUBLE_EQUAL(sum, rig->truth.pack[0].v, 0.01);
	CU_ASSERT_DOUBLE_EQUAL(low, rig->truth.pack[0].cell_min_v, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(high, rig->truth.pack[0].cell_max_v, 1e-4);
	CU_ASSERT_TRUE(high - low > 0.005);
	rig_delete(rig);
}

static void an_isolated_bus_is_discharged_in_seconds(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);
	double from_v;
	int64_t ms = 0;

	rig_begin(rig);
	rig_connect_all(rig);
	rig_coils(rig, 0, false, false, false);
	rig_run(rig, 20, 1);
	from_v = rig->truth.bus_v;
	CU_ASSERT_TRUE(from_v > 300.0);
	while (rig->truth.bus_v > from_v * 36.0 / 372.0 && ms < 20000) {
		rig_run(rig, 10, 10);
		ms += 10;
	}
	CU_ASSERT_TRUE(near((double)ms, 2700.0, 0.1));
	rig_delete(rig);
}

static void opening_under_charge_dumps_the_load_on_the_bus(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	double from_v, power_w, peak_v = 0.0;
	int64_t open_ms = 0;

	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, -25e3);
	power_w = rig->truth.dc_w;
	from_v = rig->truth.cap_v;
	CU_ASSERT_TRUE(power_w < -23e3);
	rig_coils(rig, 0, false, false, false);
	rig_coils(rig, 1, false, false, false);
	for (int ms = 0; ms < 60; ms++) {
		rig_run(rig, 1, 1);
		if (!open_ms && rig->truth.pack[0].a == 0.0 && rig->truth.pack[1].a == 0.0)
			open_ms = rig->in.now_ms;
		if (rig->in.now_ms == open_ms + 10) {
			double want = sqrt(from_v * from_v - 2.0 * power_w * 0.011 / 0.005);

			CU_ASSERT_TRUE(near(rig->truth.cap_v - from_v, want - from_v, 0.1));
		}
		peak_v = rig->truth.cap_v > peak_v ? rig->truth.cap_v : peak_v;
	}
	CU_ASSERT_TRUE(open_ms > 0);
	CU_ASSERT_TRUE(peak_v > 500.0);
	rig_run(rig, 400, 100);
	CU_ASSERT_EQUAL(rig->in.pcs[0].state, PCS_FAULT);
	CU_ASSERT_TRUE(rig->truth.pack[0].break_a > 20.0);
	CU_ASSERT_EQUAL(rig->truth.pack[0].loaded_breaks, 1);
	rig_delete(rig);
}

static void long_gaps_and_short_ones_tell_the_same_story(void)
{
	struct rig *fine = rig_new(2, CHEMISTRY_LMO), *coarse = rig_new(2, CHEMISTRY_LMO);
	struct rig *both[2] = {fine, coarse};

	for (int i = 0; i < 2; i++) {
		rig_begin(both[i]);
		rig_connect_all(both[i]);
		rig_power(both[i], 9e3);
		rig_run(both[i], 120000, i ? 400 : 10);
	}
	CU_ASSERT_DOUBLE_EQUAL(fine->truth.pack[0].soc, coarse->truth.pack[0].soc, 1e-5);
	CU_ASSERT_DOUBLE_EQUAL(fine->truth.bus_v, coarse->truth.bus_v, 0.01);
	CU_ASSERT_DOUBLE_EQUAL(fine->truth.energy_dis_wh, coarse->truth.energy_dis_wh, 0.5);
	rig_delete(fine);
	rig_delete(coarse);
}

static void the_converter_starts_ramps_and_loses_what_its_sheet_says(void)
{
	struct rig *rig = rig_new(4, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_connect_all(rig);
	rig->out.pcs[0].run = true;
	rig_run(rig, 900, 100);
	CU_ASSERT_NOT_EQUAL(rig->in.pcs[0].state, PCS_RUNNING);
	rig_run(rig, 600, 100);
	CU_ASSERT_EQUAL(rig->in.pcs[0].state, PCS_RUNNING);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.dc_w, 60.0, 1e-9);
	rig->out.pcs[0].p_w = 30e3;
	rig_run(rig, 40, 10);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 0.0, 1e-9); /* not heard yet */
	rig_run(rig, 1300, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 30e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.dc_w, 30e3 / 0.96, 30.0);
	rig->out.pcs[0].p_w = -10e3;
	rig_run(rig, 3000, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, -10e3, 1e-6);
	CU_ASSERT_TRUE(rig->truth.dc_w > -10e3 && rig->truth.dc_w < -9.6e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.meter.p_w, -10e3, 1.0);
	rig->out.pcs[0].p_w = 99e3;
	rig_run(rig, 2000, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 30e3, 1e-6); /* its rating */
	rig_delete(rig);
}

static void the_enable_line_stops_power_in_twenty_milliseconds(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);

	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 15e3);
	rig->out.pcs_enable = false;
	rig_run(rig, 21, 1);
	CU_ASSERT_EQUAL(rig->truth.ac_w, 0.0);
	CU_ASSERT_EQUAL(rig->truth.dc_w, 0.0);
	CU_ASSERT_TRUE(rig->truth.bus_v > 300.0);
	rig_delete(rig);
}

static void a_direct_current_site_is_measured_and_commanded_at_the_bus(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	double before_wh;

	rig->site.grid.measured_at_ac = false;
	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 10e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.dc_w, 10e3 + 60.0, 1e-6);
	CU_ASSERT_TRUE(rig->truth.ac_w < 9.9e3 && rig->truth.ac_w > 9.5e3);
	before_wh = rig->truth.energy_dis_wh;
	rig_run(rig, 36000, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.energy_dis_wh - before_wh, 100.6, 1e-3);
	CU_ASSERT_EQUAL(rig->truth.energy_cha_wh, 0.0);
	rig_delete(rig);
}

static void a_bank_asked_for_more_than_it_has_collapses_and_lives(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig->site.pcs[0].p_max_w = rig->site.pcs[0].dis_max_w = 300e3;
	rig->site.pcs[0].dc_max_a = 5000.0;
	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 290e3);
	CU_ASSERT_TRUE(isfinite(rig->truth.bus_v) && rig->truth.bus_v > 0.0);
	CU_ASSERT_TRUE(rig->truth.pack[0].excess_s > 0.01);
	CU_ASSERT_NOT_EQUAL(rig->in.pcs[0].state, PCS_OFF);
	rig_power(rig, 5e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 5e3, 1e-6);
	rig_delete(rig);
}

static void converter_faults_show(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	int64_t stamp;

	rig_begin(rig);
	rig_connect_all(rig);
	rig_power(rig, 8e3);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_PCS_DEAF, -1, POLE_NEGATIVE, 0.0));
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 8e3, 1e-6);
	twin_clear(rig->twin);
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, -3e3, 1e-6);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_PCS_SIGN, 0, POLE_NEGATIVE, 0.0));
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 3e3, 1e-6);
	twin_clear(rig->twin);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_PCS_SILENT, -1, POLE_NEGATIVE, 0.0));
	stamp = rig->in.pcs[0].stamp_ms;
	rig_power(rig, -3e3);
	CU_ASSERT_EQUAL(rig->in.pcs[0].stamp_ms, stamp);
	twin_clear(rig->twin);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_PCS_FAULT, -1, POLE_NEGATIVE, 0.0));
	rig_power(rig, -3e3);
	CU_ASSERT_EQUAL(rig->in.pcs[0].state, PCS_FAULT);
	CU_ASSERT_EQUAL(rig->truth.ac_w, 0.0);
	twin_clear(rig->twin);
	rig_power(rig, -3e3);
	CU_ASSERT_EQUAL(rig->in.pcs[0].state, PCS_FAULT); /* until it is switched off once */
	rig->out.pcs[0].run = false;
	rig_run(rig, 500, 100);
	CU_ASSERT_EQUAL(rig->in.pcs[0].state, PCS_OFF);
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, -3e3, 1e-6);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_METER_SILENT, -1, POLE_NEGATIVE, 0.0));
	stamp = rig->in.meter.stamp_ms;
	rig_run(rig, 3000, 100);
	CU_ASSERT_EQUAL(rig->in.meter.stamp_ms, stamp);
	rig_delete(rig);
}

/* One step of a bench: the lines' driver puts what it read into `in` before the twin sees it. */
static void bench_run(struct rig *rig, enum contact negative, enum contact positive, int64_t ms)
{
	rig->in.contacts[0].feedback[POLE_NEGATIVE] = negative;
	rig->in.contacts[0].feedback[POLE_POSITIVE] = positive;
	rig_run(rig, ms, 10);
}

static void with_hardware_in_the_loop_a_contactor_is_where_its_feedback_says_it_is(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig->config.hardware_in_the_loop = true;
	rig_begin(rig);
	rig->in.input[INPUT_ESTOP].level = LEVEL_TRIPPED;
	rig->out.heartbeat = true;
	rig_coils(rig, 0, true, false, true); /* of these only the precharge has no feedback */
	bench_run(rig, CONTACT_OPEN, CONTACT_OPEN, 1000);
	CU_ASSERT_EQUAL(rig->truth.bus_v, 0.0);
	bench_run(rig, CONTACT_CLOSED, CONTACT_OPEN, 2000);
	CU_ASSERT_TRUE(rig->truth.bus_v > 0.99 * rig->truth.pack[0].e_v);
	rig_coils(rig, 0, false, false, false);
	bench_run(rig, CONTACT_CLOSED, CONTACT_CLOSED, 10000); /* both weld */
	CU_ASSERT_TRUE(rig->truth.bus_v > 0.99 * rig->truth.pack[0].e_v);
	bench_run(rig, CONTACT_CLOSED, CONTACT_OPEN, 10000);
	CU_ASSERT_TRUE(rig->truth.bus_v < 60.0);
	CU_ASSERT_EQUAL(rig->in.contacts[0].stamp_ms, 0);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(rig->in.gpio, GPIO_UNKNOWN);
	rig_delete(rig);
}

static void a_monitor_and_a_supply_that_come_by_line_are_left_to_their_driver(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig->site.has_imd = rig->site.has_supply = true;
	rig->config.imd_by_line = rig->config.supply_by_line = true;
	rig_begin(rig);
	rig_run(rig, 2000, 10);
	CU_ASSERT_EQUAL(rig->in.imd.stamp_ms, 0);
	CU_ASSERT_EQUAL(rig->in.supply_ms, 0);
	rig_delete(rig);
}

static void with_hardware_in_the_loop_a_feedback_known_to_lie_moves_nothing(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig->config.hardware_in_the_loop = true;
	rig_begin(rig);
	rig->out.heartbeat = true;
	rig_coils(rig, 0, true, false, true);
	bench_run(rig, CONTACT_CLOSED, CONTACT_OPEN, 2000);
	rig_coils(rig, 0, true, true, false);
	bench_run(rig, CONTACT_CLOSED, CONTACT_CLOSED, 100);
	CU_ASSERT_TRUE_FATAL(rig_fault(rig, TWIN_FEEDBACK_LOST, 0, POLE_POSITIVE, 0.0));
	bench_run(rig, CONTACT_CLOSED, CONTACT_OPEN, 10000);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_POSITIVE]);
	CU_ASSERT_TRUE(rig->truth.bus_v > 0.99 * rig->truth.pack[0].e_v);
	rig_delete(rig);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(zero_outputs_keep_everything_open),
		T(precharge_follows_the_rc_curve),
		T(inrush_between_two_packs_meets_the_formula),
		T(two_packs_equalise_in_the_predicted_time),
		T(currents_sum_to_the_converter_and_energy_balances),
		T(heat_is_the_energy_that_did_not_arrive),
		T(cells_sum_to_the_pack),
		T(an_isolated_bus_is_discharged_in_seconds),
		T(opening_under_charge_dumps_the_load_on_the_bus),
		T(long_gaps_and_short_ones_tell_the_same_story),
		T(the_converter_starts_ramps_and_loses_what_its_sheet_says),
		T(the_enable_line_stops_power_in_twenty_milliseconds),
		T(a_direct_current_site_is_measured_and_commanded_at_the_bus),
		T(a_bank_asked_for_more_than_it_has_collapses_and_lives),
		T(converter_faults_show),
		T(with_hardware_in_the_loop_a_contactor_is_where_its_feedback_says_it_is),
		T(a_monitor_and_a_supply_that_come_by_line_are_left_to_their_driver),
		T(with_hardware_in_the_loop_a_feedback_known_to_lie_moves_nothing),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"twin", NULL, NULL, NULL, NULL, NULL}, CU_SUITE_INFO_NULL};
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
