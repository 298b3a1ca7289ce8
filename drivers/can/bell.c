#include "drivers/can/bell.h"

#include <arpa/inet.h>
#include <linux/can.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum { RING = 0xffff, BYTES_MAX = 4, ROOM = 64 };

/* Of a value, and of the same as a code: below `low` or above `high` is beyond. */
struct bounds {
	double low, high;
};

static void put(struct can_bell *bell, unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
	if (bell->n >= CAN_BELL_MAX - ROOM) {
		bell->full = true;
		return;
	}
	bell->code[bell->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

void can_bell_begin(struct can_bell *bell)
{
	bell->n = 0;
	bell->full = false;
	/* What the controller itself says concerns all. */
	put(bell, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct can_frame, can_id));
	put(bell, BPF_JMP | BPF_JSET | BPF_K, 0, 1, htonl(CAN_ERR_FLAG));
	put(bell, BPF_RET | BPF_K, 0, 0, RING);
}

void can_bell_end(struct can_bell *bell)
{
	if (bell->full)
		bell->n = 0;
	bell->code[bell->n++] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, bell->full ? RING : 0};
}

/* ---- which readings can be urgent (as wire_urgent has it) -------------------------------- */

static bool flag_counts(const struct wire_signal *signal)
{
	return signal->bms_flag & (BMS_FAULT | BMS_WANTS_OPEN | BMS_WELDED);
}

/* False: no number of it is urgent. */
static bool bounds_of(const struct wire_signal *signal, const struct pack_limits *limit,
		      double sign, struct bounds *bounds)
{
	switch ((unsigned)signal->target) {
	case WIRE_TO_PACK_V:
		*bounds = (struct bounds){limit->pack_min_v, limit->pack_max_v};
		return true;
	case WIRE_TO_CURRENT_A: /* at the limit itself, below where it is urgent: rings early */
		*bounds = sign > 0. ? (struct bounds){-limit->cha_max_a, limit->dis_max_a}
				    : (struct bounds){-limit->dis_max_a, limit->cha_max_a};
		return true;
	case WIRE_TO_CELL_V:
	case WIRE_TO_CELL_MIN_V:
	case WIRE_TO_CELL_MAX_V:
		*bounds = (struct bounds){limit->cell_trip_low_v, limit->cell_trip_high_v};
		return true;
	case WIRE_TO_TEMP_C:
	case WIRE_TO_TEMP_MIN_C:
	case WIRE_TO_TEMP_MAX_C:
		*bounds = (struct bounds){-INFINITY, limit->temp_trip_c};
		return true;
	default:
		return false;
	}
}

/* ---- code -------------------------------------------------------------------------------- */

/* A = the signal's code, a signed one moved up by half its range, so that it compares unsigned. */
static void put_load(struct can_bell *bell, const struct wire_bits *bits)
{
	uint32_t mask = bits->length < 32 ? (1u << bits->length) - 1u : UINT32_MAX;

	for (unsigned i = 0; i < bits->bytes; i++) {
		unsigned at = bits->first + (bits->big_endian ? i : bits->bytes - 1u - i);

		if (i > 0) {
			put(bell, BPF_ALU | BPF_LSH | BPF_K, 0, 0, 8);
			put(bell, BPF_MISC | BPF_TAX, 0, 0, 0);
		}
		put(bell, BPF_LD | BPF_B | BPF_ABS, 0, 0,
		    (uint32_t)(offsetof(struct can_frame, data) + at));
		if (i > 0)
			put(bell, BPF_ALU | BPF_OR | BPF_X, 0, 0, 0);
	}
	if (bits->shift)
		put(bell, BPF_ALU | BPF_RSH | BPF_K, 0, 0, bits->shift);
	put(bell, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	if (bits->is_signed)
		put(bell, BPF_ALU | BPF_XOR | BPF_K, 0, 0, 1u << (bits->length - 1));
}

static void put_ring(struct can_bell *bell)
{
	put(bell, BPF_RET | BPF_K, 0, 0, RING);
}

static void put_number(struct can_bell *bell, const struct wire_signal *signal,
		       const struct wire_bits *bits, struct bounds value)
{
	double bias = bits->is_signed ? ldexp(1., bits->length - 1) : 0.;
	double most = ldexp(1., bits->length) - 1.;
	double a = (value.low - signal->offset) / signal->scale + bias;
	double b = (value.high - signal->offset) / signal->scale + bias;
	double low = ceil((signal->scale > 0. ? a : b) + 1e-6);
	double high = floor((signal->scale > 0. ? b : a) - 1e-6);

	/* Also a bound that is unknown. */
	if (!(low <= most) || !(high >= 0.)) {
		put_ring(bell);
		return;
	}
	put_load(bell, bits);
	if (high < most) {
		put(bell, BPF_JMP | BPF_JGT | BPF_K, 0, 1, (uint32_t)high);
		put_ring(bell);
	}
	if (low > 0.) {
		put(bell, BPF_JMP | BPF_JGE | BPF_K, 1, 0, (uint32_t)low);
		put_ring(bell);
	}
}

static void put_flag(struct can_bell *bell, const struct wire_signal *signal,
		     const struct wire_bits *bits)
{
	int64_t bias = bits->is_signed ? INT64_C(1) << (bits->length - 1) : 0;

	put_load(bell, bits);
	for (unsigned i = 0; i < signal->n_codes; i++) {
		uint32_t code = (uint32_t)(signal->code[i] + bias);

		if (signal->faulty_codes) {
			put(bell, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, code);
			put_ring(bell);
		} else { /* healthy: past the ring after the last one */
			put(bell, BPF_JMP | BPF_JEQ | BPF_K, signal->n_codes - i, 0, code);
		}
	}
	if (!signal->faulty_codes)
		put_ring(bell);
}

/* False: it is never urgent. */
static bool put_signal(struct can_bell *bell, const struct wire_signal *signal,
		       const struct pack_limits *limit, double sign)
{
	struct wire_bits bits = signal->bits;
	bool flag = signal->target == WIRE_TO_FLAG && flag_counts(signal);
	struct bounds bounds = {0., 0.};

	if (!flag && !bounds_of(signal, limit, sign, &bounds))
		return false;
	for (unsigned i = 0; i < signal->count; i++) {
		if (bits.bytes > BYTES_MAX || bits.length > 32)
			put_ring(bell);
		else if (flag)
			put_flag(bell, signal, &bits);
		else
			put_number(bell, signal, &bits, bounds);
		bits.first = (uint16_t)(bits.first + signal->step_bits / 8);
	}
	return true;
}

bool can_bell_frame(struct can_bell *bell, const struct wire *wire, unsigned frame,
		    const struct pack_limits *limit, bool reversed)
{
	const struct wire_frame *of = &wire->frame[frame];
	double sign = reversed ? -wire->current_sign : wire->current_sign;
	unsigned start = bell->n, skip;
	bool any = false;

	/* The id lies in the frame in the machine's own byte order and is loaded high byte first.
	 */
	put(bell, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct can_frame, can_id));
	put(bell, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, htonl(of->ext ? of->id | CAN_EFF_FLAG : of->id));
	skip = bell->n;
	put(bell, BPF_JMP | BPF_JA, 0, 0, 0);
	for (unsigned i = 0; i < of->message.n_signals; i++)
		any |= put_signal(bell, &wire->signal[of->message.first_signal + i], limit, sign);
	if (!any) {
		bell->n = start;
		return false;
	}
	put(bell, BPF_RET | BPF_K, 0, 0, 0);
	if (!bell->full)
		bell->code[skip].k = bell->n - skip - 1;
	return true;
}
