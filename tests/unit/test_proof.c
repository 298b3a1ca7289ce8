#include "hand_bank.h"

static const int64_t day_ms = 86400000;

/* The step of a bank that has been running; the clock goes with it while it is synchronised. */
static void step(int64_t ms)
{
	hand_advance(ms);
	in.utc_ms += ms;
	proof_step(&bank, &in, &out);
	hand_read();
}

static double left(enum proof_test test)
{
	return bank.proofs.bank_left_d[test];
}

static void begin(void)
{
	hand_init(2);
	for (int test = 0; test < PROOF_TESTS; test++)
		bank.site.proof.period_d[test] = 100.;
	bank.site.input[INPUT_INSULATION].present = true;
	bank.contactor[0].state = bank.contactor[1].state = CONTACTOR_CLOSED;
	step(100);
	hand_forget();
}

static void press(enum level level)
{
	in.input[INPUT_ESTOP] = (struct digital_input){bank.now_ms, bank.now_ms, level};
	step(100);
}

static void never_seen_counts_from_the_first_start(void)
{
	begin();
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_ESTOP), 100., 1e-3);
	step(99 * day_ms);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_HEARTBEAT), 1., 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(bank.proofs.weld_left_d[1], 1., 1e-3);
	step(3 * day_ms);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_INSULATION), -2., 1e-3);
}

static void what_is_not_required_or_not_fitted_has_no_date(void)
{
	begin();
	bank.site.proof.period_d[PROOF_HEARTBEAT] = 0.;
	bank.site.input[INPUT_ESTOP].present = false;
	bank.site.input[INPUT_INSULATION].present = false;
	bank.site.pcs[0].dead_man_ms = 0;
	bank.site.proof.period_d[PROOF_WELD] = 0.;
	step(100);
	for (int test = 0; test < PROOF_BANK_TESTS; test++)
		CU_ASSERT_TRUE(isnan(bank.proofs.bank_left_d[test]));
	CU_ASSERT_TRUE(isnan(bank.proofs.weld_left_d[0]));
}

static void estop_counts_when_pressed_and_released(void)
{
	begin();
	step(50 * day_ms);
	press(LEVEL_OK);
	press(LEVEL_TRIPPED);
	CU_ASSERT(left(PROOF_ESTOP) < 51.);
	press(LEVEL_UNKNOWN);
	CU_ASSERT(left(PROOF_ESTOP) < 51.);
	press(LEVEL_OK);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_ESTOP), 100., 1e-3);
	CU_ASSERT_EQUAL(noted[REASON_ESTOP_TEST_DONE], 1);
	step(10 * day_ms);
	in.input[INPUT_ESTOP] = (struct digital_input){1, 1, LEVEL_TRIPPED}; /* a silent input */
	step(1000);
	press(LEVEL_OK);
	CU_ASSERT(left(PROOF_ESTOP) < 91.);
}

static void dead_man_is_seen_while_every_driver_reads_it_back(void)
{
	begin();
	bank.site.n_pcs = 2;
	bank.site.pcs[1] = bank.site.pcs[0];
	bank.now.pcs[0].dead_man_proven = true;
	step(50 * day_ms);
	CU_ASSERT(left(PROOF_DEAD_MAN) < 51.);
	bank.now.pcs[1].dead_man_proven = true;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_DEAD_MAN), 100., 1e-3);
	CU_ASSERT_EQUAL(noted[REASON_DEAD_MAN_TEST_DONE], 1);
	step(100);
	CU_ASSERT_EQUAL(noted[REASON_DEAD_MAN_TEST_DONE], 1); /* told once */
}

static void pack_whose_contacts_say_open_is_proven(void)
{
	begin();
	step(50 * day_ms);
	bank.contactor[0].state = CONTACTOR_OPEN;
	bank.now.pack[0].feedback[POLE_NEGATIVE] = CONTACT_CLOSED;
	step(100);
	CU_ASSERT(bank.proofs.weld_left_d[0] < 51.);
	bank.now.pack[0].feedback[POLE_NEGATIVE] = CONTACT_OPEN;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(bank.proofs.weld_left_d[0], 100., 1e-3);
	CU_ASSERT(bank.proofs.weld_left_d[1] < 51.);
	CU_ASSERT_EQUAL(noted[REASON_WELD_TEST_DONE], 1);
	step(50 * day_ms);
	bank.contactor[0].welded[POLE_POSITIVE] = true;
	step(day_ms);
	CU_ASSERT(bank.proofs.weld_left_d[0] < 100.);
}

/* Opens pack 0, which has no contacts to tell, from a bus at start_v that then reads bus_v. */
static void open_blind(double start_v, double bus_v)
{
	begin();
	memset(bank.site.pack[0].contactors.feedback, 0, sizeof(bool[POLE_COUNT]));
	memset(bank.now.pack[0].feedback, 0, sizeof bank.now.pack[0].feedback);
	step(50 * day_ms);
	bank.contactor[0].state = CONTACTOR_OPEN_SECOND;
	bank.contactor[0].start_v = start_v;
	bank.now.bus_v = bus_v;
	step(100);
	bank.contactor[0].state = CONTACTOR_OPEN;
	step(100);
}

static void without_contacts_a_bus_that_loses_its_voltage_proves_the_opening(void)
{
	open_blind(370., 300.);
	CU_ASSERT_DOUBLE_EQUAL(bank.proofs.weld_left_d[0], 100., 1e-3);
	open_blind(370., 360.);
	CU_ASSERT(bank.proofs.weld_left_d[0] < 51.);
	open_blind(370., NAN);
	CU_ASSERT(bank.proofs.weld_left_d[0] < 51.);
	open_blind(20., 0.);
	CU_ASSERT(bank.proofs.weld_left_d[0] < 51.);
	open_blind(370., 370.);
	bank.now.bus_v = 0.; /* later: no more of this opening */
	step(100);
	CU_ASSERT(bank.proofs.weld_left_d[0] < 51.);
}

static void operator_tells_what_he_has_seen(void)
{
	begin();
	step(50 * day_ms);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_HEARTBEAT, -1), REASON_OK);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_HEARTBEAT, -1), REASON_OK);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_WELD, 1), REASON_OK);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_WELD, -1), REASON_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_WELD, 2), REASON_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_ESTOP, 0), REASON_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_TESTS, -1), REASON_OUT_OF_RANGE);
	bank.contactor[0].welded[POLE_POSITIVE] = true;
	bank.now.pack[0].feedback[POLE_POSITIVE] = CONTACT_CLOSED;
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_WELD, 0), REASON_FAULT);
	hand_read();
	CU_ASSERT_EQUAL(noted[REASON_HEARTBEAT_TEST_DONE], 2);
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_HEARTBEAT), 100., 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(bank.proofs.weld_left_d[1], 100., 1e-3);
	CU_ASSERT(left(PROOF_INSULATION) < 51.);
}

static void time_off_counts_by_a_synchronised_clock_only(void)
{
	static struct bank_saved saved;
	static struct site site;

	begin();
	step(10 * day_ms);
	site = bank.site;
	bank_save(&bank, &in, &saved);
	bank_init(&bank, &site, &saved);
	bank.now_ms = 1000;
	bank.contactor[0].state = CONTACTOR_CLOSED;
	in.utc_ms += 30 * day_ms; /* it was off for a month */
	in.clock_synced = false;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_HEARTBEAT), 90., 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(bank.proofs.weld_left_d[0], 90., 1e-3);
	in.clock_synced = true;
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_HEARTBEAT), 60., 1e-3);
	in.utc_ms -= 400 * day_ms; /* set back: it does not get younger than it ran */
	step(100);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_HEARTBEAT), 90., 1e-3);
}

static void proof_without_a_clock_is_dated_when_there_is_one(void)
{
	begin();
	in.clock_synced = false;
	step(5 * day_ms);
	CU_ASSERT_EQUAL(proof_seen(&bank, &in, &out, PROOF_HEARTBEAT, -1), REASON_OK);
	step(2 * day_ms);
	CU_ASSERT_DOUBLE_EQUAL(left(PROOF_HEARTBEAT), 98., 1e-3);
	in.clock_synced = true;
	step(100);
	CU_ASSERT_EQUAL(bank.proofs.bank[PROOF_HEARTBEAT].utc_ms, in.utc_ms - 2 * day_ms - 100);
}

static void every_test_has_a_word(void)
{
	for (int test = 0; test < PROOF_TESTS; test++)
		CU_ASSERT_TRUE(proof_word((enum proof_test)test)[0] != '\0');
	CU_ASSERT_STRING_EQUAL(proof_word(PROOF_TESTS), "");
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(never_seen_counts_from_the_first_start),
		TEST(what_is_not_required_or_not_fitted_has_no_date),
		TEST(estop_counts_when_pressed_and_released),
		TEST(dead_man_is_seen_while_every_driver_reads_it_back),
		TEST(pack_whose_contacts_say_open_is_proven),
		TEST(without_contacts_a_bus_that_loses_its_voltage_proves_the_opening),
		TEST(operator_tells_what_he_has_seen),
		TEST(time_off_counts_by_a_synchronised_clock_only),
		TEST(proof_without_a_clock_is_dated_when_there_is_one),
		TEST(every_test_has_a_word),
		CU_TEST_INFO_NULL,
	};

	return hand_run("proof", tests);
}
