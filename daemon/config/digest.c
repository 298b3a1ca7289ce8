/*
 * Digests that show a change. FNV-1a over the bytes, finished with the mixer of SplitMix64; four
 * lanes of different start give 256 bits. No protection against somebody who wants a collision: who
 * can write the site file needs none.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/key.h"
#include "drivers/pack/wire.h"

static uint64_t fnv1a(uint64_t state, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		state = (state ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return state;
}

static uint64_t mix(uint64_t state)
{
	state = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	state = (state ^ (state >> 27)) * UINT64_C(0x94d049bb133111eb);
	return state ^ (state >> 31);
}

uint64_t config_serial_digest(const char *serial)
{
	return wire_serial_digest(serial, strlen(serial));
}

void digest_of_site(struct config *config)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		abort();
	config_print(config, out);
	/* Another way to read or command a pack is another site. */
	for (unsigned k = 0; k < config->site.n_packs; k++)
		if (config->pack[k].wire)
			fprintf(out, "%u %016" PRIx64 "\n", k, config->pack[k].wire->digest);
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		map_print(&config->pcs[i].registers, out);
	for (unsigned i = 0; i < config->n_meters; i++)
		map_print(&config->meter[i].registers, out);
	if (fclose(out) != 0)
		abort();
	for (unsigned lane = 0; lane < 4; lane++) {
		uint64_t start = UINT64_C(0xcbf29ce484222325) + lane * UINT64_C(0x9e3779b97f4a7c15);
		uint64_t digest = mix(fnv1a(start, text, n) ^ n);

		snprintf(config->digest + 16 * lane, 17, "%016" PRIx64, digest);
	}
	free(text);
}
