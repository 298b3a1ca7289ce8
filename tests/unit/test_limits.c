#include <CUnit/Basic.h>
#include <math.h>
#include <string.h>

#include "core/bank.h"
#include "core/limits.h"

/* ---- the closed form ---- */

static const struct limit_bus wide = {0.0, 0.0, 1000.0, INFINITY, INFINITY};

static struct limit_pack pack_of(double e_v, double r_ohm, double dis_a, double cha_a)
{
	struct limit_pack pack = {.e_v = e_v,
				  .r_ohm = r_ohm,
				  .dis_a = dis_a,
				  .cha_a = cha_a,
				  .v_min = 250.0,
				  .v_max = 420.0};

	limits_interval(&pack);
	return pack;
}

static double current_of(const struct limit_pack *pack, double v)
{
	return (pack->e_v - v) / pack->r_ohm;
}

static void margins_shrink_the_interval(void)
{
	struct limit_pack pack = {.e_v = 360.0,
				  .e_sigma_v = 0.5,
				  .r_ohm = 0.1,
				  .r_rel = 0.2,
				  .dis_a = 50.0,
				  .cha_a = 25.0,
				  .v_min = 300.0,
				  .v_max = 400.0};

	limits_interval(&pack);
	CU_ASSERT_DOUBLE_EQUAL(pack.a_v, 360.0 + 0.5 - 0.1 * 0.8 * 50.0, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(pack.b_v, 360.0 - 0.5 + 0.1 * 0.8 * 25.0, 1e-12);
	pack.v_min = 359.0;
	pack.v_max = 359.5;
	limits_interval(&pack);
	CU_ASSERT_EQUAL(pack.a_v, 359.0);
	CU_ASSERT_EQUAL(pack.b_v, 359.5);
}

static void forbidden_direction_ends_the_interval_at_the_source(void)
{
	struct limit_pack pack = pack_of(360.0, 0.1, 0.0, 0.0);

	CU_ASSERT(pack.a_v >= 360.0 && pack.b_v <= 360.0);
}

static void nonsense_gives_no_interval(void)
{
	struct limit_pack pack = pack_of(360.0, -0.1, 10.0, 10.0);

	CU_ASSERT(isnan(pack.a_v) && isnan(pack.b_v));
	pack = pack_of(360.0, 0.0, 10.0, 10.0);
	CU_ASSERT(isnan(pack.a_v) && isnan(pack.b_v));
	pack = pack_of(360.0, 0.1, -10.0, 10.0);
	CU_ASSERT(isnan(pack.a_v) && isnan(pack.b_v));
	pack = pack_of(360.0, 0.1, 10.0, NAN);
	CU_ASSERT(isnan(pack.a_v) && isnan(pack.b_v));
	pack = pack_of(NAN, 0.1, 10.0, 10.0);
	CU_ASSERT(isnan(pack.a_v) && isnan(pack.b_v));
}

static void equal_packs_share_equally_and_one_pack_is_itself(void)
{
	const struct limit_pack pack[2] = {pack_of(360.0, 0.1, 50.0, 25.0),
					   pack_of(360.0, 0.1, 50.0, 25.0)};
	struct limit_set set;

	limits_of_set(pack, 1, &wide, &set);
	CU_ASSERT_DOUBLE_EQUAL(set.dis_w, 355.0 * 50.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(set.cha_w, 362.5 * 25.0, 1e-9);
	limits_of_set(pack, 3, &wide, &set);
	CU_ASSERT_DOUBLE_EQUAL(set.dis_w, 2.0 * 355.0 * 50.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(set.v_star_v, 360.0, 1e-12);
	CU_ASSERT(set.known && set.consistent && set.idle_safe);
}

static void weak_pack_binds_and_is_named(void)
{
	const struct limit_pack pack[3] = {pack_of(360.0, 0.1, 100.0, 50.0),
					   pack_of(360.5, 0.2, 12.0, 50.0),
					   pack_of(359.0, 0.1, 100.0, 5.0)};
	struct limit_set set;

	limits_of_set(pack, 7, &wide, &set);
	CU_ASSERT_EQUAL(set.binding_dis, 1);
	CU_ASSERT_EQUAL(set.binding_cha, 2);
	CU_ASSERT_DOUBLE_EQUAL(current_of(&pack[1], set.low_v), 12.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(current_of(&pack[2], set.high_v), -5.0, 1e-9);
}

static void packs_too_far_apart_have_no_safe_power(void)
{
	const struct limit_pack pack[2] = {pack_of(380.0, 0.1, 30.0, 30.0),
					   pack_of(350.0, 0.1, 30.0, 30.0)};
	struct limit_set set;

	limits_of_set(pack, 3, &wide, &set);
	CU_ASSERT(set.known);
	CU_ASSERT_FALSE(set.consistent);
	CU_ASSERT_FALSE(set.idle_safe);
	CU_ASSERT_EQUAL(set.dis_w, 0.0);
	CU_ASSERT_EQUAL(set.cha_w, 0.0);
}

static void circulation_beyond_a_limit_makes_the_other_way_a_must(void)
{
	/* at rest the upper pack would give 25 A and may give 20 A: the bus has to be charged */
	const struct limit_pack pack[2] = {pack_of(365.0, 0.1, 20.0, 50.0),
					   pack_of(360.0, 0.1, 50.0, 50.0)};
	struct limit_set set;

	limits_of_set(pack, 3, &wide, &set);
	CU_ASSERT(set.consistent);
	CU_ASSERT_FALSE(set.idle_safe);
	CU_ASSERT(set.dis_w < 0.0);
	CU_ASSERT(set.cha_w > -set.dis_w);
}

static void lone_pack_may_always_idle_within_its_window(void)
{
	struct limit_pack pack = {.e_v = 360.0,
				  .e_sigma_v = 1.0,
				  .r_ohm = 0.1,
				  .r_rel = 0.15,
				  .dis_a = 0.0,
				  .cha_a = 20.0,
				  .v_min = 300.0,
				  .v_max = 400.0};
	struct limit_set set;

	limits_interval(&pack);
	limits_of_set(&pack, 1, &wide, &set);
	CU_ASSERT(set.idle_safe);
	CU_ASSERT_DOUBLE_EQUAL(set.dis_w, 0.0, 1e-9);
	CU_ASSERT(set.cha_w > 0.0);
	pack.v_max = 359.0;
	limits_interval(&pack);
	limits_of_set(&pack, 1, &wide, &set);
	CU_ASSERT_FALSE(set.idle_safe);
}

static void inhibited_pack_beside_another_is_not_idle_safe(void)
{
	struct limit_pack pack[2] = {pack_of(360.0, 0.1, 0.0, 20.0),
				     pack_of(359.0, 0.1, 50.0, 20.0)};
	struct limit_set set;

	limits_of_set(pack, 3, &wide, &set);
	CU_ASSERT(set.known);
	CU_ASSERT_FALSE(set.idle_safe);
}

static void cable_takes_from_discharge_and_adds_to_charge(void)
{
	const struct limit_pack pack[2] = {pack_of(360.0, 0.1, 50.0, 25.0),
					   pack_of(360.0, 0.1, 50.0, 25.0)};
	const struct limit_bus cable = {0.02, 0.0, 1000.0, INFINITY, INFINITY};
	struct limit_set set;

	limits_of_set(pack, 3, &cable, &set);
	CU_ASSERT_DOUBLE_EQUAL(set.dis_w, (355.0 - 0.02 * 100.0) * 100.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(set.cha_w, (362.5 + 0.02 * 50.0) * 50.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(limits_bus_v(&set, 0.02, set.dis_w), 355.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(limits_power_at(&set, 0.02, 362.5), -set.cha_w, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(limits_bus_v(&set, 0.02, 0.0), 360.0, 1e-12);
	CU_ASSERT(isnan(limits_bus_v(&set, 0.02, 1e9)));
}

static void beyond_the_point_of_most_power_nothing_is_promised(void)
{
	const struct limit_pack pack = pack_of(360.0, 0.1, 5000.0, 50.0);
	const struct limit_bus cable = {0.9, 0.0, 1000.0, INFINITY, INFINITY};
	struct limit_set set;

	/* 1 ohm in all: at most 360 V^2 / 4, with half of the voltage lost */
	limits_of_set(&pack, 1, &cable, &set);
	CU_ASSERT_EQUAL(set.binding_dis, LIMIT_BY_BUS);
	CU_ASSERT_DOUBLE_EQUAL(set.dis_w, 360.0 * 360.0 / 4.0, 1e-6);
	CU_ASSERT_FALSE(isnan(limits_bus_v(&set, 0.9, 0.999999 * set.dis_w)));
	CU_ASSERT(isnan(limits_bus_v(&set, 0.9, 1.000001 * set.dis_w)));
}

static void converter_window_and_current_bind(void)
{
	const struct limit_pack pack[2] = {pack_of(360.0, 0.1, 100.0, 100.0),
					   pack_of(360.0, 0.1, 100.0, 100.0)};
	struct limit_bus bus = {0.02, 355.0, 363.0, INFINITY, INFINITY};
	struct limit_set set;
	double a;

	limits_of_set(pack, 3, &bus, &set);
	CU_ASSERT_EQUAL(set.binding_dis, LIMIT_BY_BUS);
	a = set.g_s * (set.v_star_v - set.low_v);
	CU_ASSERT_DOUBLE_EQUAL(set.low_v - 0.02 * a, 355.0, 1e-9);
	a = set.g_s * (set.v_star_v - set.high_v);
	CU_ASSERT_DOUBLE_EQUAL(set.high_v - 0.02 * a, 363.0, 1e-9);
	bus = (struct limit_bus){0.0, 0.0, 1000.0, 30.0, 20.0};
	limits_of_set(pack, 3, &bus, &set);
	CU_ASSERT_EQUAL(set.binding_dis, LIMIT_BY_PCS);
	CU_ASSERT_EQUAL(set.binding_cha, LIMIT_BY_PCS);
	CU_ASSERT_DOUBLE_EQUAL(set.g_s * (set.v_star_v - set.low_v), 30.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(set.g_s * (set.high_v - set.v_star_v), 20.0, 1e-9);
}

static void empty_set_is_known_and_gives_nothing(void)
{
	struct limit_set set;

	limits_of_set(NULL, 0, &wide, &set);
	CU_ASSERT(set.known);
	CU_ASSERT_EQUAL(set.dis_w, 0.0);
	CU_ASSERT_EQUAL(set.cha_w, 0.0);
	CU_ASSERT(isnan(limits_bus_v(&set, 0.0, 0.0)));
}

static void unknown_member_is_named_and_ends_all_power(void)
{
	struct limit_pack pack[2] = {pack_of(360.0, 0.1, 50.0, 25.0),
				     pack_of(360.0, 0.1, 50.0, 25.0)};
	struct limit_set set;

	pack[1].a_v = (double)NAN;
	limits_of_set(pack, 3, &wide, &set);
	CU_ASSERT_FALSE(set.known || set.consistent || set.idle_safe);
	CU_ASSERT_EQUAL(set.binding_dis, 1);
	CU_ASSERT_EQUAL(set.dis_w, 0.0);
	CU_ASSERT_EQUAL(set.cha_w, 0.0);
	CU_ASSERT(isnan(limits_bus_v(&set, 0.0, 100.0)));
	CU_ASSERT(isnan(limits_power_at(&set, 0.0, 355.0)));
}

static void conversion_never_makes_a_limit_grow(void)
{
	struct site site = {.n_pcs = 2, .grid = {.measured_at_ac = true}};

	site.pcs[0] = (struct pcs_site){.efficiency = 0.96, .standby_w = 40.0};
	site.pcs[1] = (struct pcs_site){.efficiency = 0.97, .standby_w = 10.0};
	for (double w = -30e3; w <= 30e3; w += 123.0) {
		const double there = limits_to_site_w(&site, w);

		CU_ASSERT(fabs(there) <= fabs(w));
		CU_ASSERT(fabs(limits_to_dc_w(&site, w)) >= fabs(w));
		if (there > 0.0)
			CU_ASSERT_DOUBLE_EQUAL(limits_to_dc_w(&site, there), w, 1e-9);
	}
	CU_ASSERT_EQUAL(limits_to_site_w(&site, 30.0), 0.0);
	CU_ASSERT(isnan(limits_to_site_w(&site, NAN)) && isnan(limits_to_dc_w(&site, NAN)));
	site.grid.measured_at_ac = false;
	CU_ASSERT_EQUAL(limits_to_site_w(&site, 5e3), 5e3);
	CU_ASSERT_EQUAL(limits_to_dc_w(&site, 5e3), 5e3);
}

/* ---- what is published ---- */

static struct bank bank;
static struct bank_outputs out;

static void make_pack(unsigned k)
{
	struct pack_site *site = &bank.site.pack[k];
	struct estimate *e = &bank.estimate[k];
	struct permit *permit = &bank.protect.pack[k].permit;
	struct pack_now *now = &bank.now.pack[k];

	site->model = (struct pack_model){.chemistry = CHEMISTRY_LMO,
					  .cells_series = 96,
					  .capacity_ah = 50.0,
					  .nominal_ah = 60.0,
					  .r_fast_ohm = 0.1,
					  .r_10s_ohm = 0.13,
					  .tau_s = 17.0,
					  .r_growth = 1.0,
					  .v_offset_max_v = 0.2,
					  .i_offset_max_a = 0.5};
	site->limit = (struct pack_limits){.cell_min_v = 3.2,
					   .cell_max_v = 4.15,
					   .pack_min_v = 300.0,
					   .pack_max_v = 400.0,
					   .dis_max_a = 50.0,
					   .cha_max_a = 25.0};
	*e = (struct estimate){.soc = 0.6,
			       .soc_sigma = 0.01,
			       .capacity_ah = 50.0,
			       .soh = 0.8333,
			       .e_v = 379.0,
			       .e_sigma_v = 0.2,
			       .e_relaxed_v = 379.0,
			       .ocv_slope_v = 40.0,
			       .r_fast_ohm = 0.1,
			       .r_10s_ohm = 0.13,
			       .r_rel = 0.1,
			       .r0_ohm = 0.1 / 96.0,
			       .r_cell_ohm = 0.12 / 96.0,
			       .growth = 1.0,
			       .cell_low_v = 3.94,
			       .cell_high_v = 3.96,
			       .cells_v = 379.0,
			       .e_dis_wh = 9000.0,
			       .e_cha_wh = 6000.0};
	e->e_recovery_v = 0.0;
	*permit = (struct permit){.hold = true, .dis_a = 50.0, .cha_a = 25.0};
	*now = (struct pack_now){
		.pack_v = 379.0, .current_a = 0.0, .cell_min_v = 3.94, .cell_max_v = 3.96};
	bank.contactor[k].connected = true;
}

/* Four like packs of 50 A on a 30 kW converter: 4 x 45 A x 374 V would be more than its rating. */
static void make_bank(void)
{
	memset(&bank, 0, sizeof(bank));
	memset(&out, 0, sizeof(out));
	bank.now_ms = 1000;
	bank.now.bus_v = (double)NAN; /* not measured */
	bank.site.n_packs = 4;
	bank.site.plan =
		(struct plan_site){.soc_floor = 0.1, .soc_ceiling = 0.95, .set_rise_per_s = 0.05};
	bank.site.bus = (struct bus_site){.min_v = 250.0, .max_v = 450.0, .resistance_ohm = 0.005};
	bank.site.grid = (struct grid_site){.measured_at_ac = true,
					    .p_max_w = 30e3,
					    .export_max_w = INFINITY,
					    .import_max_w = INFINITY};
	bank.site.n_pcs = 1;
	bank.site.pcs[0] = (struct pcs_site){.p_max_w = 30e3,
					     .dis_max_w = 30e3,
					     .cha_max_w = 30e3,
					     .dc_min_v = 250.0,
					     .dc_max_v = 450.0,
					     .dc_max_a = 120.0,
					     .efficiency = 0.97,
					     .standby_w = 30.0};
	bank.now.pcs[0] = (struct pcs_now){.known = true,
					   .state = PCS_RUNNING,
					   .dis_max_w = (double)NAN,
					   .cha_max_w = (double)NAN};
	bank.now.meter_w = (double)NAN;
	bank.protect.permit = (struct bank_permit){.power = true, .derate = 1.0};
	for (unsigned i = 0; i < PCS_MAX; i++)
		bank.protect.pcs[i].permit.run = true;
	for (unsigned k = 0; k < 4; k++)
		make_pack(k);
}

static void step(int64_t ms)
{
	bank.now_ms += ms;
	bank.dt_s = (double)ms / 1000.0;
	limits_step(&bank, NULL, &out);
}

static void settle(void)
{
	for (int i = 0; i < 30; i++)
		step(1000);
}

static void healthy_bank_reaches_its_rating(void)
{
	make_bank();
	settle();
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 30e3, 1e-6);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_OK);
	CU_ASSERT_EQUAL(bank.limits.dis_pack, -1);
	CU_ASSERT(isnan(bank.limits.must_w));
	CU_ASSERT(bank.limits.cha_w[HORIZON_NOW] > 20e3);
	CU_ASSERT(out.bus_dis_max_a > 70.0 && out.bus_max_v > out.bus_min_v);
	for (int h = HORIZON_60; h < HORIZON_COUNT; h++) {
		CU_ASSERT(bank.limits.dis_w[h] > 0.0);
		CU_ASSERT(bank.limits.dis_w[h] <= bank.limits.dis_w[h - 1]);
		CU_ASSERT(bank.limits.cha_w[h] <= bank.limits.cha_w[h - 1]);
	}
	CU_ASSERT(bank.limits.dis_w[HORIZON_3600] < 30e3);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.soc, 0.6, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.soh, 50.0 / 60.0, 1e-12);
}

/* Power at the converter when it draws this current from the set. */
static double power_of(double a)
{
	const struct limit_set *set = &bank.limits.set;

	return (set->v_star_v - a / set->g_s - bank.site.bus.resistance_ohm * a) * a;
}

static void bus_currents_give_the_published_power_and_never_more(void)
{
	make_bank();
	bank.now.bus_v = (double)NAN;
	settle();
	CU_ASSERT_DOUBLE_EQUAL(power_of(out.bus_dis_max_a), bank.limits.dis_w[HORIZON_NOW], 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(power_of(-out.bus_cha_max_a), -bank.limits.cha_w[HORIZON_NOW], 1e-6);
	bank.now.bus_v = 400.0;
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(out.bus_dis_max_a * 400.0, bank.limits.dis_w[HORIZON_NOW], 1e-6);
	/* a bus that reads nothing, of either sign, has no current to give */
	const double nothing[] = {0.0, -0.0};
	for (unsigned i = 0; i < 2; i++) {
		bank.now.bus_v = nothing[i];
		step(0);
		CU_ASSERT_EQUAL(out.bus_dis_max_a, 0.0);
		CU_ASSERT_EQUAL(out.bus_cha_max_a, 0.0);
	}
	/* a cap at the grid holds with the losses of the converter */
	bank.now.bus_v = (double)NAN;
	bank.site.grid.import_max_w = 5e3;
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(power_of(-out.bus_cha_max_a), -5e3 * 0.97, 1e-6);
}

static void unknown_source_of_a_connected_pack_ends_all_power(void)
{
	make_bank();
	settle();
	bank.estimate[2].e_v = (double)NAN;
	step(0);
	for (int h = 0; h < HORIZON_COUNT; h++) {
		CU_ASSERT_EQUAL(bank.limits.dis_w[h], 0.0);
		CU_ASSERT_EQUAL(bank.limits.cha_w[h], 0.0);
	}
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_UNKNOWN_LIMIT);
	CU_ASSERT_EQUAL(bank.limits.cha_pack, 2);
	CU_ASSERT_EQUAL(out.bus_dis_max_a, 0.0);
	CU_ASSERT_EQUAL(out.bus_max_v, 0.0);
}

static void unknown_source_of_an_open_pack_matters_not(void)
{
	make_bank();
	bank.contactor[2].connected = false;
	bank.estimate[2].e_v = (double)NAN;
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_OK);
}

static void required_cells_that_are_missing_are_unknown(void)
{
	make_bank();
	bank.now.pack[1].cell_min_v = (double)NAN;
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_OK);
	bank.site.pack[1].cells_required = true;
	step(100);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_UNKNOWN_LIMIT);
	CU_ASSERT_EQUAL(bank.limits.dis_pack, 1);
}

static void limits_fall_at_once_and_rise_by_time_not_by_steps(void)
{
	make_bank();
	settle();
	bank.protect.permit.derate = 0.2;
	step(0);
	const double low_w = bank.limits.dis_w[HORIZON_NOW];
	CU_ASSERT(low_w < 15e3);
	CU_ASSERT(bank.limits.dis_reason != REASON_OK);
	bank.protect.permit.derate = 1.0;
	for (int i = 0; i < 500; i++)
		step(0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], low_w, 1e-9);
	for (int i = 0; i < 20; i++)
		step(100);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], low_w + 2.0 * 0.05 * 30e3, 1e-6);
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_OK);
}

static void changed_set_starts_from_the_present_power(void)
{
	make_bank();
	bank.site.plan.set_rise_per_s = 0.02;
	for (int i = 0; i < 60; i++)
		step(1000);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_OK);
	bank.contactor[3].connected = false;
	bank.now.pcs_ac_w = 7e3;
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 7e3, 1e-9);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_LOADING);
	CU_ASSERT_EQUAL(bank.limits.cha_w[HORIZON_NOW], 0.0);
	step(500);
	step(500);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 7e3 + 0.02 * 30e3, 1e-6);
}

static void forbidden_power_is_zero_with_the_reason_of_the_permit(void)
{
	make_bank();
	settle();
	bank.protect.permit.power = false;
	bank.protect.permit.reason = REASON_ESTOP;
	step(0);
	CU_ASSERT_EQUAL(bank.limits.dis_w[HORIZON_NOW], 0.0);
	CU_ASSERT_EQUAL(bank.limits.cha_w[HORIZON_3600], 0.0);
	CU_ASSERT_EQUAL(bank.limits.cha_reason, REASON_ESTOP);
	make_bank();
	for (unsigned k = 0; k < 4; k++)
		bank.contactor[k].connected = false;
	step(100);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_NOT_READY);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.soc, 0.6, 1e-12);
}

static void export_cap_holds_at_the_meter(void)
{
	make_bank();
	bank.site.grid.has_meter = true;
	bank.site.grid.export_max_w = 5e3;
	bank.site.grid.import_max_w = 15e3;
	bank.site.grid.no_meter_export_w = 1e3;
	bank.site.grid.no_meter_import_w = 2e3;
	bank.now.pcs_ac_w = 6e3;
	bank.now.meter_w = 2e3; /* the site itself draws 4 kW */
	settle();
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 9e3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.cha_w[HORIZON_NOW], 11e3, 1e-6);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_SITE_CAP);
	bank.now.meter_w = (double)NAN;
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 1e3, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.cha_w[HORIZON_NOW], 2e3, 1e-9);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_METER_LOST);
}

static void bms_limit_of_one_pack_binds_the_bank_and_is_named(void)
{
	make_bank();
	bank.protect.pack[1].permit.dis_a = 10.0;
	bank.protect.pack[1].permit.dis_reason = REASON_BMS_LIMIT;
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_BMS_LIMIT);
	CU_ASSERT_EQUAL(bank.limits.dis_pack, 1);
	CU_ASSERT(bank.limits.dis_w[HORIZON_NOW] < 4.0 * 10.0 * 380.0);
}

static void bank_at_its_floor_gives_nothing_but_may_idle_and_charge(void)
{
	make_bank();
	for (unsigned k = 0; k < 4; k++)
		bank.estimate[k].soc = 0.1;
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_w[HORIZON_NOW], 0.0);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_SOC_LOW);
	CU_ASSERT(bank.limits.cha_w[HORIZON_NOW] > 20e3);
	CU_ASSERT(bank.limits.set.idle_safe);
	for (unsigned k = 0; k < 4; k++)
		bank.estimate[k].soc = 0.95;
	settle();
	CU_ASSERT_EQUAL(bank.limits.cha_w[HORIZON_NOW], 0.0);
	CU_ASSERT_EQUAL(bank.limits.cha_reason, REASON_SOC_HIGH);
	CU_ASSERT(bank.limits.dis_w[HORIZON_NOW] > 20e3);
	CU_ASSERT(bank.limits.set.idle_safe);
}

static void weak_cell_bounds_the_bank_before_its_floor_is_met(void)
{
	make_bank();
	bank.estimate[3].cell_low_v = 3.235;
	bank.now.pack[3].cell_min_v = 3.235;
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_CELL_LOW);
	CU_ASSERT_EQUAL(bank.limits.dis_pack, 3);
	/* 15 mV of room over 1.25 mohm: 12 A */
	const double a = (379.0 - bank.limits.set.low_v) / 0.1;
	CU_ASSERT(a > 0.0);
	CU_ASSERT(bank.limits.dis_w[HORIZON_NOW] < 4.0 * 12.5 * 379.0);
	CU_ASSERT(bank.limits.dis_w[HORIZON_NOW] > 4.0 * 9.0 * 379.0);
}

static void impossible_set_is_reported_and_gets_no_power(void)
{
	make_bank();
	bank.estimate[0].e_v = 390.0;
	bank.estimate[1].e_v = 350.0;
	settle();
	CU_ASSERT_EQUAL(bank.limits.dis_w[HORIZON_NOW], 0.0);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_INCONSISTENT);
	CU_ASSERT_EQUAL(bank.limits.dis_pack, 0);
	CU_ASSERT_EQUAL(bank.limits.cha_pack, 1);
}

static void pack_that_must_not_idle_says_what_it_needs(void)
{
	make_bank();
	bank.estimate[0].e_v = 383.0; /* 30 A at rest */
	bank.protect.pack[0].permit.dis_a = 25.0;
	settle();
	CU_ASSERT_FALSE(bank.limits.set.idle_safe);
	CU_ASSERT(bank.limits.must_w < 0.0);
	CU_ASSERT_EQUAL(bank.limits.dis_w[HORIZON_NOW], 0.0);
	CU_ASSERT(bank.limits.cha_w[HORIZON_NOW] > -bank.limits.must_w);
}

static void measured_excess_trims_and_comes_back_slowly(void)
{
	make_bank();
	settle();
	bank.now.pack[1].current_a = 62.5;
	for (int i = 0; i < 10; i++)
		step(100);
	CU_ASSERT_EQUAL(bank.limits.trim[1], 1.0);
	step(100);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.trim[1], 0.8, 0.002);
	CU_ASSERT_EQUAL(bank.limits.trim[0], 1.0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.pack[1].dis_a, 40.0, 0.1);
	bank.now.pack[1].current_a = 40.0;
	for (int i = 0; i < 10; i++)
		step(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.trim[1], 0.9, 0.002);
}

static void two_converters(double rating_w)
{
	make_bank();
	bank.site.n_pcs = 2;
	bank.site.pcs[0].p_max_w = bank.site.pcs[0].dis_max_w = rating_w;
	bank.site.pcs[0].cha_max_w = rating_w;
	bank.site.pcs[1] = bank.site.pcs[0];
	bank.now.pcs[1] = bank.now.pcs[0];
	settle();
}

static void lost_converter_is_assumed_at_its_worst_until_the_balance_shows_zero(void)
{
	two_converters(16e3);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 30e3, 1e-6);
	CU_ASSERT_TRUE(bank.limits.bears_unseen);
	bank.now.pcs[1] = (struct pcs_now){0};
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 14e3, 1e-6);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_PCS_LOST);
	CU_ASSERT_TRUE(bank.limits.bears_unseen);
	bank.converter[1].gives_nothing = true;
	settle();
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 16e3, 1e-6);
	CU_ASSERT_EQUAL(bank.limits.dis_reason, REASON_PCS_LIMIT);
}

static void lost_converter_that_the_packs_cannot_bear_is_not_borne_until_there_is_room(void)
{
	two_converters(16e3);
	bank.now.pcs[1] = (struct pcs_now){0};
	bank.protect.pack[2].permit.cha_a = 0.0; /* it may be charging: no pack bears that */
	step(0);
	CU_ASSERT_FALSE(bank.limits.bears_unseen);
	bank.guard.pcs_drop_ms = bank.now_ms;
	bank.protect.pack[2].permit.cha_a = 25.0;
	step(1000);
	CU_ASSERT_FALSE(bank.limits.bears_unseen);
	step(58000);
	CU_ASSERT_FALSE(bank.limits.bears_unseen);
	step(1000);
	CU_ASSERT_TRUE(bank.limits.bears_unseen);
	bank.protect.pack[2].permit.cha_a = 0.0;
	step(100);
	CU_ASSERT_FALSE(bank.limits.bears_unseen);
	bank.now.pcs[1] = bank.now.pcs[0]; /* it answers */
	step(100);
	CU_ASSERT_TRUE(bank.limits.bears_unseen);
	bank.now.pcs[1] = (struct pcs_now){0};
	bank.estimate[1].e_v = NAN; /* nothing is known to be borne by an unknown set */
	step(100);
	CU_ASSERT_FALSE(bank.limits.bears_unseen);
}

static void what_starts_counts_only_while_nobody_runs(void)
{
	two_converters(10e3);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 20e3, 1e-6);
	bank.now.pcs[1].state = PCS_STARTING;
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 10e3, 1e-6);
	bank.now.pcs[0].state = PCS_OFF;
	settle();
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 20e3, 1e-6);
	bank.protect.pcs[0].permit.run = false;
	step(0);
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 10e3, 1e-6);
}

static void standing_converter_is_no_reason_to_publish_zero(void)
{
	make_bank();
	bank.now.pcs[0].state = PCS_OFF;
	settle();
	CU_ASSERT(bank.limits.dis_w[HORIZON_NOW] > 0.0);
	bank.now.pcs[0].state = PCS_FAULT;
	step(0);
	CU_ASSERT_EQUAL(bank.limits.dis_w[HORIZON_NOW], 0.0);
	bank.now.pcs[0].state = PCS_RUNNING;
	bank.now.pcs[0].dis_max_w = 4e3;
	settle();
	CU_ASSERT_DOUBLE_EQUAL(bank.limits.dis_w[HORIZON_NOW], 4e3, 1e-6);
}

static void any_unknown_leaves_zero_and_no_nan(void)
{
	double *const spoil[] = {
		&bank.estimate[1].e_v,
		&bank.estimate[1].r_fast_ohm,
		&bank.estimate[1].r_rel,
		&bank.estimate[1].e_sigma_v,
		&bank.estimate[1].soc,
		&bank.estimate[1].capacity_ah,
		&bank.estimate[1].soh,
		&bank.estimate[1].growth,
		&bank.estimate[1].cells_v,
		&bank.estimate[1].cell_low_v,
		&bank.protect.pack[1].permit.dis_a,
		&bank.protect.permit.derate,
	};

	for (unsigned i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		make_bank();
		*spoil[i] = (double)NAN;
		settle();
		for (int h = 0; h < HORIZON_COUNT; h++) {
			CU_ASSERT_EQUAL(bank.limits.dis_w[h], 0.0);
			CU_ASSERT_EQUAL(bank.limits.cha_w[h], 0.0);
		}
		CU_ASSERT_FALSE(isnan(out.bus_dis_max_a) || isnan(out.bus_max_v));
	}
}

int main(void)
{
	CU_TestInfo form[] = {
		{"margins shrink the interval", margins_shrink_the_interval},
		{"forbidden direction ends the interval at the source",
		 forbidden_direction_ends_the_interval_at_the_source},
		{"nonsense gives no interval", nonsense_gives_no_interval},
		{"equal packs share equally and one pack is itself",
		 equal_packs_share_equally_and_one_pack_is_itself},
		{"weak pack binds and is named", weak_pack_binds_and_is_named},
		{"packs too far apart have no safe power", packs_too_far_apart_have_no_safe_power},
		{"circulation beyond a limit makes the other way a must",
		 circulation_beyond_a_limit_makes_the_other_way_a_must},
		{"lone pack may always idle within its window",
		 lone_pack_may_always_idle_within_its_window},
		{"inhibited pack beside another is not idle safe",
		 inhibited_pack_beside_another_is_not_idle_safe},
		{"cable takes from discharge and adds to charge",
		 cable_takes_from_discharge_and_adds_to_charge},
		{"beyond the point of most power nothing is promised",
		 beyond_the_point_of_most_power_nothing_is_promised},
		{"converter window and current bind", converter_window_and_current_bind},
		{"empty set is known and gives nothing", empty_set_is_known_and_gives_nothing},
		{"unknown member is named and ends all power",
		 unknown_member_is_named_and_ends_all_power},
		{"conversion never makes a limit grow", conversion_never_makes_a_limit_grow},
		CU_TEST_INFO_NULL,
	};
	CU_TestInfo published[] = {
		{"healthy bank reaches its rating", healthy_bank_reaches_its_rating},
		{"unknown source of a connected pack ends all power",
		 unknown_source_of_a_connected_pack_ends_all_power},
		{"bus currents give the published power and never more",
		 bus_currents_give_the_published_power_and_never_more},
		{"unknown source of an open pack matters not",
		 unknown_source_of_an_open_pack_matters_not},
		{"required cells that are missing are unknown",
		 required_cells_that_are_missing_are_unknown},
		{"limits fall at once and rise by time not by steps",
		 limits_fall_at_once_and_rise_by_time_not_by_steps},
		{"changed set starts from the present power",
		 changed_set_starts_from_the_present_power},
		{"forbidden power is zero with the reason of the permit",
		 forbidden_power_is_zero_with_the_reason_of_the_permit},
		{"export cap holds at the meter", export_cap_holds_at_the_meter},
		{"bms limit of one pack binds the bank and is named",
		 bms_limit_of_one_pack_binds_the_bank_and_is_named},
		{"bank at its floor gives nothing but may idle and charge",
		 bank_at_its_floor_gives_nothing_but_may_idle_and_charge},
		{"weak cell bounds the bank before its floor is met",
		 weak_cell_bounds_the_bank_before_its_floor_is_met},
		{"impossible set is reported and gets no power",
		 impossible_set_is_reported_and_gets_no_power},
		{"pack that must not idle says what it needs",
		 pack_that_must_not_idle_says_what_it_needs},
		{"measured excess trims and comes back slowly",
		 measured_excess_trims_and_comes_back_slowly},
		{"lost converter is assumed at its worst until the balance shows zero",
		 lost_converter_is_assumed_at_its_worst_until_the_balance_shows_zero},
		{"lost converter that the packs cannot bear is not borne until there is room",
		 lost_converter_that_the_packs_cannot_bear_is_not_borne_until_there_is_room},
		{"what starts counts only while nobody runs",
		 what_starts_counts_only_while_nobody_runs},
		{"standing converter is no reason to publish zero",
		 standing_converter_is_no_reason_to_publish_zero},
		{"any unknown leaves zero and no nan", any_unknown_leaves_zero_and_no_nan},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"closed form", NULL, NULL, NULL, NULL, form},
				 {"published", NULL, NULL, NULL, NULL, published},
				 CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
