/*
 * Frames per second of one core through the decoder, beside a plain parse of the same log.
 *   bench_decode LOG PROFILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "ctl/candump.h"

enum { FRAMES_MAX = 100000, ROUNDS = 2000 };

static struct candump_frame frame[FRAMES_MAX];
static char *text[FRAMES_MAX];

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static unsigned log_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];
	unsigned n = 0;

	while (file && n < FRAMES_MAX && fgets(line, sizeof line, file))
		if (candump_parse(line, &frame[n]) == CANDUMP_FRAME)
			text[n++] = strdup(line);
	if (file)
		fclose(file);
	return n;
}

static void report(const char *what, double seconds, double frames)
{
	printf("  %-28s %8.2f million frames/s\n", what, frames / seconds / 1e6);
}

static void decode(const struct wire *wire, unsigned n)
{
	static struct wire_state state;
	static struct pack_sample sample;
	static struct pack_contacts contacts;
	int64_t span_ms = (frame[n - 1].us - frame[0].us) / 1000 + 10;
	double start, last_v = 0.;
	unsigned long taken = 0;

	wire_start(wire, &state, false, &sample, &contacts);
	start = now_s();
	for (int round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < n; i++)
			taken += wire_decode_frame(wire, &state,
						   1000 + round * span_ms +
							   (frame[i].us - frame[0].us) / 1000,
						   frame[i].id, frame[i].ext, frame[i].data,
						   frame[i].length, &sample,
						   &contacts) == WIRE_TAKEN;
	last_v = sample.pack_v;
	report("decoder", now_s() - start, (double)n * ROUNDS);
	printf("  %.0f %% of the frames are the pack's; it ends at %.1f V\n",
	       100. * (double)taken / ((double)n * ROUNDS), last_v);
}

/* A candump line to an id and bytes: what any program that reads the log must do. */
static void parse(unsigned n)
{
	struct candump_frame out;
	unsigned long sum = 0;
	double start = now_s();

	for (int round = 0; round < ROUNDS / 10; round++)
		for (unsigned i = 0; i < n; i++)
			if (candump_parse(text[i], &out) == CANDUMP_FRAME)
				sum += out.data[0];
	report("plain parse of the log", now_s() - start, (double)n * (ROUNDS / 10));
	if (sum == 0)
		printf("  (nothing parsed)\n");
}

int main(int argc, char **argv)
{
	static struct config config;
	unsigned n;

	if (argc != 3 || profile_load(argv[2], "config/packs", &config, NULL, stderr) != 0)
		return 1;
	n = log_read(argv[1]);
	if (n == 0)
		return 1;
	printf("decode: %s through %s, %u frames (target: >= 1.5 million frames/s)\n", argv[1],
	       argv[2], n);
	decode(config.pack[0].wire, n);
	parse(n);
	config_free(&config);
	return 0;
}
