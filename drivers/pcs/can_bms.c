#include "drivers/pcs/can_bms.h"

#include <math.h>
#include <stdlib.h>

enum { BATCHES_MAX = 4 }; /* of one gather: a flooded bus does not keep the control thread */

struct link {
	struct can_bms_setup setup;
	struct can_bms_speaker speaker;
	struct can_bms_heard heard;
	struct can_bus bus;
	int64_t told_ms; /* last frame that went out; 0: none yet */
};

struct can_bms {
	unsigned n;
	struct link link[PCS_MAX];
	struct can_batch batch;
};

static void listen_for(struct link *link)
{
	static const uint16_t inverter_ids[] = {0x305, 0x306, 0x307};

	if (link->setup.dialect == CAN_BMS_PYLONTECH_HV) {
		can_bus_want(&link->bus, 0x4200, true);
		can_bus_want(&link->bus, 0x4200u + link->setup.address, true);
		can_bus_want(&link->bus, 0x4210u + link->setup.address, true);
		can_bus_want(&link->bus, 0x4220u + link->setup.address, true);
		return;
	}
	for (unsigned i = 0; i < sizeof inverter_ids / sizeof inverter_ids[0]; i++)
		can_bus_want(&link->bus, inverter_ids[i], false);
	can_bus_want(&link->bus, can_bms_id_of(CAN_BMS_351), false);
}

/* ---- readings ------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static void put_sample(const struct link *link, int64_t now_ms, struct pcs_sample *sample)
{
	const struct can_bms_heard *heard = &link->heard;
	bool foreign = heard->foreign_ms && now_ms - heard->foreign_ms < CAN_BMS_FOREIGN_MS;
	bool unasked = link->setup.dialect != CAN_BMS_PYLONTECH_HV;

	*sample = (struct pcs_sample){
		.stamp_ms = heard->alive_ms,
		.state = PCS_RUNNING,
		.ac_w = (double)NAN,
		.dc_w = heard->v * heard->a,
		.dc_v = heard->v,
		.dc_a = heard->a,
		.dis_max_w = (double)NAN,
		.cha_max_w = (double)NAN,
		.freq_hz = (double)NAN,
		.faults = heard->error | (foreign ? CAN_BMS_FOREIGN : 0u),
	};
	if (heard->error || foreign)
		sample->state = PCS_FAULT;
	if (heard->measured_ms) /* a measurement that stopped is older than the keep-alive */
		sample->stamp_ms = earlier(sample->stamp_ms, heard->measured_ms);
	if (unasked && link->speaker.voice != CAN_BMS_SILENT)
		sample->stamp_ms =
			earlier(sample->stamp_ms, link->told_ms + link->speaker.period_ms);
}

static void gather(void *self, struct bank_inputs *in)
{
	struct can_bms *can_bms = self;

	for (unsigned i = 0; i < can_bms->n; i++) {
		struct link *link = &can_bms->link[i];
		unsigned got = CAN_BATCH;

		if (link->bus.fd < 0 && can_link_open_due(&link->bus.link, in->now_ms))
			can_bus_open(&link->bus, in->now_ms);
		for (unsigned b = 0; b < BATCHES_MAX && got == CAN_BATCH; b++) {
			got = can_bus_receive(&link->bus, &can_bms->batch, in->now_ms);
			for (unsigned f = 0; f < got; f++)
				can_bms_hear(&link->heard, &link->setup, &can_bms->batch.frame[f],
					     can_bms->batch.at_ms[f]);
		}
		put_sample(link, in->now_ms, &in->pcs[link->speaker.pcs]);
	}
}

/* ---- frames -------------------------------------------------------------------------------- */

static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	struct can_bms *can_bms = self;
	struct can_frame frame[CAN_BMS_FRAMES_MAX];

	for (unsigned i = 0; i < can_bms->n; i++) {
		struct link *link = &can_bms->link[i];
		unsigned n = can_bms_speak(&link->speaker, now_ms, out, &link->heard.requests,
					   frame, CAN_BMS_FRAMES_MAX);

		for (unsigned f = 0; f < n; f++)
			if (can_bus_send(&link->bus, now_ms, &frame[f]))
				link->told_ms = now_ms;
	}
}

/* Silence is the safe end of it: the inverter stops when its battery says nothing. */
static void shut(void *self)
{
	struct can_bms *can_bms = self;

	for (unsigned i = 0; i < can_bms->n; i++)
		can_bus_close(&can_bms->link[i].bus);
	free(can_bms);
}

bool can_bms_open(struct driver *driver, unsigned n, const struct can_bms_inverter *inverter)
{
	struct can_bms *can_bms = calloc(1, sizeof *can_bms);

	if (!can_bms)
		return false;
	can_batch_init(&can_bms->batch);
	can_bms->n = n;
	for (unsigned i = 0; i < n; i++) {
		struct link *link = &can_bms->link[i];

		link->setup = inverter[i].setup;
		link->speaker = inverter[i].speaker;
		link->speaker.setup = &link->setup;
		can_bms_speak_init(&link->speaker);
		can_bms_hear_init(&link->heard);
		can_bus_init(&link->bus, inverter[i].interface);
		listen_for(link);
		if (inverter[i].fd >= 0)
			can_bus_adopt(&link->bus, inverter[i].fd, -1);
	}
	*driver = (struct driver){
		.name = "can-bms",
		.self = can_bms,
		.gather = gather,
		.apply = apply,
		.urgent_fd = -1,
		.close = shut,
	};
	return true;
}
