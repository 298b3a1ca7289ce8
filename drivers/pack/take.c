#include "drivers/pack/take.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/num.h"

enum { AMPERE_OF_WATT_MS = 1000 }; /* a power limit is divided by a voltage not older than this */

static bool is_among(int64_t raw, const int64_t *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == raw)
			return true;
	return false;
}

/* ---- one value --------------------------------------------------------------------------- */

static void take_flag(const struct taking *taking, const struct wire_signal *signal, int64_t raw)
{
	struct wire_state *state = taking->state;
	uint64_t slot = UINT64_C(1) << signal->flag_slot;

	/* A code that says nothing leaves the flag as it was, and as old as it was. */
	state->touched |= WIRE_BMS;
	if (is_among(raw, signal->invalid, signal->n_invalid))
		return;
	bool raises = is_among(raw, signal->code, signal->n_codes) == signal->faulty_codes;

	if (taking->stands && !raises)
		return;

	for (unsigned bit = 0; bit < WIRE_BMS_FLAGS; bit++) {
		if (!(signal->bms_flag >> bit & 1))
			continue;
		state->raised[bit] &= ~slot;
		if (raises)
			state->raised[bit] |= slot;
	}
	if (!taking->stands)
		state->flag_ms[signal->flag_slot] = taking->stamp_ms;
}

static void take_contact(const struct taking *taking, const struct wire_signal *signal, int64_t raw)
{
	enum contact *feedback = &taking->contacts->feedback[signal->index];

	*feedback = is_among(raw, signal->code, signal->n_codes)  ? CONTACT_CLOSED
		    : is_among(raw, signal->open, signal->n_open) ? CONTACT_OPEN
								  : CONTACT_UNKNOWN;
	taking->state->contact_ms[signal->index] = taking->stamp_ms;
	taking->state->touched |= WIRE_CONTACTS;
}

static uint64_t serial_of_number(uint64_t number)
{
	char text[24];
	size_t at = sizeof text;

	do
		text[--at] = (char)('0' + number % 10);
	while (number /= 10);
	return wire_serial_digest(text + at, sizeof text - at);
}

/* Printable characters, without the blanks and NULs that pad them; anything else: 0. */
static uint64_t serial_of_text(const uint8_t *text, unsigned n)
{
	while (n > 0 && (text[n - 1] == 0 || text[n - 1] == ' '))
		n--;
	while (n > 0 && *text == ' ')
		text++, n--;
	for (unsigned i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return 0;
	return wire_serial_digest((const char *)text, n);
}

static void take_serial(const struct taking *taking, const struct wire_signal *signal)
{
	int64_t raw;

	if (signal->text) {
		if (signal->bits.first + (unsigned)signal->text_length <= taking->length)
			taking->sample->serial = serial_of_text(taking->data + signal->bits.first,
								signal->text_length);
	} else if (wire_extract(&signal->bits, taking->data, taking->length, &raw)) {
		bool known = raw > 0 && !is_among(raw, signal->invalid, signal->n_invalid);

		taking->sample->serial = known ? serial_of_number((uint64_t)raw) : 0;
	}
}

static double *scalar_of(struct pack_sample *sample, struct wire_state *state,
			 enum wire_target target, unsigned *group)
{
	switch (target) {
	case WIRE_TO_PACK_V:
		*group = WIRE_ELECTRICAL;
		return &sample->pack_v;
	case WIRE_TO_CURRENT_A:
		*group = WIRE_ELECTRICAL;
		return &sample->current_a;
	case WIRE_TO_LINK_V:
		*group = WIRE_LINK;
		return &sample->link_v;
	case WIRE_TO_CELL_MIN_V:
		*group = WIRE_CELLS;
		return &sample->cell_min_v;
	case WIRE_TO_CELL_MAX_V:
		*group = WIRE_CELLS;
		return &sample->cell_max_v;
	case WIRE_TO_TEMP_MIN_C:
		*group = WIRE_TEMPS;
		return &sample->temp_min_c;
	case WIRE_TO_TEMP_MAX_C:
		*group = WIRE_TEMPS;
		return &sample->temp_max_c;
	case WIRE_TO_SOC:
		return &sample->soc;
	case WIRE_TO_SOH:
		return &sample->soh;
	case WIRE_TO_DIS_LIMIT_A:
		return &state->limit_a[0];
	case WIRE_TO_CHA_LIMIT_A:
		return &state->limit_a[1];
	case WIRE_TO_DIS_LIMIT_W:
		return &state->limit_w[0];
	case WIRE_TO_CHA_LIMIT_W:
		return &state->limit_w[1];
	case WIRE_TO_INSULATION_OHM:
		return &sample->insulation_ohm;
	case WIRE_TO_AUX_V:
		return &sample->aux_v;
	case WIRE_TO_CELL_V:
	case WIRE_TO_TEMP_C:
	case WIRE_TO_SERIAL:
	case WIRE_TO_FLAG:
	case WIRE_TO_CONTACT:
	case WIRE_TO_INFO:
	case WIRE_TO_NOTHING:
	case WIRE_TARGET_COUNT:
		break;
	}
	return NULL;
}

double *take_scalar(struct pack_sample *sample, struct wire_state *state, enum wire_target target)
{
	unsigned group;

	return scalar_of(sample, state, target, &group);
}

static void take_value(const struct taking *taking, const struct wire_signal *signal,
		       unsigned index, double value)
{
	struct wire_state *state = taking->state;
	struct pack_sample *sample = taking->sample;
	unsigned group = WIRE_BMS;

	if (signal->target == WIRE_TO_CELL_V) {
		if (index >= taking->wire->n_cells)
			return;
		sample->cell_v[index] = value;
		state->cell_ms[index] = taking->stamp_ms;
		state->touched |= WIRE_CELLS;
	} else if (signal->target == WIRE_TO_TEMP_C) {
		if (index >= taking->wire->n_temps)
			return;
		sample->temp_c[index] = value;
		state->temp_ms[index] = taking->stamp_ms;
		state->touched |= WIRE_TEMPS;
	} else if (signal->target == WIRE_TO_INFO) {
		if (index < WIRE_INFO_MAX)
			state->info[index] = value;
	} else {
		double *scalar = scalar_of(sample, state, signal->target, &group);

		if (!scalar)
			return;
		*scalar = signal->target == WIRE_TO_CURRENT_A ? state->current_sign * value + 0.
							      : value;
		state->scalar_ms[signal->target] = taking->stamp_ms;
		state->touched |= group;
	}
}

static double value_of(const struct wire_signal *signal, int64_t raw)
{
	double value = (double)raw * signal->scale + signal->offset;

	if (is_among(raw, signal->invalid, signal->n_invalid) ||
	    !num_inside(value, signal->low, signal->high))
		return (double)NAN;
	return value;
}

/* ---- one signal -------------------------------------------------------------------------- */

static bool gate_holds(const struct taking *taking, const struct wire_gate *gate)
{
	int64_t raw;
	bool among = false;

	if (!wire_extract(&gate->bits, taking->data, taking->length, &raw))
		return false;
	for (unsigned i = 0; i < gate->n; i++)
		among = among || raw == (int64_t)gate->value[i];
	return among != gate->negate;
}

static bool applies(const struct taking *taking, const struct wire_signal *signal)
{
	uint8_t generation = taking->state->generation;

	if (signal->generations && !(generation && signal->generations >> (generation - 1) & 1))
		return false;
	for (unsigned i = 0; i < signal->n_gates; i++)
		if (!gate_holds(taking, &signal->gate[i]))
			return false;
	return true;
}

/* The index of the first element in this message, or WIRE_ANSWER_MAX: none. */
static unsigned first_index(const struct taking *taking, const struct wire_signal *signal)
{
	unsigned index = signal->index + taking->step * signal->request_step;
	int64_t page;

	if (signal->page.bytes == 0)
		return index;
	if (!wire_extract(&signal->page, taking->data, taking->length, &page) || page < 0 ||
	    page > WIRE_ANSWER_MAX)
		return WIRE_ANSWER_MAX;
	return index + (unsigned)page * signal->page_step;
}

/* Somebody may repeat the last message of a BMS that is gone. Of volts and amps the core judges it
 * itself (electrical_count); a flag that is raised counts, all else stays as it was and grows old.
 */
static bool counts_standing(const struct wire_signal *signal)
{
	return signal->target == WIRE_TO_PACK_V || signal->target == WIRE_TO_CURRENT_A ||
	       signal->target == WIRE_TO_FLAG;
}

void take_signal(const struct taking *taking, const struct wire_signal *signal)
{
	struct wire_bits bits = signal->bits;
	int64_t raw;

	if (!applies(taking, signal) || (taking->stands && !counts_standing(signal)))
		return;
	if (signal->target == WIRE_TO_SERIAL) {
		take_serial(taking, signal);
		return;
	}
	unsigned index = first_index(taking, signal);
	bool doubt = signal->doubt.n > 0 && gate_holds(taking, &signal->doubt);
	for (unsigned i = 0; i < signal->count; i++) {
		if (!wire_extract(&bits, taking->data, taking->length, &raw))
			return;
		if (signal->target == WIRE_TO_FLAG)
			take_flag(taking, signal, raw);
		else if (signal->target == WIRE_TO_CONTACT)
			take_contact(taking, signal, raw);
		else
			take_value(taking, signal, index + i,
				   doubt ? (double)NAN : value_of(signal, raw));
		bits.first = (uint16_t)(bits.first + signal->step_bits / 8);
	}
}

/* ---- groups ------------------------------------------------------------------------------ */

/* A group is as old as its oldest member; `stamp_ms` where none is required. */
static int64_t oldest_scalar(const struct taking *taking, unsigned members)
{
	int64_t oldest_ms = taking->stamp_ms;

	members &= taking->wire->required;
	for (unsigned target = 0; members >> target; target++)
		if (members >> target & 1 && taking->state->scalar_ms[target] < oldest_ms)
			oldest_ms = taking->state->scalar_ms[target];
	return oldest_ms;
}

static int64_t oldest_of(const int64_t *stamp_ms, unsigned n, int64_t oldest_ms)
{
	for (unsigned i = 0; i < n; i++)
		if (stamp_ms[i] < oldest_ms)
			oldest_ms = stamp_ms[i];
	return oldest_ms;
}

#define MEMBER(target) (1u << (target))

static int64_t oldest_bms(const struct taking *taking)
{
	int64_t oldest_ms = oldest_scalar(
		taking, MEMBER(WIRE_TO_SOC) | MEMBER(WIRE_TO_SOH) | MEMBER(WIRE_TO_DIS_LIMIT_A) |
				MEMBER(WIRE_TO_CHA_LIMIT_A) | MEMBER(WIRE_TO_DIS_LIMIT_W) |
				MEMBER(WIRE_TO_CHA_LIMIT_W) | MEMBER(WIRE_TO_INSULATION_OHM) |
				MEMBER(WIRE_TO_AUX_V));

	if (taking->stands && taking->sample->bms_ms < oldest_ms)
		oldest_ms = taking->sample->bms_ms;
	for (unsigned slot = 0; slot < taking->wire->n_flags; slot++)
		if (taking->wire->required_flags >> slot & 1 &&
		    taking->state->flag_ms[slot] < oldest_ms)
			oldest_ms = taking->state->flag_ms[slot];
	return oldest_ms;
}

static int64_t oldest_contact(const struct taking *taking)
{
	int64_t oldest_ms = taking->stamp_ms;

	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (taking->wire->contacts >> pole & 1 &&
		    taking->state->contact_ms[pole] < oldest_ms)
			oldest_ms = taking->state->contact_ms[pole];
	return oldest_ms;
}

/* The limit in amperes; unknown when a half of it that the pack sends is. */
static double limit_a(const struct taking *taking, enum wire_target in_a, enum wire_target in_w,
		      unsigned way)
{
	const struct pack_sample *sample = taking->sample;
	const struct wire_state *state = taking->state;
	double limit = fabs(state->limit_a[way]);

	if (state->scalar_ms[in_w] == 0)
		return limit;
	bool known = sample->pack_v > 0. &&
		     taking->stamp_ms - sample->electrical_ms <= AMPERE_OF_WATT_MS;
	double by_power = known ? fabs(state->limit_w[way]) / sample->pack_v : (double)NAN;

	return state->scalar_ms[in_a] == 0 ? by_power : num_min(limit, by_power);
}

static void take_bms(const struct taking *taking)
{
	struct pack_sample *sample = taking->sample;

	sample->dis_limit_a = limit_a(taking, WIRE_TO_DIS_LIMIT_A, WIRE_TO_DIS_LIMIT_W, 0);
	sample->cha_limit_a = limit_a(taking, WIRE_TO_CHA_LIMIT_A, WIRE_TO_CHA_LIMIT_W, 1);
	sample->bms_flags = 0;
	for (unsigned bit = 0; bit < WIRE_BMS_FLAGS; bit++)
		if (taking->state->raised[bit])
			sample->bms_flags |= 1u << bit;
	sample->bms_ms = oldest_bms(taking);
}

/* Unknown when a cell is, and as old as the oldest. */
void take_sum_of_cells(const struct taking *taking)
{
	const struct wire *wire = taking->wire;
	struct wire_state *state = taking->state;
	double sum_v = 0.;

	if (!wire->v_of_cells || !(state->touched & WIRE_CELLS))
		return;
	for (unsigned i = 0; i < wire->n_cells; i++)
		sum_v += taking->sample->cell_v[i];
	taking->sample->pack_v = sum_v;
	state->scalar_ms[WIRE_TO_PACK_V] =
		oldest_of(state->cell_ms, wire->n_cells, taking->stamp_ms);
	state->touched |= WIRE_ELECTRICAL;
}

void take_groups(const struct taking *taking)
{
	const struct wire *wire = taking->wire;
	const struct wire_state *state = taking->state;
	struct pack_sample *sample = taking->sample;
	unsigned touched = state->touched;

	if (touched & WIRE_ELECTRICAL)
		sample->electrical_ms =
			oldest_scalar(taking, MEMBER(WIRE_TO_PACK_V) | MEMBER(WIRE_TO_CURRENT_A));
	if (touched & WIRE_LINK)
		sample->link_ms = taking->stamp_ms;
	if (touched & WIRE_CELLS)
		sample->cells_ms =
			wire->n_cells ? oldest_of(state->cell_ms, wire->n_cells, taking->stamp_ms)
				      : oldest_scalar(taking, MEMBER(WIRE_TO_CELL_MIN_V) |
								      MEMBER(WIRE_TO_CELL_MAX_V));
	if (touched & WIRE_TEMPS)
		sample->temps_ms =
			wire->n_temps ? oldest_of(state->temp_ms, wire->n_temps, taking->stamp_ms)
				      : oldest_scalar(taking, MEMBER(WIRE_TO_TEMP_MIN_C) |
								      MEMBER(WIRE_TO_TEMP_MAX_C));
	if (touched & WIRE_BMS)
		take_bms(taking);
	if (touched & WIRE_CONTACTS)
		taking->contacts->stamp_ms = oldest_contact(taking);
}

void take_nothing(const struct wire *wire, struct wire_state *state, struct pack_sample *sample,
		  struct pack_contacts *contacts)
{
	/* What is known of the link itself stays. */
	const struct pack_sample before = {.link = sample->link,
					   .link_tx_full = sample->link_tx_full,
					   .link_foreign_tx = sample->link_foreign_tx,
					   .bad_frames = sample->bad_frames};

	*sample = before;
	sample->counts = wire->counts;
	sample->pack_v = sample->current_a = sample->link_v = NAN;
	sample->cell_min_v = sample->cell_max_v = sample->temp_min_c = sample->temp_max_c = NAN;
	sample->soc = sample->soh = sample->dis_limit_a = sample->cha_limit_a = NAN;
	sample->insulation_ohm = sample->aux_v = NAN;
	sample->n_cells = wire->n_cells;
	sample->n_temps = wire->n_temps;
	for (unsigned i = 0; i < CELL_MAX; i++)
		sample->cell_v[i] = NAN;
	for (unsigned i = 0; i < TEMP_MAX; i++)
		sample->temp_c[i] = NAN;
	contacts->stamp_ms = 0;
	for (int pole = 0; pole < POLE_COUNT; pole++)
		contacts->feedback[pole] = CONTACT_UNKNOWN;
	memset(state->scalar_ms, 0, sizeof state->scalar_ms);
	memset(state->cell_ms, 0, sizeof state->cell_ms);
	memset(state->temp_ms, 0, sizeof state->temp_ms);
	memset(state->flag_ms, 0, sizeof state->flag_ms);
	memset(state->contact_ms, 0, sizeof state->contact_ms);
	memset(state->raised, 0, sizeof state->raised);
	for (unsigned way = 0; way < 2; way++)
		state->limit_a[way] = state->limit_w[way] = NAN;
	for (unsigned i = 0; i < WIRE_INFO_MAX; i++)
		state->info[i] = NAN;
}
