#include "hand_bank.h"
#include "core/closing.h"

/* ---- a plant of relays and one capacitor ------------------------------------------------------
 */

enum { PULL_MS = 30, STEP_MS = 10 };

static struct {
	bool at[PACK_MAX][POLE_COUNT]; /* where the contact really is: true = closed */
	int64_t due_ms[PACK_MAX][POLE_COUNT];
	bool stuck[PACK_MAX][POLE_COUNT]; /* stays where it is */
	bool lies[PACK_MAX][POLE_COUNT];  /* feedback shows open */
	bool shorted, broken, slow, held; /* of the bus; broken: precharge resistor */
	bool blind;                       /* no bus-voltage reading */
	bool line_high;                   /* pack 0's positive line reads driven */
	double bus_v;
	double current_a[PACK_MAX]; /* while closed */
} plant;

static void begin(unsigned n)
{
	hand_init(n);
	memset(&plant, 0, sizeof plant);
	bank.now.bus_v = 0.;
}

static void run_pole(unsigned k, int pole)
{
	const struct pack_contactors *site = &bank.site.pack[k].contactors;
	bool driven = bank.contactor[k].coil[pole];

	if (!site->has[pole] || driven == plant.at[k][pole] || plant.stuck[k][pole])
		plant.due_ms[k][pole] = 0;
	else if (plant.due_ms[k][pole] == 0)
		plant.due_ms[k][pole] = bank.now_ms + PULL_MS;
	else if (bank.now_ms >= plant.due_ms[k][pole])
		plant.at[k][pole] = driven;
	bank.now.pack[k].feedback[pole] = !site->feedback[pole] ? CONTACT_UNKNOWN
					  : plant.at[k][pole] && !plant.lies[k][pole]
						  ? CONTACT_CLOSED
						  : CONTACT_OPEN;
	if (plant.line_high && k == 0 && pole == POLE_POSITIVE)
		driven = true;
	in.contacts[k].readback[pole] = driven ? CONTACT_CLOSED : CONTACT_OPEN;
}

static bool conducts(unsigned k, int pole)
{
	return plant.at[k][pole] || !bank.site.pack[k].contactors.has[pole];
}

/* Through the resistor, which bypasses the pole that closes last. */
static bool pre_charges(unsigned k)
{
	bool one_pole = !bank.site.pack[k].contactors.has[POLE_POSITIVE];

	return (one_pole || conducts(k, POLE_NEGATIVE)) && plant.at[k][POLE_PRECHARGE] &&
	       !plant.broken;
}

static void run_bus(unsigned k)
{
	struct pack_now *now = &bank.now.pack[k];
	const struct pack_contactors *site = &bank.site.pack[k].contactors;
	double tau_s = site->precharge_ohm * bank.site.bus.capacitance_f * (plant.slow ? 20. : 1.);

	now->current_a = 0.;
	if (conducts(k, POLE_NEGATIVE) && conducts(k, POLE_POSITIVE)) {
		plant.bus_v = 374.4;
		now->current_a = plant.current_a[k];
	} else if (pre_charges(k)) {
		double across_v = 374.4 - plant.bus_v;
		now->current_a = across_v / site->precharge_ohm;
		plant.bus_v += plant.shorted ? 0. : across_v * (1. - exp(-0.001 * STEP_MS / tau_s));
	} else if (!plant.held) {
		plant.bus_v *= exp(-0.001 * STEP_MS / 5.);
	}
}

static void tick(void)
{
	hand_advance(STEP_MS);
	if (bank.site.n_packs > 1 && bank.contactor[1].connected)
		plant.bus_v = 374.4;
	for (unsigned k = 0; k < bank.site.n_packs; k++) {
		for (int pole = 0; pole < POLE_COUNT; pole++)
			run_pole(k, pole);
		run_bus(k);
	}
	bank.now.bus_v = plant.blind ? (double)NAN : plant.bus_v;
	contactor_step(&bank, &in, &out);
	hand_read();
}

static void run(int64_t ms)
{
	for (; ms > 0; ms -= STEP_MS)
		tick();
}

static enum contactor_state state(unsigned k)
{
	return bank.contactor[k].state;
}

/* Runs until pack k is in the state; false: not within ms. */
static bool reach(unsigned k, enum contactor_state wanted, int64_t ms)
{
	for (; ms > 0 && state(k) != wanted; ms -= STEP_MS)
		tick();
	return state(k) == wanted;
}

static bool any_coil(unsigned k)
{
	const bool *coil = out.pack[k].coil;

	return coil[POLE_NEGATIVE] || coil[POLE_POSITIVE] || coil[POLE_PRECHARGE];
}

/* Asks for a join and goes on until the pack is closed. */
static void close_pack(unsigned k)
{
	bank.plan.join = (int)k;
	CU_ASSERT_TRUE(reach(k, CONTACTOR_CLOSED, 3000));
	bank.plan.join = -1;
	if (bank.limits.set.g_s == 0.)
		bank.limits.set.g_s = 10.;
	run(200);
}

static void no_hold(unsigned k, int64_t in_ms, bool immediate)
{
	struct permit *permit = &bank.protect.pack[k].permit;

	permit->close = permit->hold = false;
	permit->immediate = immediate;
	permit->reason = REASON_TEMP_HIGH;
	permit->hold_deadline_ms = bank.now_ms + in_ms;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void first_pack_closes_by_precharge_one_pole_after_the_other(void)
{
	begin(1);
	run(100);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 20));
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && !out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT(out.next_step_ms <= bank.now_ms + 20);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 200));
	CU_ASSERT(out.pack[0].coil[POLE_PRECHARGE] && !out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].connected);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 2000));
	CU_ASSERT(plant.bus_v > 0.97 * 374.4);
	CU_ASSERT(out.pack[0].coil[POLE_PRECHARGE] && out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT_EQUAL(noted[REASON_JOINED], 1);
	CU_ASSERT(bank.contactor[0].connected && !bank.contactor[0].isolated);
	CU_ASSERT_EQUAL(bank.life[0].joins, 1);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 1);
}

static void second_pack_joins_without_precharge_by_the_join_rule(void)
{
	begin(2);
	close_pack(1);
	plant.current_a[0] = 3.;
	bank.now.pack[0].electrical_new = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 500));
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
	CU_ASSERT(bank.contactor[0].predicted_a > 0.);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	run(100);
	CU_ASSERT_EQUAL(bank.contactor[0].peak_a, 3.);
	CU_ASSERT_EQUAL(bank.life[0].join_peak_a, 3.);
	plant.current_a[0] = 1.;
	run(50);
	CU_ASSERT_EQUAL(bank.contactor[0].peak_a, 3.);
	bank.now.pack[0].electrical_new = false;
	run(50);
	bank.now.pack[0].electrical_new = true;
	plant.current_a[0] = 9.;
	run(400);
	CU_ASSERT(bank.contactor[0].peak_a == 3. || bank.contactor[0].peak_a == 9.);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 3);
}

static void join_refused_at_the_edge_opens_again_and_waits(void)
{
	begin(2);
	close_pack(1);
	bank.now.pack[0].pack_v = 380.;
	bank.plan.join = 0;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_CLOSE_FIRST);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(noted[REASON_JOIN_WAIT], 1);
	CU_ASSERT(bank.contactor[0].retry_ms > bank.now_ms + 10000);
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
}

static void nothing_closes_without_a_permit_a_ready_guard_and_a_free_bank(void)
{
	begin(2);
	bank.plan.join = 0;
	bank.protect.pack[0].permit.close = false;
	run(100);
	bank.protect.pack[0].permit.close = true;
	bank.protect.permit.close = false;
	run(100);
	bank.protect.permit.close = true;
	bank.guard.ready = false;
	run(100);
	bank.guard.ready = true;
	bank.plan.stopping = true;
	run(100);
	bank.plan.stopping = false;
	bank.contactor[1].state = CONTACTOR_PRECHARGE;
	CU_ASSERT_FALSE(contactor_sequence_free(&bank, 0));
	CU_ASSERT_FALSE(closing_allowed(&bank, 0));
	bank.contactor[1].state = CONTACTOR_OPEN;
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
	CU_ASSERT_FALSE(any_coil(0));
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_CLOSE_FIRST);
}

/* Loses `what` in CLOSE_FIRST; returns the reason of the abort. */
static enum reason loses(int what)
{
	begin(2);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	bank.protect.pack[0].permit.close = what != 0;
	bank.protect.pack[0].permit.reason = what == 0 ? REASON_AUX_LOW : REASON_OK;
	bank.protect.permit.close = what != 1;
	bank.protect.permit.reason = what == 1 ? REASON_SUPPLY_LOW : REASON_OK;
	bank.plan.stopping = what == 2;
	bank.contactor[1].state = what == 3 ? CONTACTOR_LEAVING : CONTACTOR_OPEN;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	return bank.contactor[0].reason;
}

static void interrupted_closing_opens_at_once_and_says_why(void)
{
	CU_ASSERT_EQUAL(loses(0), REASON_AUX_LOW);
	CU_ASSERT_EQUAL(loses(1), REASON_SUPPLY_LOW);
	CU_ASSERT_EQUAL(loses(2), REASON_SHUTTING_DOWN);
	CU_ASSERT_EQUAL(loses(3), REASON_NOT_READY);
}

static void made_circuit_is_broken_by_a_lost_hold_and_by_nothing_less(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	bank.protect.permit.close = bank.protect.pack[0].permit.close = false;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	no_hold(0, 2000, false);
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_SECOND, 3000));
	bank.protect.permit.hold = bank.protect.permit.close = false;
	bank.protect.permit.reason = REASON_ESTOP;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_ESTOP);
}

static void pole_that_does_not_close_is_tried_three_times_then_latched(void)
{
	for (int pole = POLE_NEGATIVE; pole <= POLE_POSITIVE; pole++) {
		begin(1);
		plant.stuck[0][pole] = true;
		bank.plan.join = 0;
		for (unsigned i = 1; i <= 3; i++) {
			CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 4000));
			CU_ASSERT_EQUAL(noted[REASON_NO_CLOSE], i);
			CU_ASSERT_EQUAL(bank.contactor[0].tries, i);
			CU_ASSERT(bank.contactor[0].retry_ms >= bank.now_ms + 2900);
			CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
			plant.bus_v = 0.;
		}
		CU_ASSERT_EQUAL(raised[REASON_NO_CLOSE], 1);
		run(1000);
		CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
		CU_ASSERT_FALSE(any_coil(0));
	}
}

static void good_closing_forgets_failed_ones(void)
{
	begin(1);
	plant.stuck[0][POLE_NEGATIVE] = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 2000));
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 1);
	plant.stuck[0][POLE_NEGATIVE] = false;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 4000));
	CU_ASSERT_EQUAL(bank.contactor[0].tries, 0);
}

static void bus_that_rises_on_the_first_pole_shows_a_welded_precharge(void)
{
	begin(1);
	plant.stuck[0][POLE_PRECHARGE] = plant.at[0][POLE_PRECHARGE] = true;
	bank.site.pack[0].contactors.feedback[POLE_PRECHARGE] = false;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 500));
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_WELDED], 1);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_FALSE(any_coil(0));
}

static void unknown_bus_voltage_starts_no_precharge(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSE_FIRST, 100));
	plant.blind = true;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
}

static void failed_precharge_opens_and_short_is_latched_at_once(void)
{
	begin(1);
	plant.shorted = true;
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 500));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 500));
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_SHORT], 1);
	CU_ASSERT_FALSE(any_coil(0));
	begin(1);
	plant.broken = true;
	bank.plan.join = 0;
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 4000));
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	}
	CU_ASSERT_EQUAL(noted[REASON_PRECHARGE_SLOW], 3);
	CU_ASSERT_EQUAL(raised[REASON_PRECHARGE_LOCKED], 1);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
}

static void pack_without_feedback_closes_on_time_alone(void)
{
	begin(1);
	memset(bank.site.pack[0].contactors.feedback, 0, POLE_COUNT * sizeof(bool));
	close_pack(0);
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_FALSE(out.pack[0].coil[POLE_PRECHARGE]);
}

static void one_contactor_pack_closes_with_what_it_has(void)
{
	for (int missing = POLE_NEGATIVE; missing <= POLE_POSITIVE; missing++) {
		begin(1);
		struct pack_contactors *site = &bank.site.pack[0].contactors;
		site->has[missing] = site->feedback[missing] = false;
		site->shared_pole = true;
		if (missing == POLE_NEGATIVE)
			plant.held = true;
		run(100);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
		close_pack(0);
		CU_ASSERT_FALSE(out.pack[0].coil[missing]);
		CU_ASSERT_TRUE(bank.contactor[0].connected);
		bank.plan.leave = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
		CU_ASSERT_FALSE(any_coil(0));
		CU_ASSERT_FALSE(bank.contactor[0].connected);
		run(100);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
	}
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void planned_leave_waits_for_its_current_and_opens_pole_by_pole(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 30.;
	bank.plan.leave = 0;
	bank.plan.leave_reason = REASON_OWN_FLOOR;
	run(1000);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT_EQUAL(noted[REASON_OWN_FLOOR], 1);
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	plant.current_a[0] = 9.8; /* its sensor may be wrong by 0.5 A */
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	plant.current_a[0] = 5.;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
	CU_ASSERT_NOT_EQUAL(out.pack[0].coil[POLE_NEGATIVE], out.pack[0].coil[POLE_POSITIVE]);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 200));
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 200));
	CU_ASSERT_EQUAL(noted[REASON_LEFT], 1);
	CU_ASSERT_EQUAL(bank.life[0].emergency_opens, 0);
	CU_ASSERT_EQUAL(bank.life[0].leave_peak_a, 5.);
	CU_ASSERT_TRUE(bank.contactor[0].planned);
	run(50);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 2);
}

static void planned_leave_that_is_called_off_or_takes_too_long_ends_closed(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 30.;
	bank.plan.leave = 0;
	run(100);
	bank.plan.leave = -1;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_CLOSED);
	bank.plan.leave = 0;
	run(30000);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_CLOSED, 300));
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
}

static void last_pack_waits_until_the_converters_are_shown_off(void)
{
	begin(1);
	close_pack(0);
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	bank.plan.leave = 0;
	run(1000);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].state = PCS_OFF;
	bank.now.pcs[0].dc_a = 4.;
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].dc_a = NAN;
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	bank.now.pcs[0].dc_a = 0.;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
	begin(1);
	close_pack(0);
	bank.now.pcs[0].state = PCS_UNKNOWN;
	bank.guard.pcs_drop_ms = bank.now_ms;
	bank.plan.leave = 0;
	run(90);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	run(30);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
}

static void pack_is_the_last_one_while_the_other_is_opening(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.guard.pcs_drop_ms = 0;
	bank.now.pcs[0].state = PCS_RUNNING;
	no_hold(0, 2000, false);
	bank.plan.leave = 1;
	plant.current_a[0] = plant.current_a[1] = 20.;
	run(50);
	CU_ASSERT(state(0) == CONTACTOR_LEAVING && state(1) == CONTACTOR_LEAVING);
	plant.current_a[0] = plant.current_a[1] = 0.;
	run(20);
	CU_ASSERT(state(0) == CONTACTOR_OPEN_FIRST && state(1) == CONTACTOR_LEAVING);
	run(60);
	CU_ASSERT(state(0) == CONTACTOR_OPEN_SECOND && state(1) == CONTACTOR_LEAVING);
	run(500);
	CU_ASSERT(state(0) == CONTACTOR_OPEN && state(1) == CONTACTOR_LEAVING);
	bank.now.pcs[0].state = PCS_OFF;
	run(20);
	CU_ASSERT_EQUAL(state(1), CONTACTOR_OPEN_FIRST);
}

static void ordered_leave_opens_at_its_deadline_whatever_flows(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	no_hold(0, 2000, false);
	run(1950);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT(out.next_step_ms <= bank.protect.pack[0].permit.hold_deadline_ms);
	run(60);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_EQUAL(bank.life[0].emergency_opens, 1);
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_TEMP_HIGH);
	CU_ASSERT_FALSE(bank.contactor[0].planned);
}

static void unknown_current_is_no_small_current(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = NAN;
	no_hold(0, 500, false);
	run(480);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	run(40);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.life[0].emergency_opens, 1);
	CU_ASSERT_EQUAL(bank.life[0].leave_peak_a, 0.);
}

static void second_pole_does_not_wait_past_the_deadline(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	no_hold(0, 500, false);
	run(470);
	plant.current_a[0] = 0.;
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	run(20);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_FIRST);
	run(20);
	CU_ASSERT_FALSE(any_coil(0));
}

static void emergency_opens_both_poles_as_soon_as_current_is_gone(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 50.;
	no_hold(0, 500, true);
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	plant.current_a[0] = 1.;
	run(20);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	begin(1);
	close_pack(0);
	bank.protect.permit.hold = bank.protect.permit.close = false;
	bank.protect.permit.reason = REASON_ESTOP;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	run(30);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.contactor[0].reason, REASON_ESTOP);
}

static void emergency_overtakes_an_opening_in_progress(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 100));
	no_hold(0, 500, true);
	tick();
	CU_ASSERT_FALSE(any_coil(0));
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 100));
	bank.protect.permit.hold = false;
	bank.protect.permit.hold_deadline_ms = bank.now_ms + 500;
	tick();
	CU_ASSERT_FALSE(any_coil(0));
}

static enum pole first_opened(double current_a, bool polarised)
{
	bank.site.pack[0].contactors.polarised = polarised;
	plant.current_a[0] = current_a;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_FIRST, 200));
	CU_ASSERT_NOT_EQUAL(out.pack[0].coil[POLE_NEGATIVE], out.pack[0].coil[POLE_POSITIVE]);
	return out.pack[0].coil[POLE_POSITIVE] ? POLE_NEGATIVE : POLE_POSITIVE;
}

static enum pole opened_after_closing(double current_a, bool polarised)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	return first_opened(current_a, polarised);
}

static void poles_take_turns_so_that_both_are_tested(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	enum pole one = first_opened(0., false);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 500));
	bank.plan.leave = -1;
	run(100);
	close_pack(0);
	CU_ASSERT_NOT_EQUAL(first_opened(0., false), one);
}

static void polarised_contactor_opens_the_pole_that_suits_the_current(void)
{
	CU_ASSERT_EQUAL(opened_after_closing(-5., true), POLE_POSITIVE);
	CU_ASSERT_EQUAL(opened_after_closing(5., true), POLE_NEGATIVE);
	CU_ASSERT_EQUAL(opened_after_closing(1., true), opened_after_closing(0., false));
	CU_ASSERT_EQUAL(opened_after_closing(5., false), opened_after_closing(0., false));
}

static void learnt_sensor_offset_is_the_mean_within_its_bound(void)
{
	begin(1);
	close_pack(0);
	bank.contactor[0].v_offset_n = 0;
	bank.contactor[0].v_offset = 0.;
	bank.now.pack[0].electrical_new = true;
	bank.now.pack[0].pack_v = 374.4 + 0.3;
	run(3000);
	CU_ASSERT_DOUBLE_EQUAL(bank.contactor[0].v_offset, 0.3, 1e-6);
	bank.now.pack[0].pack_v = 374.4 + 1.2;
	run(60000);
	CU_ASSERT_DOUBLE_EQUAL(bank.contactor[0].v_offset, 0.5, 1e-9);
	CU_ASSERT_EQUAL(bank.contactor[0].v_offset_n, 1000);
	bank.now.pack[0].pack_v = 374.4 + 9.;
	run(1000);
	bank.now.pack[0].pack_v = NAN;
	run(1000);
	CU_ASSERT_DOUBLE_EQUAL(bank.contactor[0].v_offset, 0.5, 1e-9);
}

/* ---- feedback -------------------------------------------------------------------------------- */

static void feedback_lost_without_current_opens_the_partner_at_once(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 0.5;
	plant.lies[0][POLE_POSITIVE] = true;
	run(30);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_LOST], 1);
	CU_ASSERT_FALSE(any_coil(0));
	CU_ASSERT_EQUAL(bank.contactor[1].state, CONTACTOR_CLOSED);
}

static void feedback_that_reads_open_under_current_lies_and_the_pack_leaves_in_order(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.current_a[0] = 20.;
	plant.lies[0][POLE_NEGATIVE] = true;
	run(1000);
	CU_ASSERT_EQUAL(raised[REASON_FEEDBACK_LIES], 1);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_LEAVING);
	CU_ASSERT(out.pack[0].coil[POLE_NEGATIVE] && out.pack[0].coil[POLE_POSITIVE]);
	plant.current_a[0] = 5.;
	run(50);
	CU_ASSERT_NOT_EQUAL(state(0), CONTACTOR_LEAVING);
}

/* ---- welds ----------------------------------------------------------------------------------- */

static void weld_on_the_first_pole_is_a_fact_and_the_pack_is_off_all_the_same(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.contactor[0].alternate = false;
	plant.stuck[0][POLE_POSITIVE] = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_TRUE(bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].welded[POLE_NEGATIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].trip_weld);
	run(100);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].isolated);
	CU_ASSERT_FALSE(bank.protect.pack[0].permit.close);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_TRUE(contactor_still_welded(&bank, 0));
}

static void both_poles_welded_stay_in_the_books_as_connected(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	no_hold(0, 500, true);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	run(100);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 3);
	CU_ASSERT_TRUE(bank.contactor[0].trip_weld);
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = false;
	run(100);
	CU_ASSERT_FALSE(contactor_still_welded(&bank, 0));
	contactor_release(&bank, 0);
	run(50);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].trip_weld);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
}

static void closing_that_finds_a_weld_while_it_is_taken_back_is_no_trip(void)
{
	begin(1);
	bank.plan.join = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_PRECHARGE, 500));
	plant.stuck[0][POLE_NEGATIVE] = true;
	bank.plan.stopping = true;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
	CU_ASSERT_TRUE(bank.contactor[0].welded[POLE_NEGATIVE]);
	CU_ASSERT_FALSE(bank.contactor[0].trip_weld);
}

static void blind_poles(bool negative, bool positive)
{
	bank.site.pack[0].contactors.feedback[POLE_NEGATIVE] = !negative;
	bank.site.pack[0].contactors.feedback[POLE_POSITIVE] = !positive;
}

static void without_feedback_a_bus_that_keeps_its_voltage_shows_the_weld(void)
{
	begin(1);
	blind_poles(true, true);
	close_pack(0);
	plant.held = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN_SECOND, 1000));
	run(4500);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN_SECOND);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1500));
	CU_ASSERT(bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_TRUE(bank.contactor[0].connected);
	begin(1);
	blind_poles(false, true);
	close_pack(0);
	plant.held = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
	CU_ASSERT(!bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	begin(1);
	blind_poles(true, true);
	bank.site.pack[0].contactors.has[POLE_NEGATIVE] = false;
	close_pack(0);
	plant.held = true;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
	CU_ASSERT(!bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	begin(1);
	blind_poles(true, false);
	close_pack(0);
	plant.held = plant.blind = true;
	bank.contactor[0].start_v = 370.;
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 8000));
}

static void without_feedback_a_falling_bus_proves_the_opening(void)
{
	begin(1);
	blind_poles(true, true);
	close_pack(0);
	bank.plan.leave = 0;
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 3000));
	CU_ASSERT_FALSE(bank.contactor[0].welded[POLE_NEGATIVE]);
	run(100);
	CU_ASSERT_FALSE(bank.contactor[0].connected || bank.contactor[0].isolated);
}

static void without_feedback_a_bus_held_by_others_proves_nothing_and_says_so_once(void)
{
	begin(2);
	blind_poles(true, true);
	close_pack(1);
	for (int i = 0; i < 2; i++) {
		close_pack(0);
		bank.plan.leave = 0;
		CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 1000));
		bank.plan.leave = -1;
	}
	CU_ASSERT_EQUAL(noted[REASON_OPEN_UNPROVEN], 1);
	run(50);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void pole_found_closed_on_an_open_pack_is_welded(void)
{
	begin(1);
	run(500);
	bank.contactor[0].coil_ms[POLE_POSITIVE] = bank.now_ms;
	plant.at[0][POLE_POSITIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	run(300);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 0);
	run(200);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	run(200);
	CU_ASSERT_EQUAL(raised[REASON_WELDED], 1);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void precharge_contactor_that_reads_closed_keeps_a_pack_from_being_isolated(void)
{
	begin(1);
	run(100);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	plant.at[0][POLE_PRECHARGE] = plant.stuck[0][POLE_PRECHARGE] = true;
	run(20);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
	bank.site.pack[0].contactors.feedback[POLE_PRECHARGE] = false;
	run(20);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	bank.site.pack[0].contactors.has[POLE_PRECHARGE] = false;
	run(20);
	CU_ASSERT_TRUE(bank.contactor[0].isolated);
	bank.site.pack[0].contactors.shared_pole = true;
	run(20);
	CU_ASSERT_FALSE(bank.contactor[0].isolated);
}

static void pack_with_a_missing_pole_is_never_isolated(void)
{
	for (int missing = POLE_NEGATIVE; missing <= POLE_POSITIVE; missing++) {
		begin(1);
		run(50);
		CU_ASSERT_TRUE(bank.contactor[0].isolated);
		bank.site.pack[0].contactors.has[missing] = false;
		run(50);
		CU_ASSERT_FALSE(bank.contactor[0].isolated);
	}
}

/* ---- start ----------------------------------------------------------------------------------- */

static void start_adopts_no_closed_contactor(void)
{
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	plant.at[0][POLE_NEGATIVE] = plant.stuck[0][POLE_NEGATIVE] = true;
	plant.at[0][POLE_POSITIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	run(900);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	CU_ASSERT_FALSE(any_coil(0));
	run(300);
	CU_ASSERT(bank.contactor[0].welded[POLE_NEGATIVE] &&
		  bank.contactor[0].welded[POLE_POSITIVE]);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
	CU_ASSERT_EQUAL(contactor_connected(&bank), 1);
	CU_ASSERT_EQUAL(bank.plan.join, -1);
}

static void start_waits_for_undriven_lines_and_for_feedback(void)
{
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	plant.line_high = true;
	run(1500);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	CU_ASSERT_TRUE(contactor_any_driven(&bank, 0));
	begin(1);
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	hand_advance(2000);
	bank.now.pack[0].feedback[POLE_POSITIVE] = CONTACT_UNKNOWN;
	contactor_step(&bank, &in, &out);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	run(10);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
	begin(1);
	bank.site.pack[0].contactors.has[POLE_PRECHARGE] = false;
	bank.site.pack[0].contactors.feedback[POLE_POSITIVE] = false;
	bank.contactor[0].state = CONTACTOR_UNPROVEN;
	bank.contactor[0].since_ms = bank.now_ms;
	run(50);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_UNPROVEN);
	run(100);
	CU_ASSERT_EQUAL(state(0), CONTACTOR_OPEN);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void line_that_does_not_follow_its_output_stops_the_bank(void)
{
	begin(2);
	close_pack(0);
	for (int i = 0; i < 15; i++) {
		hand_advance(10);
		in.contacts[0].readback[POLE_NEGATIVE] = CONTACT_OPEN;
		contactor_step(&bank, &in, &out);
		hand_read();
	}
	CU_ASSERT_EQUAL(raised[REASON_READBACK], 0);
	in.contacts[0].readback[POLE_NEGATIVE] = CONTACT_UNKNOWN;
	hand_advance(10);
	contactor_step(&bank, &in, &out);
	for (int i = 0; i < 22; i++) {
		hand_advance(10);
		in.contacts[0].readback[POLE_NEGATIVE] = CONTACT_OPEN;
		contactor_step(&bank, &in, &out);
		hand_read();
	}
	CU_ASSERT_EQUAL(raised[REASON_READBACK], 1);
	CU_ASSERT_FALSE(bank.protect.permit.hold);
}

static void welded_pack_is_kept_alive_for_five_seconds_more(void)
{
	begin(2);
	close_pack(1);
	close_pack(0);
	bank.plan.stopping = true;
	plant.stuck[0][POLE_NEGATIVE] = plant.stuck[0][POLE_POSITIVE] = true;
	no_hold(0, 500, true);
	CU_ASSERT_TRUE(reach(0, CONTACTOR_OPEN, 2000));
	run(4900);
	CU_ASSERT(bank.contactor[0].connected && out.pack[0].keep_alive);
	run(200);
	CU_ASSERT_FALSE(out.pack[0].keep_alive);
}

static void keep_alive_ends_only_when_a_stopping_bank_has_opened(void)
{
	begin(2);
	close_pack(1);
	CU_ASSERT_TRUE(out.pack[0].keep_alive);
	bank.plan.stopping = true;
	run(20);
	CU_ASSERT_FALSE(out.pack[0].keep_alive);
	CU_ASSERT_TRUE(out.pack[1].keep_alive);
	bank.plan.leave = 1;
	CU_ASSERT_TRUE(reach(1, CONTACTOR_OPEN_SECOND, 500));
	CU_ASSERT_TRUE(out.pack[1].keep_alive);
	CU_ASSERT_TRUE(reach(1, CONTACTOR_OPEN, 500));
	run(20);
	CU_ASSERT_FALSE(out.pack[1].keep_alive);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(first_pack_closes_by_precharge_one_pole_after_the_other),
		TEST(second_pack_joins_without_precharge_by_the_join_rule),
		TEST(join_refused_at_the_edge_opens_again_and_waits),
		TEST(nothing_closes_without_a_permit_a_ready_guard_and_a_free_bank),
		TEST(interrupted_closing_opens_at_once_and_says_why),
		TEST(made_circuit_is_broken_by_a_lost_hold_and_by_nothing_less),
		TEST(pole_that_does_not_close_is_tried_three_times_then_latched),
		TEST(good_closing_forgets_failed_ones),
		TEST(bus_that_rises_on_the_first_pole_shows_a_welded_precharge),
		TEST(unknown_bus_voltage_starts_no_precharge),
		TEST(failed_precharge_opens_and_short_is_latched_at_once),
		TEST(pack_without_feedback_closes_on_time_alone),
		TEST(one_contactor_pack_closes_with_what_it_has),
		TEST(planned_leave_waits_for_its_current_and_opens_pole_by_pole),
		TEST(planned_leave_that_is_called_off_or_takes_too_long_ends_closed),
		TEST(last_pack_waits_until_the_converters_are_shown_off),
		TEST(pack_is_the_last_one_while_the_other_is_opening),
		TEST(ordered_leave_opens_at_its_deadline_whatever_flows),
		TEST(unknown_current_is_no_small_current),
		TEST(second_pole_does_not_wait_past_the_deadline),
		TEST(emergency_opens_both_poles_as_soon_as_current_is_gone),
		TEST(emergency_overtakes_an_opening_in_progress),
		TEST(poles_take_turns_so_that_both_are_tested),
		TEST(polarised_contactor_opens_the_pole_that_suits_the_current),
		TEST(learnt_sensor_offset_is_the_mean_within_its_bound),
		TEST(feedback_lost_without_current_opens_the_partner_at_once),
		TEST(feedback_that_reads_open_under_current_lies_and_the_pack_leaves_in_order),
		TEST(weld_on_the_first_pole_is_a_fact_and_the_pack_is_off_all_the_same),
		TEST(both_poles_welded_stay_in_the_books_as_connected),
		TEST(closing_that_finds_a_weld_while_it_is_taken_back_is_no_trip),
		TEST(without_feedback_a_bus_that_keeps_its_voltage_shows_the_weld),
		TEST(without_feedback_a_falling_bus_proves_the_opening),
		TEST(without_feedback_a_bus_held_by_others_proves_nothing_and_says_so_once),
		TEST(pole_found_closed_on_an_open_pack_is_welded),
		TEST(precharge_contactor_that_reads_closed_keeps_a_pack_from_being_isolated),
		TEST(pack_with_a_missing_pole_is_never_isolated),
		TEST(start_adopts_no_closed_contactor),
		TEST(start_waits_for_undriven_lines_and_for_feedback),
		TEST(line_that_does_not_follow_its_output_stops_the_bank),
		TEST(welded_pack_is_kept_alive_for_five_seconds_more),
		TEST(keep_alive_ends_only_when_a_stopping_bank_has_opened),
		CU_TEST_INFO_NULL,
	};

	return hand_run("contactor", tests);
}
