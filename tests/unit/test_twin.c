#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/chemistry.h"
#include "drivers/sim/control.h"
#include "drivers/sim/sim.h"
#include "tests/twin_site.h"

static bool near(double v, double want, double share)
{
	return fabs(v - want) <= share * fabs(want);
}

static struct rig *rig_new(unsigned n_packs, enum chemistry chemistry)
{
	struct rig *rig = malloc(sizeof(*rig));

	if (!rig)
		abort();
	rig_init(rig, n_packs, chemistry);
	return rig;
}

static void rig_begin(struct rig *rig)
{
	if (!rig_start(rig))
		abort();
}

static void rig_delete(struct rig *rig)
{
	rig_stop(rig);
	free(rig);
}

static void fault_now(struct rig *rig, enum twin_fault_kind kind, int pack, enum pole pole,
		      double value)
{
	struct twin_fault fault = {.kind = kind,
				   .at_ms = rig->in.now_ms - 1000,
				   .pack = pack,
				   .pole = pole,
				   .value = value};

	CU_ASSERT_TRUE_FATAL(twin_inject(rig->twin, &fault));
}

/* ---- electrical ------------------------------------------------------------------------------ */

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

/* ---- converter ------------------------------------------------------------------------------- */

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
	fault_now(rig, TWIN_PCS_DEAF, -1, POLE_NEGATIVE, 0.0);
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 8e3, 1e-6);
	twin_clear(rig->twin);
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, -3e3, 1e-6);
	fault_now(rig, TWIN_PCS_SIGN, 0, POLE_NEGATIVE, 0.0);
	rig_power(rig, -3e3);
	CU_ASSERT_DOUBLE_EQUAL(rig->truth.ac_w, 3e3, 1e-6);
	twin_clear(rig->twin);
	fault_now(rig, TWIN_PCS_SILENT, -1, POLE_NEGATIVE, 0.0);
	stamp = rig->in.pcs[0].stamp_ms;
	rig_power(rig, -3e3);
	CU_ASSERT_EQUAL(rig->in.pcs[0].stamp_ms, stamp);
	twin_clear(rig->twin);
	fault_now(rig, TWIN_PCS_FAULT, -1, POLE_NEGATIVE, 0.0);
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
	fault_now(rig, TWIN_METER_SILENT, -1, POLE_NEGATIVE, 0.0);
	stamp = rig->in.meter.stamp_ms;
	rig_run(rig, 3000, 100);
	CU_ASSERT_EQUAL(rig->in.meter.stamp_ms, stamp);
	rig_delete(rig);
}

/* ---- contactors and the safety chain --------------------------------------------------------- */

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
	fault_now(rig, TWIN_WELD, 0, POLE_NEGATIVE, 0.0);
	fault_now(rig, TWIN_WELD, 0, POLE_POSITIVE, 0.0);
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
	fault_now(rig, TWIN_NO_CLOSE, 1, POLE_POSITIVE, 0.0);
	rig_coils(rig, 1, false, false, false);
	rig_run(rig, 500, 100);
	rig_coils(rig, 1, true, true, false);
	rig_run(rig, 500, 100);
	CU_ASSERT_TRUE(rig->truth.pack[1].closed[POLE_NEGATIVE]);
	CU_ASSERT_FALSE(rig->truth.pack[1].closed[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(rig->truth.pack[1].a, 0.0);
	fault_now(rig, TWIN_FEEDBACK_LOST, 0, POLE_NEGATIVE, 0.0);
	fault_now(rig, TWIN_CHATTER, 0, POLE_POSITIVE, 0.0);
	for (int i = 0; i < 50; i++) {
		rig_run(rig, 100, 100);
		edges += rig->in.contacts[0].feedback[POLE_POSITIVE] != last;
		last = rig->in.contacts[0].feedback[POLE_POSITIVE];
	}
	CU_ASSERT_EQUAL(rig->in.contacts[0].feedback[POLE_NEGATIVE], CONTACT_OPEN);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	CU_ASSERT_TRUE(edges > 10);
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
	fault_now(rig, TWIN_ESTOP, -1, POLE_NEGATIVE, 0.0);
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
	fault_now(rig, TWIN_GPIO_GONE, -1, POLE_NEGATIVE, 0.0);
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
	fault_now(rig, TWIN_SUPPLY, -1, POLE_NEGATIVE, 14.0);
	rig_run(rig, 1500, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.supply_v, 14.0, 0.01);
	CU_ASSERT_TRUE(rig->truth.pack[0].closed[POLE_POSITIVE]); /* holds, would not pick up */
	rig_coils(rig, 0, true, false, false);
	rig_run(rig, 100, 100);
	rig_coils(rig, 0, true, true, false);
	rig_run(rig, 100, 100);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_POSITIVE]);
	fault_now(rig, TWIN_SUPPLY, -1, POLE_NEGATIVE, 5.0);
	rig_run(rig, 100, 100);
	CU_ASSERT_FALSE(rig->truth.pack[0].closed[POLE_NEGATIVE]);
	rig_delete(rig);
}

static void precharge_faults_show(void)
{
	struct rig *rig = rig_new(1, CHEMISTRY_NMC);

	rig_begin(rig);
	rig->out.heartbeat = true;
	fault_now(rig, TWIN_PRECHARGE_OPEN, 0, POLE_NEGATIVE, 0.0);
	rig_coils(rig, 0, true, false, true);
	rig_run(rig, 1000, 100);
	CU_ASSERT_EQUAL(rig->truth.bus_v, 0.0);
	twin_clear(rig->twin);
	fault_now(rig, TWIN_BUS_SHORT, -1, POLE_NEGATIVE, 0.0);
	rig_run(rig, 1000, 100);
	CU_ASSERT_TRUE(rig->truth.bus_v < 0.1 * rig->truth.pack[0].e_v);
	CU_ASSERT_TRUE(rig->truth.pack[0].a > 5.0);
	CU_ASSERT_TRUE(rig->truth.pack[0].resistor_j > 1000.0);
	twin_clear(rig->twin);
	rig_run(rig, 2000, 100);
	CU_ASSERT_TRUE(rig->truth.bus_v > 0.97 * rig->truth.pack[0].e_v);
	rig_delete(rig);
}

/* ---- senders --------------------------------------------------------------------------------- */

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
	fault_now(rig, TWIN_FROZEN, 0, POLE_NEGATIVE, 0.0);
	fault_now(rig, TWIN_STALE, 1, POLE_NEGATIVE, 0.0);
	fault_now(rig, TWIN_INVALID, 2, POLE_NEGATIVE, 0.0);
	fault_now(rig, TWIN_CURRENT_LIE, 3, POLE_NEGATIVE, 7.0);
	fault_now(rig, TWIN_VOLTAGE_LIE, 3, POLE_NEGATIVE, -5.0);
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
	fault_now(rig, TWIN_FROZEN, 0, POLE_NEGATIVE, 0.0);
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
	fault_now(rig, TWIN_CELL_DRIFT, 0, POLE_NEGATIVE, 0.25);
	fault_now(rig, TWIN_HOT, 1, POLE_NEGATIVE, 3000.0);
	fault_now(rig, TWIN_RUNAWAY, 2, POLE_NEGATIVE, 1.5);
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
	fault_now(rig, TWIN_AMBIENT, -1, POLE_NEGATIVE, -10.0);
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
	fault_now(rig, TWIN_BUS_SENSOR, -1, POLE_NEGATIVE, 0.0);
	fault_now(rig, TWIN_INSULATION, 1, POLE_NEGATIVE, 20e3);
	stamp = rig->in.bus.stamp_ms;
	CU_ASSERT_EQUAL(stamp, rig->in.now_ms);
	rig_run(rig, 1500, 100);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_SMOKE].level, LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(rig->in.input[INPUT_GAS].level, LEVEL_OK);
	CU_ASSERT_EQUAL(rig->in.bus.stamp_ms, stamp);
	CU_ASSERT_TRUE(rig->in.imd.insulation_ohm > 1e6); /* the leaking pack is not on the bus */
	rig_connect_all(rig);
	rig_run(rig, 1500, 100);
	CU_ASSERT_DOUBLE_EQUAL(rig->in.imd.insulation_ohm, 20e3, 200.0);
	twin_clear(rig->twin);
	fault_now(rig, TWIN_INSULATION, -1, POLE_NEGATIVE, 50e3);
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
		fault_now(rig[i], TWIN_CHATTER, 0, POLE_POSITIVE, 0.0);
		rig_run(rig[i], 60000, 100);
	}
	CU_ASSERT_EQUAL(memcmp(&rig[0]->in, &rig[1]->in, sizeof(rig[0]->in)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(&rig[0]->in, &rig[2]->in, sizeof(rig[0]->in)), 0);
	for (int i = 0; i < 3; i++)
		rig_delete(rig[i]);
}

/* ---- words and the control socket ------------------------------------------------------------ */

static void every_fault_has_a_word_of_its_own(void)
{
	enum twin_fault_kind kind;
	enum pole pole;
	enum input_id input;

	for (int i = TWIN_NONE + 1; i < TWIN_FAULT_COUNT; i++) {
		kind = TWIN_NONE;
		CU_ASSERT_TRUE(
			twin_fault_kind_parse(twin_fault_word((enum twin_fault_kind)i), &kind));
		CU_ASSERT_EQUAL((int)kind, i);
	}
	CU_ASSERT_FALSE(twin_fault_kind_parse("none", &kind));
	CU_ASSERT_FALSE(twin_fault_kind_parse("Weld", &kind));
	CU_ASSERT_FALSE(twin_fault_kind_parse("", &kind));
	CU_ASSERT_TRUE(twin_pole_parse("precharge", &pole) && pole == POLE_PRECHARGE);
	CU_ASSERT_FALSE(twin_pole_parse("neutral", &pole));
	CU_ASSERT_TRUE(twin_input_parse("mains", &input) && input == INPUT_MAINS);
	CU_ASSERT_FALSE(twin_input_parse("sprinkler", &input));
}

static void control_lines_are_understood_or_refused_with_the_remedy(void)
{
	static const struct {
		const char *line, *answer;
	} bad[] = {
		{"", "error: unknown fault \"\""},
		{"melt", "error: unknown fault \"melt\""},
		{"clear all", "error: unknown fault \"clear\""},
		{"weld pack=pack-0", "error: weld needs pole="},
		{"weld pack=pack-9 pole=positive", "error: pack=pack-9 is not known"},
		{"weld pole=middle", "error: pole=middle is not known"},
		{"weld pole", "error: \"pole\": write it as key=value"},
		{"weld colour=red pole=positive", "error: unknown key \"colour\""},
		{"hot pack=pack-0", "error: hot needs value=NUMBER"},
		{"hot pack=pack-0 value=nan", "error: value=nan"},
		{"hot pack=pack-0 value=12x", "error: value=12x"},
		{"hot value=1e999", "error: value=1e999"},
		{"input", "error: input needs input="},
		{"estop for=-1", "error: for=-1"},
		{"estop after=1e300", "error: after=1e300"},
		{"pcs_deaf pcs=pcs2", "error: pcs=pcs2"},
		{"broker_loss", "error: broker_loss cannot be injected"},
	};
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	char answer[CONTROL_ANSWER_MAX], longer[CONTROL_LINE_MAX + 1];
	struct control control;
	struct twin_fault fault;
	bool clear;

	CU_ASSERT_TRUE_FATAL(control_open(&control, &rig->site, 1000, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_FALSE(control_parse(&control, bad[i].line, 5000, &fault, &clear, answer));
		CU_ASSERT_EQUAL(strncmp(answer, bad[i].answer, strlen(bad[i].answer)), 0);
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT_FALSE(control_parse(&control, longer, 5000, &fault, &clear, answer));
	CU_ASSERT_TRUE(control_parse(&control, "clear\n", 5000, &fault, &clear, answer) && clear);
	CU_ASSERT_TRUE_FATAL(control_parse(&control,
					   "weld pack=pack-1 pole=positive after=2 for=0.5", 5000,
					   &fault, &clear, answer));
	CU_ASSERT_FALSE(clear);
	CU_ASSERT_EQUAL(fault.kind, TWIN_WELD);
	CU_ASSERT_EQUAL(fault.pack, 1);
	CU_ASSERT_EQUAL(fault.pole, POLE_POSITIVE);
	CU_ASSERT_EQUAL(fault.at_ms, 6000);
	CU_ASSERT_EQUAL(fault.until_ms, 6500);
	free(rig);
}

static int client_open(const char *own, const char *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", own);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Says a line, lets the driver gather once, returns the answer. */
static const char *client_ask(int fd, struct driver *driver, struct bank_inputs *in,
			      const char *line, char *answer, size_t size)
{
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
	in->now_ms += 100;
	driver->gather(driver->self, in);
	n = recv(fd, answer, size - 1, MSG_DONTWAIT);
	answer[n > 0 ? n : 0] = '\0';
	return answer;
}

static void the_control_socket_breaks_the_plant_and_answers(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	char dir[] = "/tmp/rebank-twin-XXXXXX", path[64], own[64], answer[CONTROL_ANSWER_MAX];
	struct driver driver, second;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sim", dir);
	snprintf(own, sizeof(own), "%s/client", dir);
	CU_ASSERT_TRUE_FATAL(sim_open(&driver, &rig->site, &rig->config, 1000, path));
	CU_ASSERT_TRUE(driver.urgent_fd >= 0);
	CU_ASSERT_FALSE(sim_open(&second, &rig->site, &rig->config, 1000, path));
	CU_ASSERT_EQUAL(errno, EADDRINUSE);
	fd = client_open(own, path);
	rig->in.now_ms = 1000;
	CU_ASSERT_STRING_EQUAL(client_ask(fd, &driver, &rig->in, "estop\n", answer, sizeof(answer)),
			       "ok\n");
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	client_ask(fd, &driver, &rig->in, "nonsense", answer, sizeof(answer));
	CU_ASSERT_EQUAL(strncmp(answer, "error: ", 7), 0);
	CU_ASSERT_STRING_EQUAL(client_ask(fd, &driver, &rig->in, "clear", answer, sizeof(answer)),
			       "ok\n");
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].level, LEVEL_OK);
	driver.apply(driver.self, rig->in.now_ms, &rig->out);
	driver.close(driver.self);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	close(fd);
	unlink(own);
	rmdir(dir);
	free(rig);
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
		T(every_fault_has_a_word_of_its_own),
		T(control_lines_are_understood_or_refused_with_the_remedy),
		T(the_control_socket_breaks_the_plant_and_answers),
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
