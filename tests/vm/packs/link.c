#include "link.h"

#include <inttypes.h>
#include <linux/can/isotp.h>
#include <linux/can/raw.h>
#include <math.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double the_bus_v; /* one bus in this program */

int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void tell(const char *word, const struct pack *pack, const char *format, ...)
{
	va_list args;

	printf("%s %" PRId64 " %s ", word, now_us(), pack->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void bus_v_set(double v)
{
	the_bus_v = v;
}

/* Behind its contactors: the same for all. */
double bus_v_of(const struct pack *pack)
{
	(void)pack;
	return the_bus_v;
}

double cell_v(const struct pack *pack)
{
	return pack->pack_v / pack->kind->cells;
}

void state_set(struct pack *pack, enum state state, int64_t t)
{
	static const char *const words[] = {"open", "precharge", "closed"};

	pack->state = state;
	pack->state_us = t;
	pack->at_once = true;
	tell("state", pack, "%s", words[state]);
}

/* ---- sockets ----------------------------------------------------------------------------- */

static bool raw_open(struct pack *pack)
{
	struct sockaddr_can address = {.can_family = AF_CAN};

	pack->fd = socket(PF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
	address.can_ifindex = (int)if_nametoindex(pack->interface);
	return pack->fd >= 0 && address.can_ifindex > 0 &&
	       bind(pack->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool isotp_open(struct pack *pack)
{
	const struct kind *kind = pack->kind;
	struct sockaddr_can address = {.can_family = AF_CAN};
	struct can_isotp_options options = {.flags = CAN_ISOTP_TX_PADDING};

	if (kind->asks_address >= 0) {
		options.flags |= CAN_ISOTP_EXTEND_ADDR | CAN_ISOTP_RX_EXT_ADDR;
		options.ext_address = (uint8_t)kind->answers_address;
		options.rx_ext_address = (uint8_t)kind->asks_address;
	}
	pack->isotp_fd = socket(PF_CAN, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_ISOTP);
	address.can_ifindex = (int)if_nametoindex(pack->interface);
	address.can_addr.tp.rx_id = kind->asks;
	address.can_addr.tp.tx_id = kind->answers;
	return pack->isotp_fd >= 0 &&
	       setsockopt(pack->isotp_fd, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, &options,
			  sizeof options) == 0 &&
	       bind(pack->isotp_fd, (struct sockaddr *)&address, sizeof address) == 0;
}

bool link_open(struct pack *pack)
{
	return raw_open(pack) && isotp_open(pack);
}

void link_hear(struct pack *pack, int64_t t)
{
	struct can_frame frame;

	while (read(pack->fd, &frame, sizeof frame) == (ssize_t)sizeof frame)
		if (!(frame.can_id & (CAN_ERR_FLAG | CAN_RTR_FLAG)))
			pack->kind->hear(pack, &frame, t);
}

void link_answer(struct pack *pack)
{
	uint8_t ask[64], data[ANSWER_MAX];
	ssize_t n = read(pack->isotp_fd, ask, sizeof ask);
	unsigned length = n > 0 ? pack->kind->answer(pack, ask, (unsigned)n, data) : 0;

	if (length > 0 && !pack->silent && write(pack->isotp_fd, data, length) < 0)
		tell("error", pack, "answer not sent");
}

void frame_send(struct pack *pack, uint32_t id, unsigned n, const uint8_t *data)
{
	struct can_frame frame = {.can_id = id, .can_dlc = (uint8_t)n};

	if (pack->silent)
		return;
	memcpy(frame.data, data, n);
	if (write(pack->fd, &frame, sizeof frame) != (ssize_t)sizeof frame)
		tell("error", pack, "%03X not sent", id);
}

bool due(struct pack *pack, unsigned slot, int64_t period_us, int64_t t)
{
	int64_t *next = &pack->next_us[slot];

	if (t < *next)
		return false;
	*next = *next && t - *next < period_us ? *next + period_us : t + period_us;
	if (!pack->frozen)
		pack->count[slot]++;
	return true;
}

/* ---- what is expected -------------------------------------------------------------------- */

struct heard *heard_of(struct pack *pack, uint32_t id)
{
	for (unsigned i = 0; i < pack->n_heard; i++)
		if (pack->heard[i].id == id)
			return &pack->heard[i];
	return NULL;
}

void heard_note(struct pack *pack, const struct can_frame *frame, bool right, const char *what,
		int64_t t)
{
	struct heard *heard = heard_of(pack, frame->can_id);

	heard->at_us = t;
	if (right) {
		heard->good_us = t;
		return;
	}
	heard->bad++;
	tell("bad", pack, "%03X %s: %u bytes %02X%02X%02X%02X%02X%02X%02X%02X", frame->can_id, what,
	     frame->can_dlc, frame->data[0], frame->data[1], frame->data[2], frame->data[3],
	     frame->data[4], frame->data[5], frame->data[6], frame->data[7]);
}

bool heard_within(struct pack *pack, uint32_t id, int64_t us, int64_t t)
{
	const struct heard *heard = heard_of(pack, id);

	return heard && heard->good_us && t - heard->good_us <= us;
}

/* The first one after silence may be any. */
bool heard_follows(struct pack *pack, uint32_t id, int counter, int modulo)
{
	struct heard *heard = heard_of(pack, id);
	bool follows = heard->counter < 0 || counter == (heard->counter + 1) % modulo ||
		       now_us() - heard->at_us > 1000000;

	heard->counter = counter;
	return follows;
}

uint8_t crc8(uint8_t poly, uint8_t init, const uint8_t *data, unsigned n)
{
	uint8_t crc = init;

	for (unsigned i = 0; i < n; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ poly : crc << 1);
	}
	return crc;
}

void put_le(uint8_t *data, unsigned value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		data[i] = (uint8_t)(value >> 8 * i);
}

void put_be(uint8_t *data, unsigned value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		data[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}
