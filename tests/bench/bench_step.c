/*
 * Cost of bank_step at 10 Hz on a running bank, 96 cells a pack, slower groups at 1 Hz; beside it, in
 * the same loop, the bare reading of the same samples (a floor nobody can go below).
 */
#include <stdlib.h>
#include <time.h>

#include "drivers/sim/twin.h"
#include "tests/fixture.h"

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Reads every cell of every pack once. */
static double read_all(const struct bank_inputs *in, unsigned n_packs)
{
	double sum = 0.;

	for (unsigned k = 0; k < n_packs; k++)
		for (unsigned i = 0; i < in->pack[k].n_cells; i++)
			sum += in->pack[k].cell_v[i];
	return sum;
}

struct result {
	double mean_us, p999_us, read_us;
};

static struct result measure(unsigned n_packs, unsigned ticks)
{
	struct site *site = malloc(sizeof *site);
	struct bank *bank = malloc(sizeof *bank);
	struct bank_inputs *in = malloc(sizeof *in);
	struct bank_outputs *out = malloc(sizeof *out);
	int64_t *took_ns = malloc(ticks * sizeof *took_ns), sum_ns = 0, read_ns = 0;
	struct twin_config config;
	volatile double sink = 0.;
	unsigned n = 0;

	if (!site || !bank || !in || !out || !took_ns)
		exit(1);
	fixture_site(site, n_packs);
	site->grid.p_max_w = site->pcs[0].p_max_w = 7500. * n_packs;
	twin_config_init(&config);
	config.n_packs = n_packs;
	for (unsigned k = 0; k < n_packs; k++)
		config.pack[k] = (struct twin_pack_config){ .soc = 0.6, .soh = NAN,
							    .r_growth = NAN, .temp_c = NAN };
	int64_t t = 1000, tick = t, command = 250000;
	fixture_inputs(in, t);
	struct twin *twin = twin_new(site, &config, t);
	bank_init(bank, site, NULL);
	while (n < ticks) {
		in->now_ms = t;
		in->utc_ms = 1700000000000 + t;
		in->tick = t >= tick;
		tick = in->tick ? t + 100 : tick;
		in->n_commands = 0;
		if (t >= command) {
			in->command[0] = fixture_setpoint(in, 1, 2000. * n_packs, 60.);
			in->n_commands = 1;
			command = t + 20000;
		}
		twin_gather(twin, in);
		int64_t before = now_ns();
		bank_step(bank, in, out);
		int64_t after = now_ns();
		if (t > 300000 && in->tick) {
			took_ns[n++] = after - before;
			sum_ns += after - before;
			before = now_ns();
			sink += read_all(in, n_packs);
			read_ns += now_ns() - before;
		}
		twin_apply(twin, t, out);
		t = out->next_step_ms < tick ? out->next_step_ms : tick;
	}
	qsort(took_ns, n, sizeof *took_ns, by_size);
	struct result result = { (double)sum_ns / n / 1e3, (double)took_ns[n - n / 1000 - 1] / 1e3,
				 (double)read_ns / n / 1e3 };
	if (contactor_connected(bank) == 0)
		fprintf(stderr, "bench: no pack of %u is connected\n", n_packs);
	twin_free(twin);
	free(site);
	free(bank);
	free(in);
	free(out);
	free(took_ns);
	return result;
}

int main(void)
{
	static const unsigned sizes[] = { 1, 2, 4, 8, 16, 24, 32, 48, 64 };

	printf("bank_step, 96 cells a pack, 10 Hz (target: 24 packs <= 20 us mean)\n");
	printf("  packs   mean us  p99.9 us   us/pack   x bare read\n");
	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct result r = measure(sizes[i], 20000);
		printf("  %5u  %8.2f  %8.2f  %8.3f  %12.1f\n", sizes[i], r.mean_us, r.p999_us,
		       r.mean_us / sizes[i], r.mean_us / r.read_us);
	}
	return 0;
}
