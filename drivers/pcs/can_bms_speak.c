#include <math.h>
#include <string.h>

#include "core/num.h"
#include "drivers/pcs/can_bms_speak.h"

void can_bms_speak_init(struct can_bms_speaker *speaker)
{
	speaker->voice = CAN_BMS_SILENT;
	speaker->known_ms = speaker->told_ms = speaker->hurried_ms = 0;
	memset(&speaker->battery, 0, sizeof speaker->battery);
	speaker->battery.charge_v = speaker->battery.discharge_v = (double)NAN;
	speaker->n = speaker->next = 0;
}

/* ---- what is admitted ---------------------------------------------------------------------- */

struct window {
	double min_v, max_v;
};

/* What everything that is connected now withstands. */
static struct window window_of(const struct can_bms_speaker *speaker,
			       const struct bank_outputs *out)
{
	struct window window = {speaker->bus_min_v, speaker->bus_max_v};

	for (unsigned k = 0; k < speaker->n_packs; k++) {
		const bool *coil = out->pack[k].coil;

		if (!coil[POLE_NEGATIVE] && !coil[POLE_POSITIVE])
			continue;
		window.min_v = num_max(window.min_v, speaker->pack_min_v[k]);
		window.max_v = num_min(window.max_v, speaker->pack_max_v[k]);
	}
	return window;
}

/*
 * The core's bounds of the bus voltage also hold the current limits: with charging forbidden its
 * upper bound lies below the voltage at rest, and an inverter would take that for over-charge. So
 * the present voltage is never told to be too high while it is inside the window of what is
 * connected; the currents carry the rest.
 */
static void set_voltages(struct can_bms_battery *battery, struct window window,
			 const struct bank_outputs *out)
{
	double v = out->bus_known ? out->bus_v : out->face.v;
	double max_v = out->bus_max_v > 0.0 ? num_max(out->bus_max_v, v) : v;
	double min_v = out->bus_min_v > 0.0 ? num_min(out->bus_min_v, v) : v;

	max_v = num_min(max_v, window.max_v);
	min_v = num_max(min_v, window.min_v);
	if (!(window.max_v > window.min_v) || !(max_v > 0.0) || !(min_v > 0.0))
		return; /* the last valid ones stand */
	battery->charge_v = max_v;
	battery->discharge_v = min_v;
}

static bool may_flow(const struct can_bms_speaker *speaker, const struct bank_outputs *out)
{
	return out->pcs_enable && out->pcs[speaker->pcs].run && out->bus_max_v > 0.0;
}

static double limit_of(double a, bool ok, double share)
{
	return ok && a > 0.0 && isfinite(a) ? a * share : 0.0;
}

static void look(struct can_bms_speaker *speaker, int64_t now_ms, const struct bank_outputs *out)
{
	struct can_bms_battery *battery = &speaker->battery;
	const struct bank_face *face = &out->face;

	battery->face = *face;
	battery->charge_a = battery->discharge_a = 0.0;
	battery->alarm = !face->known;
	if (face->known) {
		speaker->known_ms = now_ms;
		set_voltages(battery, window_of(speaker, out), out);
	}
	if (!(battery->charge_v > 0.0) || speaker->known_ms == 0) {
		speaker->voice = CAN_BMS_SILENT; /* never a voltage that is not known */
	} else if (!face->known) {
		speaker->voice = now_ms - speaker->known_ms < CAN_BMS_SAFE_MS ? CAN_BMS_ALARM
									      : CAN_BMS_SILENT;
	} else if (!may_flow(speaker, out)) {
		speaker->voice = CAN_BMS_IDLE;
	} else {
		speaker->voice = CAN_BMS_LIVE;
		battery->charge_a = limit_of(out->bus_cha_max_a, face->charge_ok, speaker->share);
		battery->discharge_a =
			limit_of(out->bus_dis_max_a, face->discharge_ok, speaker->share);
	}
}

/* ---- when ---------------------------------------------------------------------------------- */

/* A limit that fell, or a bank that may no more, is not kept until the next period. */
static bool must_hurry(const struct can_bms_battery *before, enum can_bms_voice voice_before,
		       const struct can_bms_speaker *speaker)
{
	const struct can_bms_battery *now = &speaker->battery;

	return speaker->voice < voice_before || now->charge_a < before->charge_a - 0.05 ||
	       now->discharge_a < before->discharge_a - 0.05;
}

/* Which frames carry what must not wait. */
static const uint32_t urgent_frames =
	1u << CAN_BMS_351 | 1u << CAN_BMS_359 | 1u << CAN_BMS_35A | 1u << CAN_BMS_35C;

/* What waits is told anew: an older number must not follow a newer one. */
static unsigned urgent_take(struct can_bms_speaker *speaker, struct can_frame *frame, unsigned max)
{
	const struct can_bms_setup *setup = speaker->setup;
	struct can_frame urgent[CAN_BMS_FRAMES_MAX];
	unsigned n =
		can_bms_lv_frames(setup, &speaker->battery, setup->frames & urgent_frames, urgent);
	unsigned all = can_bms_lv_frames(setup, &speaker->battery, setup->frames, speaker->frame);

	speaker->next = speaker->next >= speaker->n ? all : all == speaker->n ? speaker->next : 0;
	speaker->n = all;
	if (n > max)
		n = max;
	memcpy(frame, urgent, n * sizeof *frame);
	return n;
}

static unsigned speak_unasked(struct can_bms_speaker *speaker, int64_t now_ms, bool hurry,
			      struct can_frame *frame, unsigned max)
{
	const struct can_bms_setup *setup = speaker->setup;
	unsigned n = 0;

	if (max > CAN_BMS_BURST)
		max = CAN_BMS_BURST;
	if (speaker->told_ms == 0 || now_ms - speaker->told_ms >= speaker->period_ms) {
		speaker->told_ms = now_ms;
		speaker->n =
			can_bms_lv_frames(setup, &speaker->battery, setup->frames, speaker->frame);
		speaker->next = 0;
	} else if (hurry && now_ms - speaker->hurried_ms >= CAN_BMS_HURRY_MS) {
		speaker->hurried_ms = now_ms;
		n = urgent_take(speaker, frame, max);
	}
	while (n < max && speaker->next < speaker->n)
		frame[n++] = speaker->frame[speaker->next++];
	return n;
}

/* One answer at a time: the queue of an interface holds 10 frames. */
static unsigned speak_when_asked(struct can_bms_speaker *speaker, unsigned *requests,
				 struct can_frame *frame, unsigned max)
{
	unsigned now = *requests & CAN_BMS_ASKS_DATA ? CAN_BMS_ASKS_DATA : *requests;
	unsigned n = can_bms_hv_frames(speaker->setup, &speaker->battery, now, speaker->frame);

	*requests &= ~now;
	if (n > max)
		n = max;
	memcpy(frame, speaker->frame, n * sizeof *frame);
	return n;
}

unsigned can_bms_speak(struct can_bms_speaker *speaker, int64_t now_ms,
		       const struct bank_outputs *out, unsigned *requests, struct can_frame *frame,
		       unsigned max)
{
	struct can_bms_battery before = speaker->battery;
	enum can_bms_voice voice_before = speaker->voice;

	look(speaker, now_ms, out);
	if (speaker->voice == CAN_BMS_SILENT) {
		speaker->n = speaker->next = 0;
		speaker->told_ms = 0;
		*requests = 0;
		return 0;
	}
	if (speaker->setup->dialect == CAN_BMS_PYLONTECH_HV)
		return speak_when_asked(speaker, requests, frame, max);
	return speak_unasked(speaker, now_ms, must_hurry(&before, voice_before, speaker), frame,
			     max);
}
