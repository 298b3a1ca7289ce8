#include "hand_bank.h"
#include "core/measure.h"

static struct pack_now *now;
static struct pack_sample *sample;
static bool silent;

static void tick(int64_t ms)
{
	hand_advance(ms);
	fresh_step(&bank, &in, &out);
	hand_read();
}

/* A sample of voltage and current that arrives now. */
static void hear(double v, double a)
{
	sample->electrical_ms = bank.now_ms + 100;
	sample->electrical_count++;
	sample->pack_v = v;
	sample->current_a = a;
	tick(100);
}

static void begin(void)
{
	hand_init(1);
	hand_forget();
	now = &bank.now.pack[0];
	sample = &in.pack[0];
	memset(sample, 0, sizeof *sample);
	memset(&bank.now, 0, sizeof bank.now);
	sample->counts = true;
	silent = false;
}

/* ---- age ------------------------------------------------------------------------------------- */

static void what_was_never_heard_is_unknown(void)
{
	begin();
	tick(100);
	CU_ASSERT(isnan(now->pack_v) && isnan(now->current_a) && isnan(now->link_v));
	CU_ASSERT(isnan(now->cell_max_v) && isnan(now->temp_max_c) && isnan(now->soc));
	CU_ASSERT(isinf(now->electrical_age_s) && isinf(now->cells_age_s));
	CU_ASSERT(isinf(now->electrical_known_s) && isinf(now->cells_known_s));
	CU_ASSERT(!now->bms_known && isnan(bank.now.bus_v) && isinf(bank.now.bus_age_s));
	CU_ASSERT_EQUAL(bank.now.pcs[0].state, PCS_UNKNOWN);
	CU_ASSERT(isnan(bank.now.pcs_dc_w) && isnan(bank.now.pcs_ac_w));
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_UNKNOWN);
}

static void readings_are_known_until_their_stale_time_and_not_a_millisecond_longer(void)
{
	begin();
	hear(370., 5.);
	CU_ASSERT(now->pack_v == 370. && now->current_a == 5. && now->electrical_new);
	tick(1000);
	CU_ASSERT(now->pack_v == 370. && !now->electrical_new);
	CU_ASSERT_DOUBLE_EQUAL(now->electrical_age_s, 1., 1e-9);
	tick(1);
	CU_ASSERT(isnan(now->pack_v) && isnan(now->current_a));
	hear(371., 5.);
	CU_ASSERT_EQUAL(now->pack_v, 371.);
}

static void stamp_from_ahead_has_age_zero(void)
{
	begin();
	sample->electrical_ms = bank.now_ms + 5000;
	sample->pack_v = 370.;
	tick(100);
	CU_ASSERT_EQUAL(now->electrical_age_s, 0.);
}

static void frozen_counter_makes_moving_stamps_worthless(void)
{
	begin();
	hear(370., 5.);
	for (int i = 0; i < 10; i++) {
		sample->electrical_count--;
		hear(370., 5.);
	}
	CU_ASSERT_EQUAL(now->pack_v, 370.);
	CU_ASSERT_DOUBLE_EQUAL(now->counter_age_s, 1., 1e-9);
	sample->electrical_count--;
	hear(370., 5.);
	CU_ASSERT(isnan(now->pack_v) && isnan(now->current_a));
	CU_ASSERT_DOUBLE_EQUAL(now->electrical_age_s, 0., 1e-9);
	hear(370., 5.);
	CU_ASSERT_EQUAL(now->pack_v, 370.);
	sample->counts = false;
	sample->electrical_count--;
	hear(370., 5.);
	CU_ASSERT_EQUAL(now->counter_age_s, 0.);
}

static void invalid_codes_under_fresh_stamps_grow_old(void)
{
	begin();
	hear(370., 5.);
	hear(NAN, 5.);
	CU_ASSERT(isnan(now->pack_v) && now->current_a == 5.);
	hear(370., INFINITY);
	CU_ASSERT(isnan(now->current_a) && now->pack_v == 370.);
	for (int i = 0; i < 8; i++)
		hear(-INFINITY, NAN);
	CU_ASSERT_DOUBLE_EQUAL(now->electrical_known_s, 1., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(now->electrical_age_s, 0., 1e-9);
	sample->cells_ms = bank.now_ms + 100;
	sample->cell_min_v = 3.7;
	sample->cell_max_v = NAN;
	tick(100);
	CU_ASSERT(isinf(now->cells_known_s) && now->cells_age_s == 0.);
}

static void each_group_has_its_own_age(void)
{
	begin();
	sample->link_ms = sample->bms_ms = sample->temps_ms = sample->cells_ms = bank.now_ms;
	sample->link_v = 300.;
	sample->soc = 0.5;
	sample->bms_flags = BMS_NO_CHARGE;
	sample->temp_min_c = sample->temp_max_c = 20.;
	sample->cell_min_v = sample->cell_max_v = 3.7;
	tick(500);
	CU_ASSERT(now->link_v == 300. && now->soc == 0.5 && now->bms_known);
	CU_ASSERT(now->cells_new && now->temps_new && now->bms_new);
	tick(1);
	CU_ASSERT(isnan(now->link_v) && now->soc == 0.5 && !now->bms_new);
	tick(4499);
	CU_ASSERT(now->soc == 0.5 && now->cell_max_v == 3.7);
	tick(1);
	CU_ASSERT(isnan(now->soc) && !now->bms_known && now->bms_flags == 0);
	CU_ASSERT(isnan(now->cell_max_v) && now->temp_max_c == 20.);
	tick(5000);
	CU_ASSERT_TRUE(isnan(now->temp_max_c));
}

/* ---- jumps ----------------------------------------------------------------------------------- */

static void single_wrong_frame_is_never_believed(void)
{
	begin();
	hear(370., 0.);
	hear(340., 0.);
	CU_ASSERT(isnan(now->pack_v) && now->current_a == 0.);
	CU_ASSERT_EQUAL(noted[REASON_VALUE_JUMP], 1);
	hear(370., 0.);
	CU_ASSERT_TRUE(isnan(now->pack_v));
	hear(370., 0.);
	CU_ASSERT_EQUAL(now->pack_v, 370.);
}

static void lasting_step_is_believed_after_one_period(void)
{
	begin();
	hear(370., 0.);
	hear(340., 0.);
	CU_ASSERT_TRUE(isnan(now->pack_v));
	hear(341., 0.);
	CU_ASSERT_EQUAL(now->pack_v, 341.);
	CU_ASSERT_EQUAL(noted[REASON_VALUE_JUMP], 1);
}

static void jump_that_the_current_explains_is_none(void)
{
	begin();
	hear(370., 0.);
	hear(345., 60.);
	CU_ASSERT_EQUAL(now->pack_v, 345.);
	hear(345., NAN);
	hear(370., 0.);
	CU_ASSERT_TRUE(isnan(now->pack_v));
}

static void jump_out_of_the_window_counts_at_face_value(void)
{
	begin();
	hear(370., 0.);
	hear(300., 0.);
	CU_ASSERT_EQUAL(now->pack_v, 300.);
	hear(420., 0.);
	CU_ASSERT_EQUAL(now->pack_v, 420.);
	CU_ASSERT_EQUAL(noted[REASON_VALUE_JUMP], 0);
}

static void after_a_silence_nothing_is_a_jump(void)
{
	begin();
	hear(370., 0.);
	tick(1500);
	hear(340., 0.);
	CU_ASSERT_EQUAL(now->pack_v, 340.);
}

/* ---- cells and temperatures ------------------------------------------------------------------ */

static void hear_cells(unsigned n)
{
	sample->cells_ms = bank.now_ms + 100;
	sample->n_cells = (uint16_t)n;
	tick(100);
}

static void one_unknown_cell_makes_all_unknown(void)
{
	begin();
	for (unsigned i = 0; i < 96; i++)
		sample->cell_v[i] = 3.7 + 0.001 * (i % 7);
	hear_cells(96);
	CU_ASSERT_DOUBLE_EQUAL(now->cell_min_v, 3.7, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(now->cell_max_v, 3.706, 1e-12);
	CU_ASSERT(now->cell_sum_v > 355.2 && now->cell_sum_v < 355.8);
	for (unsigned bad = 0; bad < 96; bad += 5) {
		double v = sample->cell_v[bad];
		sample->cell_v[bad] = NAN;
		hear_cells(96);
		CU_ASSERT(isnan(now->cell_min_v) && isnan(now->cell_max_v));
		CU_ASSERT_TRUE(isnan(now->cell_sum_v));
		sample->cell_v[bad] = v;
	}
}

static void pack_that_sends_extremes_only_has_no_sum(void)
{
	begin();
	sample->cell_min_v = 3.6;
	sample->cell_max_v = 3.8;
	hear_cells(0);
	CU_ASSERT(now->cell_min_v == 3.6 && now->cell_max_v == 3.8 && isnan(now->cell_sum_v));
	hear_cells(CELL_MAX + 1);
	CU_ASSERT(now->cell_min_v == 3.6 && isnan(now->cell_sum_v));
}

static void hear_temps(unsigned n)
{
	sample->temps_ms = bank.now_ms + 100;
	sample->n_temps = (uint16_t)n;
	tick(100);
}

static void broken_sensor_is_left_out_and_counted(void)
{
	begin();
	sample->temp_c[0] = NAN;
	sample->temp_c[1] = 21.;
	sample->temp_c[2] = 250.;
	sample->temp_c[3] = 28.;
	sample->temp_c[4] = 24.;
	sample->temp_c[5] = -80.;
	hear_temps(6);
	CU_ASSERT(now->temp_min_c == 21. && now->temp_max_c == 28. && now->temps_bad == 3);
	for (unsigned i = 0; i < 6; i++)
		sample->temp_c[i] = NAN;
	hear_temps(6);
	CU_ASSERT(isnan(now->temp_max_c) && now->temps_bad == 6);
	sample->temp_min_c = 10.;
	sample->temp_max_c = 12.;
	hear_temps(0);
	CU_ASSERT(now->temp_min_c == 10. && now->temp_max_c == 12. && now->temps_bad == 0);
	hear_temps(TEMP_MAX + 1);
	CU_ASSERT(now->temp_max_c == 12.);
}

static void extremes_are_found_whichever_sensor_has_them(void)
{
	for (unsigned lowest = 0; lowest < 4; lowest++) {
		begin();
		for (unsigned i = 0; i < 4; i++)
			sample->temp_c[i] = i == lowest ? 3. : 20. + i;
		hear_temps(4);
		CU_ASSERT(now->temp_min_c == 3. && now->temp_max_c == (lowest == 3 ? 22. : 23.));
	}
}

static void bad_frames_are_counted_per_ten_seconds(void)
{
	begin();
	sample->bad_frames = 100;
	tick(100);
	CU_ASSERT_EQUAL(bank.fresh[0].bad_frames_rate, 0);
	sample->bad_frames = 107;
	tick(9000);
	CU_ASSERT_EQUAL(bank.fresh[0].bad_frames_rate, 0);
	tick(1000);
	CU_ASSERT_EQUAL(bank.fresh[0].bad_frames_rate, 7);
	tick(10000);
	CU_ASSERT_EQUAL(bank.fresh[0].bad_frames_rate, 0);
}

/* ---- contacts -------------------------------------------------------------------------------- */

static void contact(enum contact level, int64_t ms)
{
	in.contacts[0].stamp_ms = bank.now_ms + ms;
	in.contacts[0].feedback[POLE_NEGATIVE] = level;
	tick(ms);
}

static void feedback_is_debounced_and_asks_for_a_step(void)
{
	begin();
	contact(CONTACT_OPEN, 100);
	contact(CONTACT_OPEN, 100);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_OPEN);
	contact(CONTACT_CLOSED, 5);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_OPEN);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 20);
	contact(CONTACT_OPEN, 5);
	contact(CONTACT_CLOSED, 5);
	contact(CONTACT_CLOSED, 19);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_OPEN);
	contact(CONTACT_CLOSED, 1);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_CLOSED);
}

static void stamped_edge(enum contact level, int64_t age_ms, int64_t ms)
{
	in.contacts[0].edge_ms[POLE_NEGATIVE] = bank.now_ms + ms - age_ms;
	contact(level, ms);
}

static void feedback_is_debounced_from_the_stamps_of_its_edges(void)
{
	begin();
	contact(CONTACT_OPEN, 100);
	bank.fresh[0].chatter_ms = bank.now_ms;
	stamped_edge(CONTACT_CLOSED, 15, 50);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_OPEN);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 5);
	/* it bounced between two readings that show the same */
	stamped_edge(CONTACT_CLOSED, 1, 5);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_OPEN);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 19);
	contact(CONTACT_CLOSED, 19);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 2);
	/* the same stamp again, one that came a moment after its level, and one from the future */
	contact(CONTACT_CLOSED, 100);
	contact(CONTACT_OPEN, 100);
	stamped_edge(CONTACT_OPEN, 7, 10);
	stamped_edge(CONTACT_OPEN, -1, 100);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 3);
	/* one that can be read again is where it is */
	contact(CONTACT_UNKNOWN, 10);
	stamped_edge(CONTACT_UNKNOWN, 1, 10);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 4);
	stamped_edge(CONTACT_CLOSED, 1, 10);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_CLOSED);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 4);
}

static void silent_or_missing_contact_is_unknown(void)
{
	begin();
	contact(CONTACT_CLOSED, 100);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_CLOSED);
	tick(501);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_UNKNOWN);
	begin();
	bank.site.pack[0].contactors.feedback[POLE_NEGATIVE] = false;
	contact(CONTACT_CLOSED, 100);
	CU_ASSERT_EQUAL(now->feedback[POLE_NEGATIVE], CONTACT_UNKNOWN);
}

static void contact_has_an_age_since_it_was_known(void)
{
	begin();
	tick(100);
	CU_ASSERT_TRUE(isinf(now->feedback_known_s[POLE_NEGATIVE]));
	contact(CONTACT_CLOSED, 100);
	CU_ASSERT_EQUAL(now->feedback_known_s[POLE_NEGATIVE], 0.);
	contact(CONTACT_UNKNOWN, 100);
	contact(CONTACT_UNKNOWN, 400);
	CU_ASSERT_EQUAL(now->feedback_known_s[POLE_NEGATIVE], 0.5);
	contact(CONTACT_OPEN, 10);
	CU_ASSERT_EQUAL(now->feedback_known_s[POLE_NEGATIVE], 0.);
	CU_ASSERT_TRUE(isinf(now->feedback_known_s[POLE_POSITIVE]));
}

static void edges_that_nobody_commanded_are_chatter_and_forgiven_in_time(void)
{
	begin();
	contact(CONTACT_OPEN, 100);
	bank.fresh[0].chatter_ms = bank.now_ms;
	for (int i = 0; i < 6; i++)
		contact(i % 2 ? CONTACT_OPEN : CONTACT_CLOSED, 50);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 6);
	bank.contactor[0].coil_ms[POLE_NEGATIVE] = bank.now_ms;
	contact(CONTACT_CLOSED, 50);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 6);
	for (int i = 0; i < 100; i++)
		contact(CONTACT_CLOSED, 100);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, 5);
	bank.fresh[0].chatter = UINT16_MAX;
	bank.fresh[0].chatter_ms = bank.now_ms;
	contact(CONTACT_OPEN, 100);
	CU_ASSERT_EQUAL(bank.fresh[0].chatter, UINT16_MAX);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static void input(enum input_id id, enum level level, int64_t ms)
{
	int64_t at_ms = bank.now_ms + ms;

	if (in.input[id].level != level)
		in.input[id].edge_ms = at_ms;
	in.input[id].level = level;
	if (!silent)
		in.input[id].stamp_ms = at_ms;
	tick(ms);
}

static void estop_trips_at_its_first_edge_and_recovers_slowly(void)
{
	begin();
	input(INPUT_ESTOP, LEVEL_OK, 200);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_ESTOP], LEVEL_OK);
	input(INPUT_ESTOP, LEVEL_TRIPPED, 1);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_ESTOP], LEVEL_TRIPPED);
	input(INPUT_ESTOP, LEVEL_OK, 1);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_ESTOP], LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 100);
	input(INPUT_ESTOP, LEVEL_OK, 100);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_ESTOP], LEVEL_OK);
}

static void other_inputs_trip_after_their_debounce(void)
{
	begin();
	input(INPUT_SMOKE, LEVEL_OK, 200);
	input(INPUT_SMOKE, LEVEL_TRIPPED, 5);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_OK);
	CU_ASSERT_EQUAL(out.next_step_ms, bank.now_ms + 20);
	input(INPUT_SMOKE, LEVEL_TRIPPED, 20);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_TRIPPED);
}

/* A buzzing contact has an edge before every reading, and is never steady by its edges. */
static void input_that_chatters_trips_when_it_is_read_tripped_long_enough(void)
{
	begin();
	input(INPUT_SMOKE, LEVEL_OK, 200);
	input(INPUT_SMOKE, LEVEL_TRIPPED, 5);
	in.input[INPUT_SMOKE].edge_ms = bank.now_ms + 19;
	input(INPUT_SMOKE, LEVEL_TRIPPED, 19);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_OK);
	in.input[INPUT_SMOKE].edge_ms = bank.now_ms + 1;
	input(INPUT_SMOKE, LEVEL_TRIPPED, 1);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_TRIPPED);
	in.input[INPUT_SMOKE].edge_ms = bank.now_ms + 200;
	input(INPUT_SMOKE, LEVEL_OK, 200);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_TRIPPED); /* recovers when steady */
	input(INPUT_SMOKE, LEVEL_OK, 100);
	input(INPUT_SMOKE, LEVEL_TRIPPED, 5);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_OK); /* counts anew */
}

static void silent_or_unknown_input_is_tripped_and_a_missing_one_is_nothing(void)
{
	begin();
	input(INPUT_SMOKE, LEVEL_OK, 200);
	silent = true;
	input(INPUT_SMOKE, LEVEL_OK, 500);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_OK);
	input(INPUT_SMOKE, LEVEL_OK, 1);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_TRIPPED);
	begin();
	input(INPUT_SMOKE, LEVEL_OK, 200);
	input(INPUT_SMOKE, LEVEL_UNKNOWN, 100);
	input(INPUT_SMOKE, LEVEL_UNKNOWN, 100);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_SMOKE], LEVEL_TRIPPED);
	CU_ASSERT_EQUAL(bank.now.input[INPUT_DOOR], LEVEL_UNKNOWN);
}

/* ---- converters ------------------------------------------------------------------------------ */

static void hear_pcs(double ac_w, double dc_w)
{
	in.pcs[0] = (struct pcs_sample){.stamp_ms = bank.now_ms + 100,
					.state = PCS_RUNNING,
					.ac_w = ac_w,
					.dc_w = dc_w,
					.dc_v = 370.,
					.dc_a = dc_w / 370.,
					.dis_max_w = NAN,
					.cha_max_w = NAN};
	tick(100);
}

static void converter_that_shows_no_power_is_as_silent_as_one_that_sends_nothing(void)
{
	static const double ac[] = {NAN, INFINITY, 5e3, 5e3}, dc[] = {5e3, 5e3, NAN, -INFINITY};

	for (unsigned i = 0; i < 4; i++) {
		begin();
		bank.site.grid.measured_at_ac = true;
		hear_pcs(5e3, 5.2e3);
		CU_ASSERT(bank.now.pcs[0].known && bank.now.pcs[0].age_s == 0.);
		for (int t = 0; t < 20; t++)
			hear_pcs(ac[i], dc[i]);
		CU_ASSERT(bank.now.pcs[0].known &&
			  isnan(bank.now.pcs[0].ac_w * bank.now.pcs[0].dc_w));
		CU_ASSERT_DOUBLE_EQUAL(bank.now.pcs[0].age_s, 2., 1e-9);
		hear_pcs(ac[i], dc[i]);
		CU_ASSERT(!bank.now.pcs[0].known && bank.now.pcs[0].state == PCS_UNKNOWN);
		CU_ASSERT(isnan(bank.now.pcs[0].ac_w) && isnan(bank.now.pcs[0].dc_w));
		hear_pcs(4e3, 4.2e3);
		CU_ASSERT(bank.now.pcs[0].known && bank.now.pcs[0].ac_w == 4e3);
	}
}

static void readings_without_power_do_not_make_a_lost_converter_known(void)
{
	begin();
	bank.site.grid.measured_at_ac = true;
	hear_pcs(NAN, NAN);
	CU_ASSERT(!bank.now.pcs[0].known && isinf(bank.now.pcs[0].age_s));
	hear_pcs(0., 0.);
	CU_ASSERT_TRUE(bank.now.pcs[0].known);
	in.pcs[0].stamp_ms = 0; /* found out about anew */
	tick(100);
	CU_ASSERT(!bank.now.pcs[0].known && isinf(bank.now.pcs[0].age_s));
}

static void power_that_nobody_needs_may_be_missing(void)
{
	begin();
	bank.site.grid.measured_at_ac = false;
	hear_pcs(NAN, 5e3);
	CU_ASSERT_TRUE(bank.now.pcs[0].known);
	/* Not running, its AC side asleep: what comes from the DC bus is what it gives. */
	bank.site.grid.measured_at_ac = true;
	hear_pcs(0., 0.);
	in.pcs[0].ac_w = NAN;
	in.pcs[0].dc_w = 1e3;
	in.pcs[0].state = PCS_OFF;
	in.pcs[0].stamp_ms = bank.now_ms + 3000;
	tick(3000);
	CU_ASSERT_TRUE(bank.now.pcs[0].known);
	CU_ASSERT(bank.now.pcs[0].ac_w > 900. && bank.now.pcs_ac_w < 1000.);
	in.pcs[0].state = PCS_STARTING;
	in.pcs[0].stamp_ms = bank.now_ms + 3000;
	tick(3000);
	CU_ASSERT(bank.now.pcs[0].known && bank.now.pcs_ac_w > 900.);
	/* It follows limits, and the packs show what it takes. */
	bank.site.pcs[0].self_steered = true;
	hear_pcs(NAN, NAN);
	CU_ASSERT_TRUE(bank.now.pcs[0].known);
}

/* ---- bank ------------------------------------------------------------------------------------ */

static void readings_of_the_bank_follow_the_same_rule(void)
{
	begin();
	bank.site.grid.has_meter = bank.site.has_imd = bank.site.has_supply = true;
	bank.site.imd_stale_ms = 2000;
	tick(100);
	CU_ASSERT(isnan(bank.now.meter_w) && isnan(bank.now.imd_ohm) && isnan(bank.now.supply_v));
	CU_ASSERT_TRUE(bank.now.imd_fault);
	in.bus.stamp_ms = in.meter.stamp_ms = in.imd.stamp_ms = in.supply_ms = bank.now_ms;
	in.pcs[0].stamp_ms = bank.now_ms;
	in.pcs[0].state = PCS_RUNNING;
	in.pcs[0].dc_w = 500.;
	in.bus.v = 370.;
	in.meter.p_w = 400.;
	in.imd.insulation_ohm = 1e6;
	in.supply_v = 24.;
	tick(100);
	CU_ASSERT(bank.now.bus_v == 370. && bank.now.meter_w == 400. && bank.now.imd_ohm == 1e6);
	CU_ASSERT(bank.now.supply_v == 24. && bank.now.pcs_dc_w == 500. && !bank.now.imd_fault);
	tick(1);
	CU_ASSERT(isnan(bank.now.bus_v) && bank.now.meter_w == 400.);
	tick(1900);
	CU_ASSERT(isnan(bank.now.pcs_dc_w) && bank.now.pcs[0].state == PCS_UNKNOWN);
	CU_ASSERT(bank.now.imd_fault && isnan(bank.now.imd_ohm));
	tick(2000);
	CU_ASSERT(isnan(bank.now.meter_w) && isnan(bank.now.supply_v));
	in.imd.stamp_ms = bank.now_ms;
	in.imd.fault = true;
	tick(10);
	CU_ASSERT(isnan(bank.now.imd_ohm) && bank.now.imd_fault);
	in.imd.fault = false;
	in.imd.insulation_ohm = NAN; /* its first guess */
	tick(10);
	CU_ASSERT(isnan(bank.now.imd_ohm) && bank.now.imd_fault);
	bank.site.has_imd = bank.site.has_supply = bank.site.grid.has_meter = false;
	tick(10);
	CU_ASSERT(isnan(bank.now.imd_ohm) && !bank.now.imd_fault);
}

/* ---- measures -------------------------------------------------------------------------------- */

static double m[PACK_MEASURE_COUNT];

static void measure(int64_t ms)
{
	hand_advance(ms);
	measure_pack(&bank, &in, 0, m);
}

static void slope_of_the_hottest_sensor_needs_three_seconds(void)
{
	begin();
	now->temps_new = true;
	now->temp_max_c = 25.;
	measure(100);
	now->temp_max_c = 30.;
	measure(2000);
	CU_ASSERT_EQUAL(m[PACK_TEMP_RISE_K_S], 0.);
	now->temp_max_c = 31.;
	measure(1000);
	CU_ASSERT_DOUBLE_EQUAL(m[PACK_TEMP_RISE_K_S], 2., 1e-9);
	now->temp_max_c = NAN;
	measure(1000);
	CU_ASSERT_TRUE(isnan(m[PACK_TEMP_RISE_K_S]));
	CU_ASSERT_TRUE(isinf(m[PACK_TEMPS_AGE_S]));
}

static void standing_still_is_a_lie_only_under_power(void)
{
	begin();
	sample->counts = false;
	sample->pack_v = 370.;
	sample->current_a = 5.;
	measure(100);
	CU_ASSERT_TRUE(bank.protect.pack[0].proven_alive);
	measure(100000);
	CU_ASSERT_EQUAL(m[PACK_FROZEN_S], 0.);
	bank.contactor[0].state = CONTACTOR_CLOSED;
	bank.now.pcs_dc_w = 20e3;
	for (int i = 0; i < 61; i++)
		measure(1000);
	CU_ASSERT_DOUBLE_EQUAL(m[PACK_FROZEN_S], 61., 1e-9);
	measure(600000);
	CU_ASSERT_FALSE(bank.protect.pack[0].proven_alive);
	sample->current_a = 5.1;
	measure(100);
	CU_ASSERT_EQUAL(m[PACK_FROZEN_S], 0.);
	CU_ASSERT_TRUE(bank.protect.pack[0].proven_alive);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(what_was_never_heard_is_unknown),
		TEST(readings_are_known_until_their_stale_time_and_not_a_millisecond_longer),
		TEST(stamp_from_ahead_has_age_zero),
		TEST(frozen_counter_makes_moving_stamps_worthless),
		TEST(invalid_codes_under_fresh_stamps_grow_old),
		TEST(each_group_has_its_own_age),
		TEST(single_wrong_frame_is_never_believed),
		TEST(lasting_step_is_believed_after_one_period),
		TEST(jump_that_the_current_explains_is_none),
		TEST(jump_out_of_the_window_counts_at_face_value),
		TEST(after_a_silence_nothing_is_a_jump),
		TEST(one_unknown_cell_makes_all_unknown),
		TEST(pack_that_sends_extremes_only_has_no_sum),
		TEST(broken_sensor_is_left_out_and_counted),
		TEST(extremes_are_found_whichever_sensor_has_them),
		TEST(bad_frames_are_counted_per_ten_seconds),
		TEST(feedback_is_debounced_and_asks_for_a_step),
		TEST(feedback_is_debounced_from_the_stamps_of_its_edges),
		TEST(silent_or_missing_contact_is_unknown),
		TEST(contact_has_an_age_since_it_was_known),
		TEST(edges_that_nobody_commanded_are_chatter_and_forgiven_in_time),
		TEST(estop_trips_at_its_first_edge_and_recovers_slowly),
		TEST(other_inputs_trip_after_their_debounce),
		TEST(input_that_chatters_trips_when_it_is_read_tripped_long_enough),
		TEST(silent_or_unknown_input_is_tripped_and_a_missing_one_is_nothing),
		TEST(converter_that_shows_no_power_is_as_silent_as_one_that_sends_nothing),
		TEST(readings_without_power_do_not_make_a_lost_converter_known),
		TEST(power_that_nobody_needs_may_be_missing),
		TEST(readings_of_the_bank_follow_the_same_rule),
		TEST(slope_of_the_hottest_sensor_needs_three_seconds),
		TEST(standing_still_is_a_lie_only_under_power),
		CU_TEST_INFO_NULL,
	};

	return hand_run("fresh", tests);
}
