/* Messages of a pack -> samples: what must hold before a value is taken. */
#include <math.h>
#include <string.h>

#include "drivers/pack/take.h"

enum {
	SILENCE_MS = 1000,      /* a sender that was quiet for longer starts anew */
	CROWD_WINDOW_MS = 1000, /* two full windows in a row: a queue that was drained is one */
	CROWD_PERIODS = 10,     /* at least, in a window: fewer do not tell two senders from one */
	CROWDED_WINDOWS = 2,
};

_Static_assert(WIRE_TARGET_COUNT <= 32, "targets are bits of an unsigned");
_Static_assert(WIRE_FLAG_MAX <= 64, "flag slots are bits of a uint64_t");
_Static_assert(WIRE_HASH_SIZE >= 2 * WIRE_FRAME_MAX && WIRE_FRAME_MAX < UINT8_MAX,
	       "the hash finds free places fast");

/* ---- ids --------------------------------------------------------------------------------- */

static unsigned hash_of(uint32_t id, bool ext)
{
	return ((id ^ (uint32_t)ext << 31) * UINT32_C(2654435761)) >> 24 & (WIRE_HASH_SIZE - 1u);
}

const struct wire_frame *wire_find(const struct wire *wire, uint32_t id, bool ext)
{
	for (unsigned at = hash_of(id, ext);; at = (at + 1) & (WIRE_HASH_SIZE - 1u)) {
		if (wire->hash[at] == 0)
			return NULL;
		const struct wire_frame *frame = &wire->frame[wire->hash[at] - 1u];

		if (frame->id == id && frame->ext == ext)
			return frame;
	}
}

bool wire_index(struct wire *wire)
{
	memset(wire->hash, 0, sizeof wire->hash);
	for (unsigned i = 0; i < wire->n_frames; i++) {
		const struct wire_frame *frame = &wire->frame[i];
		unsigned at = hash_of(frame->id, frame->ext);

		if (wire_find(wire, frame->id, frame->ext))
			return false;
		while (wire->hash[at])
			at = (at + 1) & (WIRE_HASH_SIZE - 1u);
		wire->hash[at] = (uint8_t)(i + 1);
	}
	return true;
}

/* ---- what may be wrong ------------------------------------------------------------------- */

const char *wire_complaint_text(enum wire_complaint complaint)
{
	switch (complaint) {
	case WIRE_SHORT:
		return "shorter than described";
	case WIRE_SUM_WRONG:
		return "checksum wrong";
	case WIRE_COUNTER_INVALID:
		return "counter has a code it never has";
	case WIRE_COUNTER_STUCK:
		return "counter stands still";
	case WIRE_COUNTER_JUMPED:
		return "counter jumped: frames lost, or two senders";
	case WIRE_CROWDED:
		return "comes too often: two packs on one bus?";
	case WIRE_GENERATION_WRONG:
		return "proves a generation this profile is not for";
	case WIRE_ANSWER_WRONG:
		return "answer refused or not to this request";
	case WIRE_ANSWER_BROKEN:
		return "long answer broke off";
	case WIRE_ANSWER_MISSING:
		return "request not answered";
	case WIRE_COMPLAINT_COUNT:
		break;
	}
	return "";
}

void wire_complain(struct wire_state *state, struct pack_sample *sample,
		   enum wire_complaint complaint, uint32_t id)
{
	state->complaint[complaint]++;
	state->complaint_id[complaint] = id;
	if (complaint != WIRE_ANSWER_MISSING)
		sample->bad_frames++;
}

/* The message as it came: who it is from is in `id`. */
struct arrival {
	const struct wire_message *message;
	struct wire_heard *heard;
	uint32_t id;
};

/* False: a code this counter never has. */
static bool counter_place(const struct wire_counter *counter, int64_t raw, uint8_t *place)
{
	*place = (uint8_t)raw;
	if (counter->n_codes == 0)
		return raw >= 0 && raw < counter->modulo;
	for (*place = 0; *place < counter->n_codes; ++*place)
		if (counter->code[*place] == raw)
			return true;
	return false;
}

/* `*stands`: it is where it was, for longer than it may be. After a silence it may be anywhere, and
 * where it was is then no fault yet, but no news either. */
static bool counter_holds(const struct taking *taking, const struct arrival *arrival, bool *stands)
{
	const struct wire_counter *counter = &arrival->message->counter;
	struct wire_heard *heard = arrival->heard;
	uint8_t place;
	int64_t raw;

	*stands = false;
	if (counter->bits.bytes == 0)
		return true;
	if (!wire_extract(&counter->bits, taking->data, taking->length, &raw) ||
	    !counter_place(counter, raw, &place)) {
		wire_complain(taking->state, taking->sample, WIRE_COUNTER_INVALID, arrival->id);
		return false;
	}
	bool fresh_start = !heard->counter_known || taking->stamp_ms - heard->stamp_ms > SILENCE_MS;
	unsigned steps = (place + (unsigned)counter->modulo - heard->counter) % counter->modulo;

	if (!heard->counter_known || steps != 0)
		heard->held = 0;
	if (heard->held < UINT8_MAX)
		heard->held++;
	*stands = heard->held > counter->hold;
	if (!fresh_start && (*stands || steps > 1))
		wire_complain(taking->state, taking->sample,
			      *stands ? WIRE_COUNTER_STUCK : WIRE_COUNTER_JUMPED, arrival->id);
	heard->counter = place;
	heard->counter_known = true;
	return true;
}

/* Twice as many frames as one sender sends, and more than once. */
static bool is_crowded(const struct taking *taking, const struct arrival *arrival)
{
	struct wire_heard *heard = arrival->heard;
	int32_t period_ms = arrival->message->fastest_ms;

	int32_t window_ms = CROWD_PERIODS * period_ms;

	if (period_ms <= 0)
		return false;
	if (window_ms < CROWD_WINDOW_MS)
		window_ms = CROWD_WINDOW_MS;
	if (taking->stamp_ms - heard->window_ms >= window_ms ||
	    taking->stamp_ms < heard->window_ms) {
		int32_t most = 3 * window_ms / (2 * period_ms) + 3;

		if (heard->in_window <= most)
			heard->crowded = 0;
		else if (heard->crowded < CROWDED_WINDOWS)
			heard->crowded++;
		heard->window_ms = taking->stamp_ms;
		heard->in_window = 0;
	}
	if (heard->in_window < UINT16_MAX)
		heard->in_window++;
	if (heard->crowded < CROWDED_WINDOWS)
		return false;
	wire_complain(taking->state, taking->sample, WIRE_CROWDED, arrival->id);
	return true;
}

/* The first messages after a silence are not believed. */
static bool is_settling(const struct taking *taking, const struct arrival *arrival)
{
	struct wire_heard *heard = arrival->heard;

	if (heard->stamp_ms == 0 || taking->stamp_ms - heard->stamp_ms > SILENCE_MS)
		heard->settling = arrival->message->settle;
	if (heard->settling == 0)
		return false;
	heard->settling--;
	return true;
}

static bool is_sound(const struct taking *taking, const struct arrival *arrival)
{
	if (taking->length < arrival->message->length_min) {
		wire_complain(taking->state, taking->sample, WIRE_SHORT, arrival->id);
		return false;
	}
	if (!wire_sum_holds(&arrival->message->sum, arrival->id, taking->data, taking->length)) {
		wire_complain(taking->state, taking->sample, WIRE_SUM_WRONG, arrival->id);
		return false;
	}
	return true;
}

static enum wire_verdict take_message(struct taking *taking, const struct arrival *arrival)
{
	const struct wire_signal *signal = &taking->wire->signal[arrival->message->first_signal];
	bool settling, sound;

	if (!is_sound(taking, arrival))
		return WIRE_BAD;
	sound = counter_holds(taking, arrival, &taking->stands);
	sound = sound && !is_crowded(taking, arrival);
	settling = is_settling(taking, arrival);
	arrival->heard->stamp_ms = taking->stamp_ms;
	if (!sound)
		return WIRE_BAD;
	if (settling)
		return WIRE_TAKEN;
	for (unsigned i = 0; i < arrival->message->n_signals; i++)
		take_signal(taking, &signal[i]);
	if (!taking->state->touched)
		return WIRE_TAKEN;
	take_sum_of_cells(taking);
	if (taking->state->touched & WIRE_ELECTRICAL && arrival->message->counter.bits.bytes &&
	    !taking->stands)
		taking->sample->electrical_count++;
	take_groups(taking);
	return WIRE_TAKEN;
}

/* ---- generations ------------------------------------------------------------------------- */

/* False: this pack is not what its profile describes. */
static bool generation_fits(const struct taking *taking, uint8_t proves, uint32_t id)
{
	const struct wire *wire = taking->wire;
	struct wire_state *state = taking->state;
	uint8_t before = state->generation;

	if (wire->n_generations == 0)
		return true;
	if (state->first_ms == 0)
		state->first_ms = taking->stamp_ms;
	if (proves > state->generation)
		state->generation = proves;
	else if (before == 0 && taking->stamp_ms - state->first_ms >= wire->generation_settle_ms)
		state->generation = 1;
	bool fits = state->generation == 0 || wire->fits >> (state->generation - 1) & 1;

	/* What was read as another generation is not known of this one. */
	if (state->generation != before && (before || !fits))
		take_nothing(wire, state, taking->sample, taking->contacts);
	if (fits)
		return true;
	wire_complain(state, taking->sample, WIRE_GENERATION_WRONG, id);
	return false;
}

/* ---- arrivals ---------------------------------------------------------------------------- */

void wire_start(const struct wire *wire, struct wire_state *state, bool reversed,
		struct pack_sample *sample, struct pack_contacts *contacts)
{
	memset(state, 0, sizeof *state);
	memset(sample, 0, sizeof *sample);
	memset(contacts, 0, sizeof *contacts);
	state->current_sign = reversed ? -wire->current_sign : wire->current_sign;
	take_nothing(wire, state, sample, contacts);
}

enum wire_verdict wire_decode_frame(const struct wire *wire, struct wire_state *state,
				    int64_t stamp_ms, uint32_t id, bool ext, const uint8_t *data,
				    unsigned length, struct pack_sample *sample,
				    struct pack_contacts *contacts)
{
	const struct wire_frame *frame = wire_find(wire, id, ext);

	state->touched = 0;
	if (!frame)
		return WIRE_FOREIGN;
	struct taking taking = {wire, state, stamp_ms, data, length, 0, sample, contacts, false};
	const struct arrival arrival = {&frame->message, &state->frame[frame - wire->frame], id};

	if (!generation_fits(&taking, frame->proves, id))
		return WIRE_BAD;
	return take_message(&taking, &arrival);
}

bool wire_answers(const struct wire *wire, unsigned index, unsigned step, const uint8_t *data,
		  unsigned length)
{
	const struct wire_request *request = &wire->request[index];
	uint8_t asked[8], prefix[8];

	memcpy(prefix, request->prefix, sizeof prefix);
	if (request->step_bytes) {
		wire_request_build(wire, index, step, asked);
		for (unsigned i = request->step_at; i < request->step_at + request->step_bytes; i++)
			if (i < request->prefix_length)
				prefix[i] = asked[i];
	}
	return length >= request->prefix_length &&
	       memcmp(data, prefix, request->prefix_length) == 0;
}

enum wire_verdict wire_decode_answer(const struct wire *wire, struct wire_state *state,
				     int64_t stamp_ms, unsigned request, unsigned step,
				     const uint8_t *data, unsigned length,
				     struct pack_sample *sample, struct pack_contacts *contacts)
{
	state->touched = 0;
	if (request >= wire->n_requests || step >= wire->request[request].n_steps)
		return WIRE_FOREIGN;
	struct taking taking = {wire, state, stamp_ms, data, length, step, sample, contacts, false};
	uint32_t id = wire->channel[wire->request[request].channel].rx_id;
	const struct arrival arrival = {&wire->request[request].message, &state->request[request],
					id};

	if (!generation_fits(&taking, 0, id))
		return WIRE_BAD;
	if (!wire_answers(wire, request, step, data, length)) {
		wire_complain(state, sample, WIRE_ANSWER_WRONG, id);
		return WIRE_BAD;
	}
	return take_message(&taking, &arrival);
}

enum wire_verdict wire_decode_block(const struct wire *wire, struct wire_state *state,
				    int64_t stamp_ms, unsigned block, const uint8_t *data,
				    unsigned length, struct pack_sample *sample,
				    struct pack_contacts *contacts)
{
	state->touched = 0;
	if (block >= wire->n_blocks)
		return WIRE_FOREIGN;
	struct taking taking = {wire, state, stamp_ms, data, length, 0, sample, contacts, false};
	const struct arrival arrival = {&wire->block[block].message, &state->block[block],
					wire->block[block].address};

	return take_message(&taking, &arrival);
}

/* ---- age of what is optional ------------------------------------------------------------- */

static void forget(struct wire_state *state, const struct wire_signal *signal, int64_t now_ms,
		   struct pack_sample *sample)
{
	enum wire_target target = signal->target;

	if (target == WIRE_TO_FLAG) {
		if (now_ms - state->flag_ms[signal->flag_slot] > signal->stale_ms)
			for (unsigned bit = 0; bit < WIRE_BMS_FLAGS; bit++)
				state->raised[bit] &= ~(UINT64_C(1) << signal->flag_slot);
		return;
	}
	double *scalar = take_scalar(sample, state, target);

	if (scalar && state->scalar_ms[target] &&
	    now_ms - state->scalar_ms[target] > signal->stale_ms)
		*scalar = NAN;
}

void wire_forget(const struct wire *wire, struct wire_state *state, int64_t now_ms,
		 struct pack_sample *sample)
{
	for (unsigned i = 0; i < wire->n_signals; i++)
		if (wire->signal[i].optional && wire->signal[i].stale_ms > 0)
			forget(state, &wire->signal[i], now_ms, sample);
}
