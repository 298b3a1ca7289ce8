#include "drivers/pack/modbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pack/tell.h"
#include "drivers/worker/queue.h"

enum { ANSWERS_PER_PACK = 32, ANSWER_BYTES = 2 * MODBUS_READ_LIMIT };

/* From the worker to the control thread. */
struct arrival {
	uint16_t pack; /* index into packs.member */
	uint8_t block;
	bool answered;
	bool wrong; /* it answered, but not with what was asked for */
	uint16_t length;
	int64_t at_ms;
	uint8_t data[ANSWER_BYTES];
};

/* The worker's side: what is due when. */
struct asking {
	int64_t due_ms;
	int32_t pace_ms;   /* the block's period, or longer while it does not answer */
	unsigned failures; /* in a row */
};

struct member {
	struct modbus_pack setup;
	/* worker */
	struct queue *arrivals;
	uint16_t index;
	unsigned asked;
	struct asking asking[WIRE_BLOCK_MAX];
	/* control thread */
	bool heard;
	unsigned missing; /* answers in a row */
	struct tell_wire tell;
	struct wire_state state;
	struct pack_sample sample;
	struct pack_contacts contacts;
};

struct packs {
	unsigned n;
	struct queue *arrivals;
	struct member member[];
};

/* ---- in the bus's thread ------------------------------------------------------------------- */

static int64_t next(void *self, int64_t now_ms, struct modbus_request *request)
{
	struct member *member = self;
	const struct wire *wire = member->setup.wire;
	unsigned first = 0;

	if (wire->n_blocks == 0)
		return MODBUS_NEVER;
	for (unsigned b = 0; b < wire->n_blocks; b++) {
		if (member->asking[b].due_ms == 0)
			member->asking[b].due_ms = now_ms;
		if (member->asking[b].due_ms < member->asking[first].due_ms)
			first = b;
	}
	if (member->asking[first].due_ms > now_ms)
		return member->asking[first].due_ms;
	member->asked = first;
	request->function = (enum modbus_function)wire->block[first].function;
	request->address = wire->block[first].address;
	request->count = wire->block[first].count;
	return member->asking[first].due_ms;
}

static bool is_bits(const struct wire_block *block)
{
	return block->function == MODBUS_READ_COILS || block->function == MODBUS_READ_DISCRETE;
}

/* As on the wire: registers high byte first, bits lowest first. */
static void data_fill(struct arrival *arrival, const struct wire_block *block,
		      const uint16_t *value)
{
	bool bits = is_bits(block);

	arrival->length = (uint16_t)(bits ? (block->count + 7) / 8 : 2 * block->count);
	for (unsigned i = 0; i < arrival->length && i < ANSWER_BYTES; i++) {
		bool high = bits == (i % 2 != 0);

		arrival->data[i] = (uint8_t)(high ? value[i / 2] >> 8 : value[i / 2] & 0xff);
	}
}

/* On the period's grid, unless that is past already. */
static void schedule(struct asking *asking, int64_t now_ms)
{
	asking->due_ms += asking->pace_ms;
	if (asking->due_ms <= now_ms)
		asking->due_ms = now_ms + 1;
}

static void done(void *self, const struct modbus_request *request,
		 const struct modbus_answer *answer)
{
	struct member *member = self;
	const struct wire_block *block = &member->setup.wire->block[member->asked];
	struct asking *asking = &member->asking[member->asked];
	struct arrival arrival = {
		.pack = member->index,
		.block = (uint8_t)member->asked,
		.answered = answer->result == MODBUS_ANSWERED,
		.wrong = answer->result == MODBUS_REFUSED || answer->result == MODBUS_GARBLED,
		.at_ms = answer->arrived_ms,
	};

	(void)request;
	if (arrival.answered) {
		data_fill(&arrival, block, answer->value);
		asking->pace_ms = block->message.period_ms;
		asking->failures = 0;
	} else if (++asking->failures >= MODBUS_PACK_LOST &&
		   asking->pace_ms < MODBUS_PACK_SLOW_MS) {
		asking->pace_ms *= 2;
	}
	schedule(asking, answer->arrived_ms);
	queue_push_drop_oldest(member->arrivals, &arrival);
}

static void connected(void *self, int64_t now_ms)
{
	struct member *member = self;
	const struct wire *wire = member->setup.wire;

	for (unsigned b = 0; b < wire->n_blocks; b++)
		member->asking[b] = (struct asking){.due_ms = now_ms,
						    .pace_ms = wire->block[b].message.period_ms};
}

/* ---- in the control thread ----------------------------------------------------------------- */

/* True: a reading lies beyond a bound that opens the pack. */
static bool take(struct member *member, const struct arrival *arrival)
{
	const struct modbus_pack *setup = &member->setup;

	if (!arrival->answered) {
		wire_complain(&member->state, &member->sample,
			      arrival->wrong ? WIRE_ANSWER_WRONG : WIRE_ANSWER_MISSING,
			      setup->wire->block[arrival->block].address);
		member->missing++;
		return false;
	}
	member->missing = 0;
	member->heard = true;
	wire_decode_block(setup->wire, &member->state, arrival->at_ms, arrival->block,
			  arrival->data, arrival->length, &member->sample, &member->contacts);
	return wire_urgent(&member->state, &member->sample, setup->limit);
}

static bool drain(struct packs *packs)
{
	struct arrival arrival;
	bool urgent = false;

	for (unsigned n = 0; n < packs->n * ANSWERS_PER_PACK; n++) {
		if (!queue_pop(packs->arrivals, &arrival))
			break;
		urgent = take(&packs->member[arrival.pack], &arrival) || urgent;
	}
	return urgent;
}

static enum link_state link_of(const struct member *member)
{
	if (member->missing >= MODBUS_PACK_LOST)
		return LINK_OFF;
	return member->heard ? LINK_OK : LINK_UNKNOWN;
}

static void gather(void *self, struct bank_inputs *in)
{
	struct packs *packs = self;

	drain(packs);
	for (unsigned i = 0; i < packs->n; i++) {
		struct member *member = &packs->member[i];
		struct pack_sample *sample = &in->pack[member->setup.pack];

		wire_forget(member->setup.wire, &member->state, in->now_ms, &member->sample);
		*sample = member->sample;
		sample->link = link_of(member);
	}
}

/* A pack on Modbus is only read: its contactors hang on lines. */
static void apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	(void)self;
	(void)now_ms;
	(void)out;
}

static bool urgent(void *self, int64_t now_ms)
{
	(void)now_ms;
	return drain(self);
}

static bool notice(void *self, int64_t now_ms, struct driver_notice *notice)
{
	struct packs *packs = self;

	for (unsigned i = 0; i < packs->n; i++) {
		struct member *member = &packs->member[i];

		*notice = (struct driver_notice){.pack = (int)member->setup.pack};
		if (tell_wire_due(&member->tell, now_ms, &member->state, notice))
			return true;
	}
	return false;
}

static void shut(void *self)
{
	struct packs *packs = self;

	queue_free(packs->arrivals);
	free(packs);
}

/* ---- opening ------------------------------------------------------------------------------- */

static bool member_open(struct member *member, struct modbus_pool *pool)
{
	const struct modbus_pack *setup = &member->setup;
	const struct modbus_device device = {
		.self = member,
		.unit = setup->unit,
		.timeout_ms = setup->timeout_ms,
		.next = next,
		.done = done,
		.connected = connected,
	};

	for (unsigned b = 0; b < setup->wire->n_blocks; b++) {
		unsigned most =
			is_bits(&setup->wire->block[b]) ? MODBUS_BITS_LIMIT : MODBUS_READ_LIMIT;

		member->asking[b].pace_ms = setup->wire->block[b].message.period_ms;
		if (setup->wire->block[b].count > most || member->asking[b].pace_ms < 10) {
			errno = EINVAL;
			return false;
		}
	}
	wire_start(setup->wire, &member->state, setup->reversed, &member->sample,
		   &member->contacts);
	return modbus_pool_add(pool, &setup->address, &device) != NULL;
}

bool modbus_packs_open(struct driver *driver, struct modbus_pool *pool, unsigned n,
		       const struct modbus_pack *pack)
{
	struct packs *packs = calloc(1, sizeof *packs + n * sizeof packs->member[0]);

	if (!packs)
		return false;
	packs->arrivals = queue_new((size_t)n * ANSWERS_PER_PACK, sizeof(struct arrival));
	if (!packs->arrivals) {
		free(packs);
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		struct member *member = &packs->member[i];

		member->setup = pack[i];
		member->arrivals = packs->arrivals;
		member->index = (uint16_t)i;
		packs->n++;
		if (!member_open(member, pool)) {
			shut(packs);
			return false;
		}
	}
	*driver = (struct driver){
		.name = "modbus-packs",
		.self = packs,
		.gather = gather,
		.apply = apply,
		.urgent_fd = queue_fd(packs->arrivals),
		.urgent = urgent,
		.notice = notice,
		.close = shut,
	};
	return true;
}
