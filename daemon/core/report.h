/*
 * What the outside may know of the bank at one instant: plain data for MQTT, CLI and ledger, so
 * that none of them looks into struct bank. Powers at the site's measuring point; unknown is NaN.
 */
#ifndef REBANK_CORE_REPORT_H
#define REBANK_CORE_REPORT_H

#include "core/bank.h"
#include "core/standing.h"

struct pack_report {
	char id[ID_SIZE];
	const char *state;  /* open precharge joining closed leaving isolated welded quarantined
			       offline */
	enum reason reason; /* why it is not closed, or what limits it */
	double reason_value, reason_threshold;
	double v, a, soc, soc_sigma, soh, r_ohm, e_v, cell_min_v, cell_max_v, t_min_c, t_max_c;
	double lim_dis_a, lim_cha_a;
	double capacity_ah, ah_dis, ah_cha, wh_dis, wh_cha, efc;
	uint32_t operations;
	double wear; /* worst contactor, 0..1 */
	bool fitted[POLE_COUNT]; /* contactors that are moved here, each with its ledger */
	struct contactor_wear contactor[POLE_COUNT];
	bool connected, isolated, latched, disabled;
};

struct bank_report {
	int64_t now_ms, utc_ms;
	bool clock_synced;
	enum bank_state state;
	enum reason state_reason;
	double p_w, p_target_w, p_ramped_w; /* p_w measured */
	double dc_v, dc_a;
	double soc, soc_sigma, soc_min, soc_max, soh;
	double t_min_c, t_max_c;
	unsigned packs_connected, packs_total;
	double wh_dis, wh_cha;
	/* limits */
	double dis_w[HORIZON_COUNT], cha_w[HORIZON_COUNT], must_w, e_dis_wh, e_cha_wh, ramp_w_s;
	enum reason dis_reason, cha_reason;
	int dis_pack, cha_pack;
	/* active */
	int winner;
	char winner_id[ID_SIZE], command_id[COMMAND_ID_SIZE];
	enum dispatch_mode mode;
	enum reason reason;
	int64_t expires_ms;
	bool degraded, stopped, locked, tripped;
	bool pcs_enable;
	double proof_left_d[PROOF_TESTS]; /* days until due; NaN: not required. weld: the least */
	int proof_weld_pack;              /* whose that is; -1: none */
	unsigned n_standing; /* may be more than the list holds */
	struct event standing[STANDING_MAX];
	unsigned n_packs;
	struct pack_report pack[PACK_MAX];
};

void bank_report(const struct bank *bank, const struct bank_inputs *in,
		 const struct bank_outputs *out, struct bank_report *report);

#endif
