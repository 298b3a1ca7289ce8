/*
 * BMW i3: its own electronics (SME) drive the contactors by 0x10B, pre-charge by themselves, refuse
 * frames with a wrong checksum or counter, and open when the frames stop.
 */
#include <math.h>
#include <string.h>

#include "packs.h"

enum { S_112, S_1FA, S_239, S_2F5, S_2FF, S_363, S_3EB, S_40D, S_430, S_431, S_432, S_507, S_2BD };
enum { SILENCE_US = 300000, PRECHARGE_LEAST_US = 200000, PRECHARGE_MOST_US = 1500000 };
enum { POLY = 0x1d, SERIAL = 0x07ead33c };

static void start(struct pack *pack)
{
	pack->heard[pack->n_heard++] = (struct heard){.id = 0x10b, .counter = -1};
	pack->heard[pack->n_heard++] = (struct heard){.id = 0x12f, .counter = -1};
	pack->r_ohm = 0.085;
}

static void hear(struct pack *pack, const struct can_frame *frame, int64_t t)
{
	const uint8_t *d = frame->data;

	if (frame->can_id == 0x10b) {
		bool right = frame->can_dlc == 3 && crc8(POLY, 0x3f, d + 1, 2) == d[0] &&
			     (d[1] & 15) != 15 && heard_follows(pack, 0x10b, d[1] & 15, 15);

		heard_note(pack, frame, right, "crc or counter", t);
		if (!right)
			return;
		pack->command = d[1] >> 4 == 1;
		if (!pack->command)
			pack->opened_first = true;
	} else if (frame->can_id == 0x12f) {
		heard_note(pack, frame,
			   frame->can_dlc == 8 && crc8(POLY, 0x60, d + 1, 7) == d[0] &&
				   heard_follows(pack, 0x12f, d[1] & 15, 15),
			   "crc or counter", t);
	}
}

static void contactors_run(struct pack *pack, int64_t t)
{
	bool wanted = pack->command && pack->opened_first &&
		      heard_within(pack, 0x10b, SILENCE_US, t) &&
		      heard_within(pack, 0x12f, 5 * SILENCE_US, t);

	switch (pack->state) {
	case OPEN:
		if (wanted)
			state_set(pack, PRECHARGING, t);
		break;
	case PRECHARGING:
		if (!wanted)
			state_set(pack, OPEN, t);
		else if (t - pack->state_us > PRECHARGE_LEAST_US &&
			 fabs(bus_v_of(pack) - pack->pack_v) < 0.05 * pack->pack_v)
			state_set(pack, CLOSED, t);
		else if (t - pack->state_us > PRECHARGE_MOST_US) {
			tell("fault", pack, "precharge");
			pack->opened_first = false; /* wants to be told "open" first */
			state_set(pack, OPEN, t);
		}
		break;
	case CLOSED:
		if (!wanted && !pack->welded)
			state_set(pack, OPEN, t);
		break;
	default:
		break;
	}
	if (!heard_within(pack, 0x10b, SILENCE_US, t))
		pack->opened_first = false;
}

static void send_112(struct pack *pack)
{
	uint8_t d[8];

	/* + is charge; a healthy request to open reads 1. */
	put_le(d, (unsigned)lround((819.2 - pack->current_a) * 10.0), 2);
	put_le(d + 2, (unsigned)lround(pack->pack_v * 10.0), 2);
	put_le(d + 4, (unsigned)lround(pack->soc * 1000.0), 2);
	d[5] |= (uint8_t)((pack->wants_open ? 2 : 1) << 6 | 0x30);
	d[6] = 0x15; /* 1, 1, and the charge condition */
	d[7] = (uint8_t)lround(bus_v_of(pack) / 4.0);
	frame_send(pack, 0x112, 8, d);
}

static void send_1fa(struct pack *pack)
{
	uint8_t d[8] = {0x45, 0x45, 0x45, 0xf0};

	d[1] = (uint8_t)(0x45 | (unsigned)pack->state << 4);
	if (pack->welded)
		d[2] = (uint8_t)((d[2] & ~0x30u) | 0x10);
	for (unsigned i = 4; i < 8; i++)
		d[i] = (uint8_t)lround(pack->temp_c + 50.0);
	d[7] = (uint8_t)(d[7] + 1);
	frame_send(pack, 0x1fa, 8, d);
}

static void send_slow(struct pack *pack, int64_t t)
{
	static const uint8_t limits[8] = {0x71, 0x0f, 0x60, 0x29, 0x22, 0x0a, 0x06, 0x10};
	static const uint8_t energy[8] = {0x31, 0x89, 0x2a, 0x69, 0x01, 0xff, 0xff, 0xff};
	static const uint8_t isolation[8] = {0xca, 0xff, 0xff, 0xff, 0xff, 0x4d, 0xf3, 0x4b};
	uint8_t d[8] = {0};

	if (due(pack, S_239, 200000, t))
		frame_send(pack, 0x239, 8, energy);
	if (due(pack, S_2F5, 100000, t))
		frame_send(pack, 0x2f5, 8, limits);
	if (due(pack, S_431, 200000, t))
		frame_send(pack, 0x431, 8, isolation);
	if (due(pack, S_432, 200000, t)) {
		const uint8_t data[8] = {0xfc, 0xe7, 0x10, 0xaa, (uint8_t)lround(pack->soc * 200.0),
					 0xff, 0x01, 0xff};

		frame_send(pack, 0x432, 8, data);
	}
	if (due(pack, S_363, 1000000, t)) {
		memset(d, 0xff, sizeof d);
		put_le(d, SERIAL, 4);
		frame_send(pack, 0x363, 8, d);
	}
	if (due(pack, S_3EB, 1000000, t)) {
		for (unsigned i = 0; i < 4; i++)
			put_le(d + 2 * i, 40000 / 3, 2);
		frame_send(pack, 0x3eb, 8, d);
		frame_send(pack, 0x40d, 8, d);
	}
	if (due(pack, S_2BD, 100000, t)) {
		uint8_t alive[2] = {0, (uint8_t)(pack->count[S_2BD] % 15)};

		alive[0] = crc8(POLY, 0x15, alive + 1, 1);
		frame_send(pack, 0x2bd, 2, alive);
	}
}

static void run(struct pack *pack, int64_t t)
{
	contactors_run(pack, t);
	if (due(pack, S_112, 10000, t))
		send_112(pack);
	if (due(pack, S_1FA, 1000000, t) || pack->at_once)
		send_1fa(pack);
	pack->at_once = false;
	send_slow(pack, t);
}

/* Service 22: minimum and maximum cell in DDBF in 0.1 mV, health in 6335. */
static unsigned answer(struct pack *pack, const uint8_t *ask, unsigned n, uint8_t *data)
{
	double least = cell_v(pack) + fmin(pack->cell_offset_v, 0.0);
	double most = cell_v(pack) + fmax(pack->cell_offset_v, 0.0);

	if (n != 3 || ask[0] != 0x22)
		return 0;
	data[0] = 0x62;
	data[1] = ask[1];
	data[2] = ask[2];
	switch (ask[1] << 8 | ask[2]) {
	case 0xddbf:
		put_be(data + 3, (unsigned)lround(least * 10000.0), 2);
		put_be(data + 5, (unsigned)lround(most * 10000.0), 2);
		return 7;
	case 0x6335:
		data[3] = (uint8_t)lround(pack->soh * 100.0);
		return 4;
	default:
		return 0;
	}
}

const struct kind i3 = {
	.name = "i3",
	.cells = 96,
	.asks = 0x6f1,
	.answers = 0x607,
	.asks_address = 0x07,
	.answers_address = 0xf1,
	.drives_contactors = true,
	.start = start,
	.hear = hear,
	.run = run,
	.answer = answer,
};
