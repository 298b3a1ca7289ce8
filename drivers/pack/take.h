/* Where a signal's value goes: from raw code to struct pack_sample, with its stamp. */
#ifndef REBANK_DRIVERS_PACK_TAKE_H
#define REBANK_DRIVERS_PACK_TAKE_H

#include "drivers/pack/wire.h"

/* One message on its way into a sample. */
struct taking {
	const struct wire *wire;
	struct wire_state *state;
	int64_t stamp_ms;
	const uint8_t *data;
	unsigned length;
	unsigned step; /* of a stepped request */
	struct pack_sample *sample;
	struct pack_contacts *contacts;
	bool stands; /* its counter stands still: nothing is newer for it */
};

/* Takes one signal if it holds in this message. */
void take_signal(const struct taking *taking, const struct wire_signal *signal);

/* After the signals of a message: the pack voltage of a pack that sends only cells. */
void take_sum_of_cells(const struct taking *taking);

/* After that: what follows from several, and the stamps of touched groups. */
void take_groups(const struct taking *taking);

/* Where a target with one value lives; NULL: it has none, or many. */
double *take_scalar(struct pack_sample *sample, struct wire_state *state, enum wire_target target);

/* All readings unknown, no stamp. */
void take_nothing(const struct wire *wire, struct wire_state *state, struct pack_sample *sample,
		  struct pack_contacts *contacts);

#endif
