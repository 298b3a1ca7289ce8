/* A whole bank in hand: healthy readings, every permit, and a look at the events of each step. */
#ifndef REBANK_TESTS_HAND_BANK_H
#define REBANK_TESTS_HAND_BANK_H

#include <CUnit/Basic.h>

#include "core/bank.h"
#include "core/num.h"
#include "core/rules.h"
#include "tests/fixture.h"

static struct bank bank;
static struct bank_inputs in;
static struct bank_outputs out;
static unsigned raised[REASON_COUNT], cleared[REASON_COUNT], noted[REASON_COUNT];

static inline void hand_forget(void)
{
	memset(raised, 0, sizeof raised);
	memset(cleared, 0, sizeof cleared);
	memset(noted, 0, sizeof noted);
}

/* Books the events of a step, then starts the next output. */
static inline void hand_read(void)
{
	for (unsigned i = 0; i < out.n_events; i++) {
		unsigned *count = out.event[i].kind == EVENT_RAISED    ? raised
				  : out.event[i].kind == EVENT_CLEARED ? cleared
								       : noted;
		count[out.event[i].reason]++;
	}
}

static inline void hand_advance(int64_t ms)
{
	bank.last_ms = bank.now_ms;
	bank.now_ms += ms;
	bank.dt_s = (double)ms / 1000.;
	in.now_ms = bank.now_ms;
	memset(&out, 0, sizeof out);
	out.next_step_ms = bank.now_ms + 100;
}

static inline void hand_pack(unsigned k)
{
	struct pack_now *now = &bank.now.pack[k];
	struct permit *permit = &bank.protect.pack[k].permit;

	*now = (struct pack_now){
		.pack_v = 374.4,
		.current_a = 0.,
		.link_v = 374.4,
		.cell_min_v = 3.9,
		.cell_max_v = 3.9,
		.cell_sum_v = 374.4,
		.temp_min_c = 25.,
		.temp_max_c = 25.,
		.soc = 0.7,
		.soh = 0.8,
		.dis_limit_a = NAN,
		.cha_limit_a = NAN,
		.insulation_ohm = 2e6,
		.aux_v = 13.,
		.bms_known = true,
		.feedback = {CONTACT_OPEN, CONTACT_OPEN, CONTACT_OPEN},
	};
	in.pack[k].counts = true;
	in.pack[k].link = LINK_OK;
	*permit = (struct permit){.close = true,
				  .hold = true,
				  .hold_deadline_ms = INT64_MAX,
				  .dis_a = 60.,
				  .cha_a = 40.};
	bank.protect.pack[k].proven_alive = true;
	bank.estimate[k] = (struct estimate){.soc = 0.7,
					     .soc_sigma = 0.01,
					     .e_v = 374.4,
					     .e_sigma_v = 0.5,
					     .e_relaxed_v = 374.4,
					     .ocv_slope_v = 60.,
					     .r_fast_ohm = 0.1,
					     .r_10s_ohm = 0.15,
					     .r_rel = 0.1,
					     .e_dis_wh = 8000.,
					     .e_cha_wh = 4000.,
					     .capacity_ah = 52.};
	bank.limits.pack[k] = (struct limit_pack){.e_v = 374.4,
						  .e_sigma_v = 0.5,
						  .r_ohm = 0.1,
						  .r_rel = 0.1,
						  .dis_a = 60.,
						  .cha_a = 40.,
						  .v_min = 330.,
						  .v_max = 395.};
	limits_interval(&bank.limits.pack[k]);
	bank.contactor[k].state = CONTACTOR_OPEN;
}

/* n packs, open and healthy, at t = 100 s; bus dead, converters off, guard ready. */
static inline void hand_init(unsigned n)
{
	static struct site site;

	fixture_site(&site, n);
	site.supply_close_min_v = 20.;
	site.supply_open_v = 16.;
	for (unsigned k = 0; k < n; k++)
		site.pack[k].limit.aux_min_v = 9.;
	fixture_inputs(&in, 100000);
	in.gpio = GPIO_OK;
	bank_init(&bank, &site, NULL);
	bank.start_ms = 1000;
	bank.now_ms = 100000;
	hand_forget();
	memset(&out, 0, sizeof out);
	for (int id = 0; id < INPUT_COUNT; id++)
		bank.now.input[id] = site.input[id].present ? LEVEL_OK : LEVEL_UNKNOWN;
	bank.now.imd_ohm = NAN;
	bank.now.supply_v = NAN;
	bank.now.pcs[0] = (struct pcs_now){
		.known = true, .state = PCS_OFF, .dis_max_w = (double)NAN, .cha_max_w = (double)NAN};
	bank.limits.bus = (struct limit_bus){.resistance_ohm = 0.01,
					     .v_min = 280.,
					     .v_max = 430.,
					     .dis_max_a = INFINITY,
					     .cha_max_a = INFINITY};
	bank.limits.must_w = NAN;
	for (int test = 0; test < PROOF_BANK_TESTS; test++)
		bank.proofs.bank_left_d[test] = NAN;
	for (unsigned k = 0; k < n; k++)
		bank.proofs.weld_left_d[k] = NAN;
	bank.limits.bears_unseen = true;
	for (unsigned i = 0; i < PCS_MAX; i++)
		bank.protect.pcs[i].permit.run = true;
	bank.protect.permit = (struct bank_permit){.close = true,
						   .power = true,
						   .pcs_enable = true,
						   .hold = true,
						   .hold_deadline_ms = INT64_MAX,
						   .derate = 1.};
	bank.guard.ready = true;
	bank.guard.pcs_drop_ms = 1000;
	for (unsigned k = 0; k < n; k++)
		hand_pack(k);
}

static inline int hand_run(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

#endif
