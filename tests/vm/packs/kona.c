/*
 * Hyundai Kona 64 kWh: its own electronics close the contactors while the vehicle's frames come,
 * and watch their pre-charge by the voltage that 0x524 tells: it must be that of the bus, and rise.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packs.h"

enum { S_542, S_594, S_595, S_596, S_5D5, S_5D8, S_59E, S_4DE, S_597, S_598, S_599, S_59C };
enum { SILENCE_US = 500000, STEADY_US = 300000, PRECHARGE_MOST_US = 3000000, LEAST_US = 300000 };

static void start(struct pack *pack)
{
	static const uint32_t expected[] = {0x200, 0x523, 0x524, 0x553, 0x57f, 0x2a1};

	for (unsigned i = 0; i < 6; i++)
		pack->heard[pack->n_heard++] = (struct heard){.id = expected[i], .counter = -1};
	pack->r_ohm = 0.09;
}

static void hear(struct pack *pack, const struct can_frame *frame, int64_t t)
{
	const uint8_t *d = frame->data;

	if (!heard_of(pack, frame->can_id))
		return;
	if (frame->can_id == 0x524)
		pack->told_bus_v = d[0] | d[1] << 8;
	if (frame->can_id == 0x523) /* as recorded: 1 from ready on */
		pack->command = d[7] & 1;
	heard_note(pack, frame,
		   frame->can_dlc == 8 &&
			   (frame->can_id != 0x200 || heard_follows(pack, 0x200, d[5] >> 6, 4)),
		   "length or counter", t);
}

static bool led(struct pack *pack, int64_t t)
{
	return heard_within(pack, 0x200, SILENCE_US, t) &&
	       heard_within(pack, 0x523, SILENCE_US, t) && heard_within(pack, 0x524, SILENCE_US, t);
}

static void contactors_run(struct pack *pack, int64_t t)
{
	bool wanted = led(pack, t) && pack->command;

	if (!pack->command)
		pack->opened_first = true;
	switch (pack->state) {
	case OPEN:
		if (wanted && pack->opened_first && t - pack->state_us > STEADY_US) {
			pack->opened_first = false;
			state_set(pack, PRECHARGING, t);
		}
		break;
	case PRECHARGING:
		if (!wanted)
			state_set(pack, OPEN, t);
		else if (t - pack->state_us > LEAST_US &&
			 abs(pack->told_bus_v - (int)bus_v_of(pack)) <= 15 &&
			 fabs(bus_v_of(pack) - pack->pack_v) < 0.05 * pack->pack_v)
			state_set(pack, CLOSED, t);
		else if (t - pack->state_us > PRECHARGE_MOST_US) {
			tell("fault", pack, "precharge, told %d V, bus %.0f V", pack->told_bus_v,
			     bus_v_of(pack));
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
}

static void send_fast(struct pack *pack, int64_t t)
{
	unsigned v = (unsigned)lround(pack->pack_v * 10.0);
	uint8_t d[8] = {0};

	if (!due(pack, S_595, 100000, t))
		return;
	d[0] = 0x1a;
	d[2] = d[3] = 0xb5;
	put_le(d + 4, (unsigned)lround(pack->current_a * 10.0) & 0xffff, 2);
	put_le(d + 6, v, 2);
	frame_send(pack, 0x595, 8, d);
	memset(d, 0, sizeof d);
	put_le(d + 4, v, 2);
	frame_send(pack, 0x59e, 8, d);
	memset(d, 0, sizeof d);
	d[0] = (uint8_t)(pack->count[S_595] << 6);
	d[1] = 0x49;
	d[2] = 0x0f;
	put_le(d + 6, v, 2);
	frame_send(pack, 0x5d8, 8, d);
}

static void send_slow(struct pack *pack, int64_t t)
{
	uint8_t soc = (uint8_t)lround(pack->soc * 200.0);
	const uint8_t f542[8] = {soc, 0x17, 0, 0, 0, 0, 0xff, 0xff};
	const uint8_t f594[8] = {0x68, 0x42, 0xcc, 0x3e, 0x80, soc, 0x43, 0x20};
	const uint8_t f5d5[8] = {0, 0, 0, 0xa0, 0xc8, 0xc8, 0, 0x0f};
	uint8_t d[8] = {0, (uint8_t)lround(pack->aux_v * 10.0)};

	if (due(pack, S_542, 100000, t))
		frame_send(pack, 0x542, 8, f542);
	if (due(pack, S_594, 100000, t))
		frame_send(pack, 0x594, 8, f594);
	if (due(pack, S_5D5, 100000, t))
		frame_send(pack, 0x5d5, 8, f5d5);
	if (due(pack, S_596, 100000, t)) {
		d[6] = (uint8_t)lround(pack->temp_c);
		d[7] = (uint8_t)lround(pack->temp_c + 1.0);
		frame_send(pack, 0x596, 8, d);
	}
	if (due(pack, S_4DE, 100000, t)) {
		const uint8_t f4de[8] = {0, 0x1e, 0x1a, 0, 0x24, 0xc0, 0x1e, 0};
		const uint8_t f597[8] = {(uint8_t)(0x01u | pack->count[S_4DE] % 2u << 7 |
						   (unsigned)(pack->state == CLOSED) << 2)},
			      f598[8] = {0, 0, 0, 0, 0, 0, 0x1e, 0x1a};

		frame_send(pack, 0x4de, 8, f4de);
		frame_send(pack, 0x597, 8, f597);
		frame_send(pack, 0x598, 8, f598);
	}
}

static void run(struct pack *pack, int64_t t)
{
	contactors_run(pack, t);
	send_fast(pack, t);
	send_slow(pack, t);
	pack->at_once = false;
}

static uint8_t code_20mv(double v)
{
	return (uint8_t)lround(v * 50.0);
}

static void basics(struct pack *pack, uint8_t *data)
{
	data[12] = pack->state != OPEN; /* relay */
	data[25] = (uint8_t)lround(pack->temp_c);
	data[26] = code_20mv(cell_v(pack) + fmax(pack->cell_offset_v, 0.0));
	data[27] = 18;
	data[28] = code_20mv(cell_v(pack) + fmin(pack->cell_offset_v, 0.0));
	data[29] = 44;
	put_be(data + 54, (unsigned)lround(bus_v_of(pack)), 2);
	put_be(data + 60, 3000, 2);
}

/* Service 22, 0101 to 0105. */
static unsigned answer(struct pack *pack, const uint8_t *ask, unsigned n, uint8_t *data)
{
	if (n != 3 || ask[0] != 0x22 || ask[1] != 1 || ask[2] < 1 || ask[2] > 5)
		return 0;
	memset(data, 0, ANSWER_MAX);
	data[0] = 0x62;
	data[1] = ask[1];
	data[2] = ask[2];
	switch (ask[2]) {
	case 1:
		basics(pack, data);
		return 62;
	case 5:
		put_be(data + 28, (unsigned)lround(pack->soh * 1000.0), 2);
		data[37] = data[38] = code_20mv(cell_v(pack));
		return 46;
	default:
		for (unsigned i = 0; i < 32; i++)
			data[7 + i] =
				code_20mv(cell_v(pack) +
					  (ask[2] == 2 && i == 17 ? pack->cell_offset_v : 0.0));
		return 39;
	}
}

const struct kind kona = {
	.name = "kona",
	.cells = 98,
	.asks = 0x7e4,
	.answers = 0x7ec,
	.asks_address = -1,
	.answers_address = -1,
	.drives_contactors = true,
	.start = start,
	.hear = hear,
	.run = run,
	.answer = answer,
};
