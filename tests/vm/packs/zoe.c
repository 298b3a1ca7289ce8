/*
 * Renault Zoe, 41 kWh and ZE50: they sleep unless the vehicle's frame comes, and tell most when
 * asked. The coils of their positive contactor and precharge hang on our lines; there is no
 * negative one. The 41 kWh pack sends no voltage but those of its cells.
 */
#include <math.h>
#include <string.h>

#include "packs.h"

enum { S_155, S_424, S_0F8, S_4DB };
enum { AWAKE_US = 1000000, HEART_US = 500000, PEDAL_XOR = 0xac };

/* ---- what both do ------------------------------------------------------------------------ */

static void expect(struct pack *pack, uint32_t id)
{
	pack->heard[pack->n_heard++] = (struct heard){.id = id, .counter = -1};
}

static bool alternates(uint8_t byte)
{
	return byte == 0x5d || byte == 0xb2;
}

static unsigned cell_mv(const struct pack *pack, unsigned cell)
{
	return (unsigned)lround(1000.0 * (cell_v(pack) + (cell == 47 ? pack->cell_offset_v : 0.0)));
}

/* ---- 41 kWh ------------------------------------------------------------------------------ */

static void start_41(struct pack *pack)
{
	expect(pack, 0x423);
	pack->r_ohm = 0.08;
}

static void hear_41(struct pack *pack, const struct can_frame *frame, int64_t t)
{
	if (frame->can_id == 0x423)
		heard_note(pack, frame,
			   frame->can_dlc == 8 && frame->data[0] == 7 &&
				   alternates(frame->data[4]) && alternates(frame->data[6]),
			   "pattern", t);
}

static void run_41(struct pack *pack, int64_t t)
{
	unsigned amperes = (unsigned)lround((500.0 - pack->current_a) * 4.0); /* + is charge */
	unsigned soc = (unsigned)lround(pack->soc * 40000.0);
	const uint8_t f155[8] = {100, (uint8_t)(amperes >> 8), (uint8_t)amperes,
				 0,   (uint8_t)(soc >> 8),     (uint8_t)soc};
	const uint8_t f424[8] = {0x55,
				 0x55,
				 60,
				 120,
				 (uint8_t)(pack->temp_c + 40.0),
				 (uint8_t)lround(pack->soh * 100.0),
				 t / HEART_US % 2 ? 0x55 : 0xaa,
				 (uint8_t)(pack->temp_c + 41.0)};

	pack->at_once = false;
	if (!heard_within(pack, 0x423, AWAKE_US, t))
		return;
	if (due(pack, S_155, 10000, t))
		frame_send(pack, 0x155, 8, f155);
	if (due(pack, S_424, 100000, t))
		frame_send(pack, 0x424, 8, f424);
}

/* 21 41: cells 1 to 62; 21 42: 63 to 96. */
static unsigned answer_41(struct pack *pack, const uint8_t *ask, unsigned n, uint8_t *data)
{
	unsigned first = n == 2 && ask[1] == 0x42 ? 62 : 0, last = first ? 96 : 62;

	if (n != 2 || ask[0] != 0x21 || (ask[1] != 0x41 && ask[1] != 0x42) ||
	    !heard_within(pack, 0x423, AWAKE_US, now_us()))
		return 0;
	data[0] = 0x61;
	data[1] = ask[1];
	for (unsigned i = first; i < last; i++)
		put_be(data + 2 + 2 * (i - first), cell_mv(pack, i), 2);
	return 2 + 2 * (last - first);
}

/* ---- ZE50 -------------------------------------------------------------------------------- */

static void start_50(struct pack *pack)
{
	expect(pack, 0x0ee);
	expect(pack, 0x373);
	pack->r_ohm = 0.07;
}

static void hear_50(struct pack *pack, const struct can_frame *frame, int64_t t)
{
	const uint8_t *d = frame->data;

	if (frame->can_id == 0x0ee)
		heard_note(pack, frame,
			   frame->can_dlc == 8 && (crc8(0x1d, 0, d, 7) ^ PEDAL_XOR) == d[7] &&
				   heard_follows(pack, 0x0ee, d[6], 16),
			   "crc or counter", t);
	else if (frame->can_id == 0x373)
		heard_note(pack, frame,
			   frame->can_dlc == 8 && d[0] == 0xc1 && alternates(d[2]) &&
				   alternates(d[3]) && d[2] != d[3],
			   "no wake-up", t);
}

static void run_50(struct pack *pack, int64_t t)
{
	unsigned lowest = cell_mv(pack, 47) - 1000, others = cell_mv(pack, 0) - 1000;
	unsigned low = lowest < others ? lowest : others, high = lowest < others ? others : lowest;
	const uint8_t f4db[3] = {(uint8_t)(high >> 4), (uint8_t)(high << 4 | low >> 8),
				 (uint8_t)low};
	uint8_t f0f8[4] = {0xff, 0xfe};

	pack->at_once = false;
	if (!heard_within(pack, 0x373, AWAKE_US, t))
		return;
	put_be(f0f8 + 2, (unsigned)lround(pack->pack_v * 80.0), 2);
	if (due(pack, S_0F8, 20000, t))
		frame_send(pack, 0x0f8, 4, f0f8);
	if (due(pack, S_4DB, 100000, t))
		frame_send(pack, 0x4db, 3, f4db);
}

/* Service 22, a number of 16 bits. */
static unsigned answer_50(struct pack *pack, const uint8_t *ask, unsigned n, uint8_t *data)
{
	double raw;

	if (n != 3 || ask[0] != 0x22 || !heard_within(pack, 0x373, AWAKE_US, now_us()))
		return 0;
	switch (ask[1] << 8 | ask[2]) {
	case 0x925d: /* + is charge */
		raw = 32640.0 - pack->current_a * 32.0;
		break;
	case 0x9001:
		raw = 300.0 + pack->soc * 10000.0;
		break;
	case 0x9003:
		raw = pack->soh * 10000.0;
		break;
	case 0x9013:
		raw = 640.0 + pack->temp_c * 16.0;
		break;
	case 0x9014:
		raw = 656.0 + pack->temp_c * 16.0;
		break;
	case 0x900e:
		raw = 3000.0;
		break;
	case 0x900f:
		raw = 6000.0;
		break;
	default:
		return 0;
	}
	data[0] = 0x62;
	data[1] = ask[1];
	data[2] = ask[2];
	put_be(data + 3, (unsigned)lround(raw), 2);
	return 5;
}

const struct kind zoe41 = {
	.name = "zoe41",
	.cells = 96,
	.asks = 0x79b,
	.answers = 0x7bb,
	.asks_address = -1,
	.answers_address = -1,
	.no_negative = true,
	.start = start_41,
	.hear = hear_41,
	.run = run_41,
	.answer = answer_41,
};

const struct kind zoe50 = {
	.name = "zoe50",
	.cells = 96,
	.asks = 0x18dadbf1 | CAN_EFF_FLAG,
	.answers = 0x18daf1db | CAN_EFF_FLAG,
	.asks_address = -1,
	.answers_address = -1,
	.no_negative = true,
	.start = start_50,
	.hear = hear_50,
	.run = run_50,
	.answer = answer_50,
};
