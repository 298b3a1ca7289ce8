/*
 * Packs on Modbus without a bank: each argument after the first is PROFILE@URL, and every 100 ms
 *one line of JSON says what is known of all of them. Used by modbus_packs.py.
 *
 *	modbus_pack_peer PROFILE_DIR seplos-v3@tcp://127.0.0.1:5020/1 ...
 */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "drivers/modbus/port.h"
#include "drivers/pack/modbus.h"

enum { PEER_PACKS = 8 };

static struct config config[PEER_PACKS];
static struct bank_inputs in;

static void number(const char *name, double value)
{
	if (isnan(value))
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": %.10g", name, value);
}

static long long age(int64_t stamp_ms)
{
	return stamp_ms ? (long long)(in.now_ms - stamp_ms) : -1;
}

static void pack_print(const struct pack_sample *sample)
{
	printf("{\"link\": %d, \"age_ms\": %lld, \"cells_age_ms\": %lld, \"bms_age_ms\": %lld, "
	       "\"bad\": %u, \"flags\": %u, \"n_cells\": %u",
	       (int)sample->link, age(sample->electrical_ms), age(sample->cells_ms),
	       age(sample->bms_ms), sample->bad_frames, sample->bms_flags,
	       (unsigned)sample->n_cells);
	number("pack_v", sample->pack_v);
	number("current_a", sample->current_a);
	number("soc", sample->soc);
	number("soh", sample->soh);
	number("dis_limit_a", sample->dis_limit_a);
	number("cha_limit_a", sample->cha_limit_a);
	number("cell_first_v", sample->cell_v[0]);
	number("cell_last_v", sample->n_cells ? sample->cell_v[sample->n_cells - 1] : (double)NAN);
	number("temp_first_c", sample->temp_c[0]);
	number("temp_last_c", sample->n_temps ? sample->temp_c[sample->n_temps - 1] : (double)NAN);
	putchar('}');
}

static bool pack_fill(struct modbus_pack *pack, unsigned i, char *what, const char *dir)
{
	char *at = strchr(what, '@');

	if (!at || i >= PEER_PACKS)
		return false;
	*at = '\0';
	if (profile_load(what, dir, &config[i], NULL, stderr) != 0 || !config[i].pack[0].wire)
		return false;
	*pack = (struct modbus_pack){.pack = i,
				     .timeout_ms = 200,
				     .wire = config[i].pack[0].wire,
				     .limit = &config[i].site.pack[0].limit};
	if (modbus_address_parse(&pack->address, at + 1) || pack->address.unit < 0)
		return false;
	pack->unit = (uint8_t)pack->address.unit;
	return true;
}

int main(int argc, char **argv)
{
	struct modbus_pack pack[PEER_PACKS];
	struct modbus_pool pool = {0};
	struct driver driver;
	unsigned n = 0;

	for (int i = 2; i < argc; i++, n++)
		if (!pack_fill(&pack[n], n, argv[i], argv[1])) {
			fprintf(stderr, "%s: no pack on Modbus\n", argv[i]);
			return 1;
		}
	if (!modbus_packs_open(&driver, &pool, n, pack) || !modbus_pool_start(&pool))
		return 1;
	for (;;) {
		struct pollfd item = {.fd = 0, .events = POLLIN};

		if (poll(&item, 1, 100) > 0)
			break; /* the other side has ended */
		in.now_ms = modbus_clock_ms();
		driver.gather(driver.self, &in);
		putchar('[');
		for (unsigned i = 0; i < n; i++) {
			if (i > 0)
				putchar(',');
			pack_print(&in.pack[i]);
		}
		puts("]");
		fflush(stdout);
	}
	if (modbus_pool_stop(&pool))
		driver.close(driver.self);
	return 0;
}
