/*
 * The vocabulary of expectations, one row per condition: key, type, flags, check of its words,
 * help. expect_now.c looks at one instant, expect_run.c at the whole run.
 */
#ifndef REBANK_CTL_EXPECT_TABLE_H
#define REBANK_CTL_EXPECT_TABLE_H

#include "ctl/scenario_parts.h"

/* clang-format off */
#define EXPECT_TABLE(ROW) \
	ROW(bank_state, WORD, 0, valid_bank_state, "starting, ready, running, derated, stopping, stopped or tripped") \
	ROW(pack_state, WORD, EXPECT_OF_PACK, valid_pack_state, "open, precharge, joining, closed, leaving, isolated, welded, quarantined or offline") \
	ROW(mode, WORD, 0, valid_mode, "who decides: default, setpoint, local, stopped or tripped") \
	ROW(degraded, FLAG, 0, NULL, "measured power does not follow the target") \
	ROW(dis_limit_max, NUMBER, 0, NULL, "published discharge limit now, W, at most") \
	ROW(dis_limit_min, NUMBER, 0, NULL, "published discharge limit now, W, at least") \
	ROW(cha_limit_max, NUMBER, 0, NULL, "published charge limit now, W, at most") \
	ROW(cha_limit_min, NUMBER, 0, NULL, "published charge limit now, W, at least") \
	ROW(pcs_enable, FLAG, 0, NULL, "the converters' enable line") \
	ROW(coils, WORD, 0, valid_coils, "off: no coil of the pack (of the bank) is driven; on: one is") \
	ROW(relay_healthy, FLAG, 0, NULL, "alarm relay energised") \
	ROW(fire_healthy, FLAG, 0, NULL, "fire relay energised") \
	ROW(fan, FLAG, 0, NULL, "fans run") \
	ROW(contactors, WORD, 0, valid_contactors, "in truth, of the pack (of every pack): closed on both poles, open on at least one, isolated on all") \
	ROW(packs_connected_min, NUMBER, 0, NULL, "packs on the bus in truth, at least") \
	ROW(packs_connected_max, NUMBER, 0, NULL, "packs on the bus in truth, at most") \
	ROW(p_w, NUMBER, EXPECT_NEAR, NULL, "true power at the site's point, W, within the tolerance") \
	ROW(p_min_w, NUMBER, 0, NULL, "true power, W, at least") \
	ROW(p_max_w, NUMBER, 0, NULL, "true power, W, at most") \
	ROW(pcs_w, NUMBER, EXPECT_NEAR | EXPECT_OF_PCS, NULL, "true power of the converter at the site's point, W, within the tolerance") \
	ROW(pcs_runs, FLAG, EXPECT_OF_PCS, NULL, "the converter is asked to run") \
	ROW(bus_max_v, NUMBER, 0, NULL, "true bus voltage, V, at most") \
	ROW(pack_current_max_a, NUMBER, EXPECT_OF_PACK, NULL, "true |current| of the pack, A, at most") \
	ROW(soc_spread_max, NUMBER, 0, NULL, "true SoC of the fullest minus the emptiest pack, at most") \
	ROW(event, REASON, EXPECT_TOTAL, NULL, "an event with this reason was seen in the time (of the pack, if given)") \
	ROW(no_event, REASON, EXPECT_TOTAL, NULL, "no such event was seen in the time") \
	ROW(ack, WORD, EXPECT_OF_ID | EXPECT_TOTAL, valid_ack, "accepted, limited, rejected, started, completed, superseded, expired or cancelled; with `reason`, for that reason") \
	ROW(acks, NUMBER, EXPECT_OF_ID | EXPECT_TOTAL, NULL, "number of acks for the id in the time") \
	ROW(reason, REASON, 0, NULL, "why the pack is not closed or what limits it; of the bank: why it is in its state") \
	ROW(energy_dis_min_wh, NUMBER, EXPECT_TOTAL, NULL, "energy discharged at the site's point, Wh, at least") \
	ROW(energy_dis_max_wh, NUMBER, EXPECT_TOTAL, NULL, "energy discharged, Wh, at most") \
	ROW(energy_cha_min_wh, NUMBER, EXPECT_TOTAL, NULL, "energy charged, Wh, at least") \
	ROW(energy_cha_max_wh, NUMBER, EXPECT_TOTAL, NULL, "energy charged, Wh, at most") \
	ROW(energy_share_min, NUMBER, EXPECT_TOTAL, NULL, "energy discharged on the DC side as a share of what the packs held above their own floors at the start, at least") \
	ROW(full_power_share_min, NUMBER, EXPECT_TOTAL, NULL, "share of the time with power asked in which it was given") \
	ROW(trips, NUMBER, EXPECT_TOTAL, NULL, "events of severity trip or alarm") \
	ROW(invariant_violations, NUMBER, EXPECT_TOTAL, NULL, "broken invariants (0 is always expected)") \
	ROW(limit_violations, NUMBER, EXPECT_TOTAL, NULL, "pack-seconds beyond 1.02 of a pack's true limits, at most") \
	ROW(operations_min, NUMBER, EXPECT_TOTAL, NULL, "closings of packs, at least") \
	ROW(operations_max, NUMBER, EXPECT_TOTAL, NULL, "closings of packs, at most") \
	ROW(join_peak_max_a, NUMBER, EXPECT_TOTAL, NULL, "largest true current within 100 ms after a closing, A") \
	ROW(leave_peak_max_a, NUMBER, EXPECT_TOTAL, NULL, "largest true current that a main contactor opened, A")
/* clang-format on */

#define EXPECT_PROTOTYPE(key, type, flags, valid, help)                                            \
	bool expect_##key(struct run *run, struct expect *expect);
EXPECT_TABLE(EXPECT_PROTOTYPE)
#undef EXPECT_PROTOTYPE

/* Says what was there, for the message when it was not enough. */
void expect_found(struct expect *expect, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool expect_at_least(struct expect *expect, double value);
bool expect_at_most(struct expect *expect, double value);
bool expect_equals(struct expect *expect, double value);

#endif
