/*
 * Random banks against an oracle written apart from the code: it looks for the largest power by
 * bisection, solving the circuit for each trial power by bisection as well, and looks at every
 * pack's current and voltage. Usage: prop_limits [SEED]
 */
#include <CUnit/Basic.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bank.h"
#include "core/limits.h"

enum { PACKS = 24, BANKS = 1500 };

static uint64_t state;

static double uniform(double lo, double hi)
{
	uint64_t x = (state += 0x9e3779b97f4a7c15u);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return lo + (hi - lo) * ((double)(x >> 11) / 9007199254740992.0);
}

struct trial {
	unsigned n;
	struct limit_pack pack[PACKS];
	struct limit_bus bus;
	uint64_t set;
};

static void make_trial(struct trial *t)
{
	const double spread_v = uniform(0.0, 1.0) < 0.7 ? 3.0 : 12.0;
	double g_s = 0.0;

	memset(t, 0, sizeof(*t));
	t->n = (unsigned)uniform(1.0, PACKS + 0.999);
	for (unsigned k = 0; k < t->n; k++) {
		struct limit_pack *p = &t->pack[k];

		p->e_v = 360.0 + uniform(-spread_v, spread_v);
		p->e_sigma_v = uniform(0.0, 0.6);
		p->r_ohm = uniform(0.05, 0.4);
		p->r_rel = uniform(0.0, 0.4);
		p->dis_a = uniform(0.0, 1.0) < 0.05 ? 0.0 : uniform(5.0, 120.0);
		p->cha_a = uniform(0.0, 1.0) < 0.05 ? 0.0 : uniform(5.0, 60.0);
		p->v_min = uniform(300.0, 352.0);
		p->v_max = uniform(368.0, 400.0);
		limits_interval(p);
		if (k == 0 || uniform(0.0, 1.0) < 0.8)
			t->set |= (uint64_t)1 << k;
		g_s += 1.0 / p->r_ohm;
	}
	/* up to half of the packs' own: power then falls with voltage wherever the oracle looks */
	t->bus.resistance_ohm = uniform(0.0, 0.5) / g_s;
	t->bus.v_min = uniform(280.0, 354.0);
	t->bus.v_max = uniform(366.0, 420.0);
	t->bus.dis_max_a = uniform(20.0, 800.0);
	t->bus.cha_max_a = uniform(20.0, 800.0);
	if (uniform(0.0, 1.0) < 0.3)
		t->bus.dis_max_a = t->bus.cha_max_a = (double)INFINITY;
}

static bool in_set(const struct trial *t, unsigned k)
{
	return t->set >> k & 1;
}

static unsigned members(const struct trial *t)
{
	unsigned n = 0;

	for (unsigned k = 0; k < t->n; k++)
		n += in_set(t, k);
	return n;
}

/* ---- oracle: Kirchhoff and bisection only ---- */

static double bar_current(const struct trial *t, double v)
{
	double a = 0.0;

	for (unsigned k = 0; k < t->n; k++) {
		if (in_set(t, k))
			a += (t->pack[k].e_v - v) / t->pack[k].r_ohm;
	}
	return a;
}

static double power_there(const struct trial *t, double v)
{
	const double a = bar_current(t, v);

	return (v - t->bus.resistance_ohm * a) * a;
}

/* Voltage of the bar at a power, on the upper branch. */
static double solve_v(const struct trial *t, double p_w)
{
	double lo = 250.0, hi = 500.0; /* power falls with voltage in between */

	for (int i = 0; i < 200; i++) {
		const double mid = 0.5 * (lo + hi);

		if (power_there(t, mid) > p_w)
			lo = mid;
		else
			hi = mid;
	}
	return 0.5 * (lo + hi);
}

/*
 * Within every limit at bar voltage v, seen by one direction. The pessimist's pack has less
 * resistance than believed and a source off by sigma, to the side that hurts; one that is alone on
 * the bus cannot be off against anything.
 */
static bool fits(const struct trial *t, double v, bool discharge)
{
	const double a = bar_current(t, v), pcs_v = v - t->bus.resistance_ohm * a;

	if (discharge ? (v < t->bus.v_min || pcs_v < t->bus.v_min || a > t->bus.dis_max_a)
		      : (v > t->bus.v_max || pcs_v > t->bus.v_max || -a > t->bus.cha_max_a))
		return false;
	for (unsigned k = 0; k < t->n; k++) {
		const struct limit_pack *p = &t->pack[k];
		const double r = p->r_ohm * (1.0 - p->r_rel);
		const double off_v = members(t) == 1 ? 0.0 : p->e_sigma_v;

		if (!in_set(t, k))
			continue;
		if (discharge && (v < p->v_min || (p->e_v + off_v - v) / r > p->dis_a))
			return false;
		if (!discharge && (v > p->v_max || (v - (p->e_v - off_v)) / r > p->cha_a))
			return false;
	}
	return true;
}

/* Largest power that fits, as a signed power: discharge limit or minus the charge limit. */
static double oracle_w(const struct trial *t, bool discharge)
{
	double good = discharge ? -4e6 : 4e6, bad = -good;

	/* no more power than the circuit has: stay on the branch the bisection can see */
	if (discharge)
		bad = power_there(t, 250.0);
	else
		bad = power_there(t, 500.0);
	for (int i = 0; i < 100; i++) {
		const double mid = 0.5 * (good + bad);

		if (fits(t, solve_v(t, mid), discharge))
			good = mid;
		else
			bad = mid;
	}
	return good;
}

/* ---- properties ---- */

static bool close_to(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fmax(1000.0, fmax(fabs(a), fabs(b)));
}

static void limits_agree_with_bisection(void)
{
	unsigned consistent = 0, unsafe = 0;

	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set s;
		double dis_w, cha_w;

		make_trial(&t);
		limits_of_set(t.pack, t.set, &t.bus, &s);
		CU_ASSERT_FATAL(s.known);
		dis_w = oracle_w(&t, true);
		cha_w = -oracle_w(&t, false);
		if (fabs(dis_w + cha_w) > 1.0)
			CU_ASSERT_EQUAL(s.consistent, dis_w > -cha_w);
		if (!s.consistent) {
			CU_ASSERT(s.dis_w == 0.0 && s.cha_w == 0.0 && !s.idle_safe);
			continue;
		}
		consistent++;
		unsafe += !s.idle_safe;
		CU_ASSERT(close_to(s.dis_w, dis_w));
		CU_ASSERT(close_to(s.cha_w, cha_w));
		if (fabs(dis_w) > 1.0 && fabs(cha_w) > 1.0)
			CU_ASSERT_EQUAL(s.idle_safe, dis_w > 0.0 && cha_w > 0.0);
	}
	CU_ASSERT(consistent > BANKS / 3 && unsafe > BANKS / 50);
}

static void circuit_laws_hold_at_any_power(void)
{
	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set s;

		make_trial(&t);
		limits_of_set(t.pack, t.set, &t.bus, &s);
		for (int j = 0; j < 10; j++) {
			const double p_w = uniform(-1.0, 1.0) * 500.0 * members(&t);
			const double v = limits_bus_v(&s, t.bus.resistance_ohm, p_w);
			const double a = bar_current(&t, v);
			const double pcs_v = v - t.bus.resistance_ohm * a;

			CU_ASSERT(fabs(pcs_v * a - p_w) <= 1e-9 * 400.0 * (fabs(a) + s.g_s));
			CU_ASSERT(fabs(limits_power_at(&s, t.bus.resistance_ohm, v) - p_w) <=
				  1e-9 * 400.0 * (fabs(a) + s.g_s));
		}
	}
}

static void one_more_watt_breaks_a_limit(void)
{
	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set s;
		double v;

		make_trial(&t);
		limits_of_set(t.pack, t.set, &t.bus, &s);
		if (!s.consistent || s.dis_w < 10.0 || s.cha_w < 10.0)
			continue;
		v = limits_bus_v(&s, t.bus.resistance_ohm, 0.9999 * s.dis_w);
		CU_ASSERT(fits(&t, v, true));
		v = limits_bus_v(&s, t.bus.resistance_ohm, 1.0001 * s.dis_w);
		CU_ASSERT_FALSE(fits(&t, v, true));
		v = limits_bus_v(&s, t.bus.resistance_ohm, -0.9999 * s.cha_w);
		CU_ASSERT(fits(&t, v, false));
		v = limits_bus_v(&s, t.bus.resistance_ohm, -1.0001 * s.cha_w);
		CU_ASSERT_FALSE(fits(&t, v, false));
	}
}

static void order_of_packs_matters_not(void)
{
	for (int i = 0; i < BANKS; i++) {
		struct trial t, u;
		struct limit_set a, b;

		make_trial(&t);
		u = t;
		u.set = 0;
		for (unsigned k = 0; k < t.n; k++) {
			u.pack[t.n - 1 - k] = t.pack[k];
			u.set |= (t.set >> k & 1) << (t.n - 1 - k);
		}
		limits_of_set(t.pack, t.set, &t.bus, &a);
		limits_of_set(u.pack, u.set, &u.bus, &b);
		CU_ASSERT_EQUAL(a.consistent, b.consistent);
		CU_ASSERT_DOUBLE_EQUAL(a.v_star_v, b.v_star_v, 1e-9);
		CU_ASSERT(fabs(a.dis_w - b.dis_w) <= 1e-9 * (1.0 + fabs(a.dis_w)) + 1e-6);
		CU_ASSERT(fabs(a.cha_w - b.cha_w) <= 1e-9 * (1.0 + fabs(a.cha_w)) + 1e-6);
	}
}

static void more_current_allowed_never_lowers_a_limit(void)
{
	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set a, b;
		unsigned k;

		make_trial(&t);
		limits_of_set(t.pack, t.set, &t.bus, &a);
		k = (unsigned)uniform(0.0, t.n - 0.001);
		t.pack[k].dis_a += uniform(0.0, 20.0);
		t.pack[k].cha_a += uniform(0.0, 20.0);
		limits_interval(&t.pack[k]);
		limits_of_set(t.pack, t.set, &t.bus, &b);
		if (!a.consistent)
			continue;
		CU_ASSERT(b.consistent && b.dis_w >= a.dis_w && b.cha_w >= a.cha_w);
		CU_ASSERT(b.idle_safe || !a.idle_safe);
	}
}

static void more_doubt_never_raises_a_limit(void)
{
	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set a, b;
		unsigned k;

		make_trial(&t);
		limits_of_set(t.pack, t.set, &t.bus, &a);
		k = (unsigned)uniform(0.0, t.n - 0.001);
		t.pack[k].e_sigma_v += uniform(0.0, 1.0);
		t.pack[k].r_rel += uniform(0.0, 0.3);
		limits_interval(&t.pack[k]);
		limits_of_set(t.pack, t.set, &t.bus, &b);
		if (!b.consistent)
			continue;
		CU_ASSERT(a.consistent && b.dis_w <= a.dis_w && b.cha_w <= a.cha_w);
		CU_ASSERT(a.idle_safe || !b.idle_safe);
	}
}

static void pack_that_fits_never_lowers_a_limit(void)
{
	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set a, b;

		make_trial(&t);
		if (members(&t) < 2 || t.n == PACKS)
			continue;
		limits_of_set(t.pack, t.set, &t.bus, &a);
		if (!a.consistent || !a.idle_safe || a.binding_dis < 0 || a.binding_cha < 0)
			continue;
		t.pack[t.n] = (struct limit_pack){.e_v = a.v_star_v,
						  .r_ohm = uniform(0.05, 0.4),
						  .dis_a = 1e4,
						  .cha_a = 1e4,
						  .v_min = a.low_v,
						  .v_max = a.high_v};
		limits_interval(&t.pack[t.n]);
		t.bus.dis_max_a = t.bus.cha_max_a = (double)INFINITY;
		t.bus.resistance_ohm = 0.0;
		limits_of_set(t.pack, t.set, &t.bus, &a);
		t.set |= (uint64_t)1 << t.n;
		t.n++;
		limits_of_set(t.pack, t.set, &t.bus, &b);
		CU_ASSERT(b.dis_w >= a.dis_w - 1e-6 && b.cha_w >= a.cha_w - 1e-6);
	}
}

static void nan_in_any_field_is_unknown(void)
{
	unsigned tried = 0;

	for (int i = 0; i < BANKS; i++) {
		struct trial t;
		struct limit_set s;
		unsigned k;

		make_trial(&t);
		k = (unsigned)uniform(0.0, t.n - 0.001);
		if (!in_set(&t, k))
			continue;
		tried++;
		for (int field = 0; field < 8; field++) {
			struct limit_pack keep = t.pack[k];
			double *const where[8] = {&t.pack[k].e_v,   &t.pack[k].e_sigma_v,
						  &t.pack[k].r_ohm, &t.pack[k].r_rel,
						  &t.pack[k].dis_a, &t.pack[k].cha_a,
						  &t.pack[k].v_min, &t.pack[k].v_max};

			*where[field] = (double)NAN;
			limits_interval(&t.pack[k]);
			limits_of_set(t.pack, t.set, &t.bus, &s);
			CU_ASSERT(!s.known && !s.consistent && !s.idle_safe);
			CU_ASSERT(s.dis_w == 0.0 && s.cha_w == 0.0);
			CU_ASSERT(s.binding_dis == (int)k);
			t.pack[k] = keep;
		}
		for (int field = 0; field < 5; field++) {
			struct limit_bus keep = t.bus;
			double *const where[5] = {&t.bus.resistance_ohm, &t.bus.v_min, &t.bus.v_max,
						  &t.bus.dis_max_a, &t.bus.cha_max_a};

			*where[field] = (double)NAN;
			limits_of_set(t.pack, t.set, &t.bus, &s);
			CU_ASSERT(!s.known && s.dis_w == 0.0 && s.cha_w == 0.0);
			t.bus = keep;
		}
	}
	CU_ASSERT(tried > BANKS / 2);
}

/* ---- a whole bank ---- */

static struct bank bank;

static void make_random_pack(unsigned k, double e_v)
{
	struct pack_site *site = &bank.site.pack[k];
	struct estimate *e = &bank.estimate[k];

	site->model = (struct pack_model){.chemistry = CHEMISTRY_LMO,
					  .cells_series = 96,
					  .nominal_ah = 66.0,
					  .tau_s = 17.0,
					  .i_offset_max_a = 0.5};
	site->limit = (struct pack_limits){.cell_min_v = 3.2,
					   .cell_max_v = 4.15,
					   .pack_min_v = 320.0,
					   .pack_max_v = 395.0,
					   .dis_max_a = uniform(20.0, 80.0),
					   .cha_max_a = uniform(10.0, 40.0)};
	*e = (struct estimate){.soc = uniform(0.05, 0.97),
			       .soc_sigma = 0.02,
			       .capacity_ah = uniform(30.0, 60.0),
			       .soh = uniform(0.5, 1.0),
			       .e_v = e_v,
			       .e_sigma_v = uniform(0.05, 0.6),
			       .r_fast_ohm = uniform(0.08, 0.3),
			       .r_rel = uniform(0.05, 0.3),
			       .growth = uniform(1.0, 2.5),
			       .cell_low_v = e_v / 96.0 - uniform(0.0, 0.05),
			       .cell_high_v = e_v / 96.0 + uniform(0.0, 0.05),
			       .cells_v = e_v,
			       .ocv_slope_v = 40.0};
	e->r_10s_ohm = 1.3 * e->r_fast_ohm;
	e->r0_ohm = e->r_fast_ohm / 96.0;
	e->r_cell_ohm = 1.2 * e->r0_ohm;
	bank.protect.pack[k].permit =
		(struct permit){.dis_a = uniform(0.0, 1.0) < 0.1 ? 0.0 : uniform(5.0, 80.0),
				.cha_a = uniform(0.0, 1.0) < 0.1 ? 0.0 : uniform(5.0, 40.0)};
	bank.now.pack[k] = (struct pack_now){
		.pack_v = e_v, .cell_min_v = e->cell_low_v, .cell_max_v = e->cell_high_v};
	bank.contactor[k].connected = uniform(0.0, 1.0) < 0.8;
}

static void make_random_bank(void)
{
	const double middle_v = uniform(345.0, 385.0);

	memset(&bank, 0, sizeof(bank));
	bank.now_ms = 1000;
	bank.dt_s = 1.0;
	bank.site.n_packs = (unsigned)uniform(1.0, PACKS + 0.999);
	bank.site.n_pcs = 1;
	bank.site.plan =
		(struct plan_site){.soc_floor = 0.1, .soc_ceiling = 0.95, .set_rise_per_s = 0.05};
	bank.site.bus = (struct bus_site){.max_v = 450.0, .resistance_ohm = 0.003};
	bank.site.pcs[0] = (struct pcs_site){.p_max_w = 200e3,
					     .dis_max_w = 200e3,
					     .cha_max_w = 200e3,
					     .dc_min_v = 250.0,
					     .dc_max_v = 450.0,
					     .dc_max_a = 400.0,
					     .efficiency = 0.97,
					     .standby_w = 50.0};
	bank.site.grid = (struct grid_site){.measured_at_ac = true,
					    .p_max_w = 200e3,
					    .export_max_w = INFINITY,
					    .import_max_w = INFINITY};
	bank.now.pcs[0] = (struct pcs_now){.known = true,
					   .state = PCS_RUNNING,
					   .dis_max_w = (double)NAN,
					   .cha_max_w = (double)NAN};
	bank.protect.permit = (struct bank_permit){.power = true, .derate = 1.0};
	bank.protect.pcs[0].permit.run = true;
	for (unsigned k = 0; k < bank.site.n_packs; k++)
		make_random_pack(k, middle_v + uniform(-2.0, 2.0));
}

/* Current of pack k in the bank's circuit at a DC power, by bisection. */
static double pack_current(unsigned k, double dc_w)
{
	struct trial t = {.n = bank.site.n_packs,
			  .bus = {.resistance_ohm = bank.site.bus.resistance_ohm}};

	for (unsigned j = 0; j < t.n; j++) {
		t.pack[j].e_v = bank.estimate[j].e_v;
		t.pack[j].r_ohm = bank.estimate[j].r_fast_ohm;
		t.set |= (uint64_t)bank.contactor[j].connected << j;
	}
	return (t.pack[k].e_v - solve_v(&t, dc_w)) / t.pack[k].r_ohm;
}

/* A converter that steers by current draws a_a from the bar. */
static void current_overloads_no_pack(double a_a)
{
	double g_s = 0.0, eg_a = 0.0, v;

	for (unsigned k = 0; k < bank.site.n_packs; k++) {
		if (!bank.contactor[k].connected)
			continue;
		g_s += 1.0 / bank.estimate[k].r_fast_ohm;
		eg_a += bank.estimate[k].e_v / bank.estimate[k].r_fast_ohm;
	}
	if (a_a == 0.0 || g_s == 0.0)
		return;
	v = (eg_a - a_a) / g_s;
	for (unsigned k = 0; k < bank.site.n_packs; k++) {
		const struct permit *permit = &bank.protect.pack[k].permit;
		const double i = (bank.estimate[k].e_v - v) / bank.estimate[k].r_fast_ohm;

		if (bank.contactor[k].connected)
			CU_ASSERT(a_a > 0.0 ? i <= 1e-6 + permit->dis_a
					    : -i <= 1e-6 + permit->cha_a);
	}
}

static void published_power_overloads_no_pack(void)
{
	unsigned with_power = 0;

	for (int i = 0; i < BANKS / 3; i++) {
		struct bank_outputs out;
		double dis_w, cha_w;

		memset(&out, 0, sizeof(out));
		make_random_bank();
		for (int j = 0; j < 30; j++, bank.now_ms += 1000)
			limits_step(&bank, NULL, &out);
		dis_w = bank.limits.dis_w[HORIZON_NOW];
		cha_w = bank.limits.cha_w[HORIZON_NOW];
		CU_ASSERT(dis_w >= 0.0 && cha_w >= 0.0);
		with_power += dis_w > 100.0 && cha_w > 100.0;
		for (unsigned k = 0; k < bank.site.n_packs; k++) {
			const struct permit *permit = &bank.protect.pack[k].permit;

			if (!bank.contactor[k].connected)
				continue;
			if (dis_w > 0.0)
				CU_ASSERT(pack_current(k, limits_to_dc_w(&bank.site, dis_w)) <=
					  1e-6 + permit->dis_a);
			if (cha_w > 0.0)
				CU_ASSERT(-pack_current(k, limits_to_dc_w(&bank.site, -cha_w)) <=
					  1e-6 + permit->cha_a);
		}
		current_overloads_no_pack(out.bus_dis_max_a);
		current_overloads_no_pack(-out.bus_cha_max_a);
		for (int h = HORIZON_60; h < HORIZON_COUNT; h++) {
			CU_ASSERT(bank.limits.dis_w[h] >= 0.0 && bank.limits.dis_w[h] <= dis_w);
			CU_ASSERT(bank.limits.cha_w[h] >= 0.0 && bank.limits.cha_w[h] <= cha_w);
		}
	}
	CU_ASSERT(with_power > BANKS / 50);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"limits agree with bisection", limits_agree_with_bisection},
		{"circuit laws hold at any power", circuit_laws_hold_at_any_power},
		{"one more watt breaks a limit", one_more_watt_breaks_a_limit},
		{"order of packs matters not", order_of_packs_matters_not},
		{"more current allowed never lowers a limit",
		 more_current_allowed_never_lowers_a_limit},
		{"more doubt never raises a limit", more_doubt_never_raises_a_limit},
		{"pack that fits never lowers a limit", pack_that_fits_never_lowers_a_limit},
		{"nan in any field is unknown", nan_in_any_field_is_unknown},
		{"published power overloads no pack", published_power_overloads_no_pack},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"limits", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failed;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : 20261123;
	printf("seed %" PRIu64 "\n", state);
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
