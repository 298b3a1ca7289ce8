/*
 * Nissan Leaf AZE0: 96 pairs of cells; its contactors hang on our lines. It measures on the battery
 * side of them. Permission of the main relay is withdrawn when the vehicle falls silent.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packs.h"

enum { S_1DB, S_1DC, S_55B, S_5BC, S_5C0, S_59E };
enum { SILENCE_US = 500000, CRC = 0x85 };

static void start(struct pack *pack)
{
	static const uint32_t expected[] = {0x1f2, 0x1d4, 0x50b, 0x50c};

	for (unsigned i = 0; i < 4; i++)
		pack->heard[pack->n_heard++] = (struct heard){.id = expected[i], .counter = -1};
	pack->r_ohm = 0.1;
}

/* All nibbles of data and id but the last one, plus the id's own. */
static uint8_t nibbles(uint32_t id, const uint8_t *data)
{
	unsigned sum = (id >> 8 & 15) + (id >> 4 & 15) + (id & 15);

	for (unsigned i = 0; i < 8; i++)
		sum += data[i] >> 4;
	for (unsigned i = 0; i < 7; i++)
		sum += data[i] & 15;
	return sum & 15;
}

static void hear(struct pack *pack, const struct can_frame *frame, int64_t t)
{
	const uint8_t *d = frame->data;

	switch (frame->can_id) {
	case 0x1f2:
		heard_note(pack, frame,
			   frame->can_dlc == 8 && (d[7] & 15) == nibbles(0x1f2, d) &&
				   heard_follows(pack, 0x1f2, d[6] & 3, 4),
			   "sum or counter", t);
		break;
	case 0x1d4:
		heard_note(pack, frame,
			   frame->can_dlc == 8 && crc8(CRC, 0, d, 7) == d[7] &&
				   heard_follows(pack, 0x1d4, d[4] >> 6, 4),
			   "crc or counter", t);
		break;
	case 0x50b:
		heard_note(pack, frame, frame->can_dlc == 7 && (d[3] & 0xc0) == 0xc0, "no wake-up",
			   t);
		break;
	case 0x50c:
		heard_note(pack, frame,
			   frame->can_dlc == 6 && crc8(CRC, 0, d, 5) == d[5] &&
				   heard_follows(pack, 0x50c, d[3] & 3, 4),
			   "crc or counter", t);
		break;
	default:
		break;
	}
}

static bool permitted(struct pack *pack, int64_t t)
{
	return heard_within(pack, 0x1f2, SILENCE_US, t) &&
	       heard_within(pack, 0x1d4, SILENCE_US, t) &&
	       heard_within(pack, 0x50b, SILENCE_US, t) && !pack->wants_open;
}

static void sum_put(struct pack *pack, uint8_t *d, unsigned slot)
{
	d[6] = (uint8_t)((d[6] & ~3u) | (pack->count[slot] & 3));
	d[7] = crc8(CRC, 0, d, 7);
	if (pack->bad_sum)
		d[7] ^= 0x55;
}

static void send_1db(struct pack *pack, int64_t t)
{
	uint8_t d[8] = {0};
	int current = (int)lround(pack->current_a / 0.5);
	unsigned raw = (unsigned)current & 0x7ff, v = (unsigned)lround(pack->pack_v / 0.5);

	d[0] = (uint8_t)(raw >> 3);
	d[1] = (uint8_t)(raw << 5);
	if (pack->wants_open)
		d[1] |= 1u << 3; /* relay cut request 1 */
	d[2] = (uint8_t)(v >> 2);
	d[3] = (uint8_t)(v << 6);
	d[3] |= 1u << 1 | 1u << 3;                  /* power status normal, interlock */
	d[3] |= (uint8_t)(permitted(pack, t) << 5); /* main relay permitted */
	d[4] = (uint8_t)(pack->soc * 100.0);
	sum_put(pack, d, S_1DB);
	frame_send(pack, 0x1db, 8, d);
}

static void send_1dc(struct pack *pack)
{
	uint8_t d[8] = {0};
	unsigned discharge = 80 * 4, charge = 40 * 4, charger = 100 + 60;

	d[0] = (uint8_t)(discharge >> 2);
	d[1] = (uint8_t)(discharge << 6 | charge >> 4);
	d[2] = (uint8_t)(charge << 4 | charger >> 6);
	d[3] = (uint8_t)(charger << 2 | 1);
	sum_put(pack, d, S_1DC);
	frame_send(pack, 0x1dc, 8, d);
}

static void send_5c0(struct pack *pack)
{
	uint8_t d[8] = {0};
	unsigned page = 1 + pack->count[S_5C0] % 3; /* maximum, average, minimum */
	double apart_c = page == 1 ? 1.0 : page == 3 ? -1.0 : 0.0;
	double v = cell_v(pack) + (page == 1   ? fmax(pack->cell_offset_v, 0.0)
				   : page == 3 ? fmin(pack->cell_offset_v, 0.0)
					       : 0.0);

	d[0] = (uint8_t)(page << 6);
	d[2] = (uint8_t)((unsigned)lround(pack->temp_c + apart_c + 40.0) << 1);
	d[5] = (uint8_t)((unsigned)lround((v * 1000.0 - 1900.0) / 40.0) << 2);
	frame_send(pack, 0x5c0, 8, d);
}

static void send_slow(struct pack *pack, int64_t t)
{
	if (due(pack, S_55B, 100000, t)) {
		uint8_t d[8] = {0};
		unsigned soc = (unsigned)lround(pack->soc * 1000.0);

		d[0] = (uint8_t)(soc >> 2);
		d[1] = (uint8_t)(soc << 6);
		d[2] = pack->count[S_55B] % 2 ? 0xaa : 0x55;
		sum_put(pack, d, S_55B);
		frame_send(pack, 0x55b, 8, d);
	}
	if (due(pack, S_5BC, 500000, t)) {
		uint8_t d[8] = {0};
		unsigned gids = (unsigned)lround(pack->soc * 281.0);

		d[0] = (uint8_t)(gids >> 2);
		d[1] = (uint8_t)(gids << 6);
		d[4] = (uint8_t)((unsigned)lround(pack->soh * 100.0) << 1);
		frame_send(pack, 0x5bc, 8, d);
	}
	if (due(pack, S_5C0, 500000, t))
		send_5c0(pack);
	if (due(pack, S_59E, 500000, t)) {
		uint8_t d[8] = {0, 0, 0x0e, 0x81, 0x40, 0, 0, 0};

		frame_send(pack, 0x59e, 8, d);
	}
}

static void run(struct pack *pack, int64_t t)
{
	if (due(pack, S_1DB, 10000, t))
		send_1db(pack, t);
	if (due(pack, S_1DC, 10000, t))
		send_1dc(pack);
	send_slow(pack, t);
}

static unsigned answer(struct pack *pack, const uint8_t *ask, unsigned n, uint8_t *data)
{
	unsigned length = 0;

	if (n != 2 || ask[0] != 0x21)
		return 0;
	memset(data, 0, ANSWER_MAX);
	data[0] = 0x61;
	data[1] = ask[1];
	switch (ask[1]) {
	case 1: /* the AZE0's length; insulation in kOhm at 4th frame, bytes 5-6 */
		length = 0x2b;
		put_be(data + 20, (unsigned)lround(pack->pack_v * 100.0), 2);
		put_be(data + 24, 1200, 2);
		break;
	case 2:
		length = 198;
		for (unsigned i = 0; i < 96; i++) {
			double v = cell_v(pack) + (i == 17 ? pack->cell_offset_v : 0.0);

			put_be(data + 2 + 2 * i, (unsigned)lround(v * 1000.0), 2);
		}
		put_be(data + 194, (unsigned)lround(pack->pack_v * 100.0), 2);
		put_be(data + 196, (unsigned)lround(pack->pack_v * 100.0), 2);
		break;
	case 4:
		length = 14;
		for (unsigned i = 0; i < 4; i++) {
			if (i == 2) { /* absent since 2013 */
				put_be(data + 2 + 3 * i, 0xffff, 2);
				data[4 + 3 * i] = 0xff;
				continue;
			}
			put_be(data + 2 + 3 * i,
			       (unsigned)lround((1620.0 - (pack->temp_c * 18.0 + 320.0)) / 1.81),
			       2);
			data[4 + 3 * i] = (uint8_t)lround(pack->temp_c);
		}
		break;
	case 0x84:
		length = 17;
		memcpy(data + 2, "230GG41A123456 ", 15);
		break;
	default:
		break;
	}
	return length;
}

const struct kind leaf = {
	.name = "leaf",
	.cells = 96,
	.asks = 0x79b,
	.answers = 0x7bb,
	.asks_address = -1,
	.answers_address = -1,
	.start = start,
	.hear = hear,
	.run = run,
	.answer = answer,
};
