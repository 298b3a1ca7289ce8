/* A register map in a fixed form, for the digest of a site. */
#include "config/key.h"

static void place_print(const struct map_place *place, FILE *out)
{
	fprintf(out, "%d/%d/%u/%d/%d ", (int)place->function, place->unit, (unsigned)place->address,
		(int)place->type, place->low_first);
}

static void sequence_print(const struct map_sequence *sequence, FILE *out)
{
	for (unsigned i = 0; i < sequence->n; i++) {
		place_print(&sequence->write[i].at, out);
		fprintf(out, "%d %.17g %.17g\n", (int)sequence->write[i].of,
			sequence->write[i].value, sequence->write[i].scale);
	}
	fputs(";\n", out);
}

void map_print(const struct register_map *map, FILE *out)
{
	if (!*map->name)
		return;
	fprintf(out, "# map %s, refresh %d ms\n", map->name, (int)map->refresh_ms);
	for (unsigned i = 0; i < map->n_reads; i++) {
		const struct map_read *read = &map->read[i];

		fprintf(out, "%d ", (int)read->what);
		place_print(&read->at, out);
		fprintf(out, "%.17g %.17g %d %.17g\n", read->scale, read->offset, read->has_invalid,
			read->invalid);
	}
	for (unsigned i = 0; i < map->n_states; i++)
		fprintf(out, "%u=%d\n", (unsigned)map->state[i].raw, (int)map->state[i].state);
	for (int moment = 0; moment < MAP_MOMENTS; moment++)
		sequence_print(&map->at[moment], out);
	sequence_print(&map->proof, out);
}
