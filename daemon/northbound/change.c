#include "northbound/change.h"

#include <math.h>
#include <string.h>

enum { EXPIRY_JITTER_MS = 200 };

/* Known or unknown on both sides, and within `tolerance` when known. */
static bool is_close(double a, double b, double tolerance)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	return fabs(a - b) <= tolerance;
}

bool change_in_limits(const struct bank_report *a, const struct bank_report *b,
		      const struct site *site)
{
	double power_w = 0.01 * site->grid.p_max_w;

	for (int h = 0; h < HORIZON_COUNT; h++)
		if (!is_close(a->dis_w[h], b->dis_w[h], power_w) ||
		    !is_close(a->cha_w[h], b->cha_w[h], power_w))
			return true;
	return !is_close(a->must_w, b->must_w, power_w) ||
	       !is_close(a->e_dis_wh, b->e_dis_wh, 0.01 * fabs(b->e_dis_wh)) ||
	       !is_close(a->e_cha_wh, b->e_cha_wh, 0.01 * fabs(b->e_cha_wh)) ||
	       a->dis_reason != b->dis_reason || a->cha_reason != b->cha_reason ||
	       a->packs_connected != b->packs_connected;
}

bool change_in_active(const struct bank_report *a, const struct bank_report *b,
		      const struct site *site)
{
	int64_t a_utc_ms = a->expires_ms > 0 ? a->expires_ms - a->now_ms + a->utc_ms : 0;
	int64_t b_utc_ms = b->expires_ms > 0 ? b->expires_ms - b->now_ms + b->utc_ms : 0;
	int64_t moved_ms = a_utc_ms > b_utc_ms ? a_utc_ms - b_utc_ms : b_utc_ms - a_utc_ms;

	return a->winner != b->winner || a->mode != b->mode || a->reason != b->reason ||
	       strcmp(a->command_id, b->command_id) != 0 || a->degraded != b->degraded ||
	       a->stopped != b->stopped || a->locked != b->locked || a->tripped != b->tripped ||
	       moved_ms > EXPIRY_JITTER_MS ||
	       !is_close(a->p_target_w, b->p_target_w, 0.01 * site->grid.p_max_w);
}

bool change_in_pack(const struct pack_report *a, const struct pack_report *b)
{
	return strcmp(a->state, b->state ? b->state : "") != 0 || a->reason != b->reason ||
	       a->connected != b->connected || a->isolated != b->isolated ||
	       a->latched != b->latched || a->disabled != b->disabled;
}

void change_copy_limits(struct bank_report *to, const struct bank_report *from)
{
	memcpy(to->dis_w, from->dis_w, sizeof to->dis_w);
	memcpy(to->cha_w, from->cha_w, sizeof to->cha_w);
	to->must_w = from->must_w;
	to->e_dis_wh = from->e_dis_wh;
	to->e_cha_wh = from->e_cha_wh;
	to->dis_reason = from->dis_reason;
	to->cha_reason = from->cha_reason;
	to->packs_connected = from->packs_connected;
}

void change_copy_active(struct bank_report *to, const struct bank_report *from)
{
	to->now_ms = from->now_ms;
	to->utc_ms = from->utc_ms;
	to->winner = from->winner;
	to->mode = from->mode;
	to->reason = from->reason;
	to->expires_ms = from->expires_ms;
	to->p_target_w = from->p_target_w;
	to->degraded = from->degraded;
	to->stopped = from->stopped;
	to->locked = from->locked;
	to->tripped = from->tripped;
	memcpy(to->command_id, from->command_id, sizeof to->command_id);
}
