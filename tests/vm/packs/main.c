/*
 * Commands on stdin, one a line:
 *   pack NAME leaf|i3|kona|zoe41|zoe50 INTERFACE E_V     a pack on a bus; it wakes at once
 *   line NAME negative|positive|precharge DIR   its contactor is closed while DIR/value reads 1
 *   converter W                              power of the converter, + out of the bus
 *   capacitance F
 *   e NAME V                                 its source voltage
 *   cell NAME V                              one of its cells is off by so much
 *   do NAME silence|freeze|bad_sum|wants_open|weld 0|1
 *   report                                   answers "bus V", and for each pack "pack NAME STATE V
 * A" sync WORD                                answers "sync WORD" Lines on stdout: "state US NAME
 * open|precharge|closed", "bad US NAME ID what", "fault US NAME what".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "packs.h"
#include "link.h"

enum { PERIOD_US = 2000, STEP_US = 1000, NICE = -15, ANSWER_EVERY = 4 };

struct world {
	unsigned n;
	struct pack pack[PACKS_MAX];
	struct circuit circuit;
	int64_t at_us;
	unsigned turn;
};

static struct pack *pack_find(struct world *world, const char *name)
{
	for (unsigned i = 0; i < world->n; i++)
		if (strcmp(world->pack[i].name, name) == 0)
			return &world->pack[i];
	return NULL;
}

static bool pack_add(struct world *world, char word[5][PATH_SIZE])
{
	static const struct kind *const kinds[] = {&leaf, &i3, &kona, &zoe41, &zoe50};
	struct pack *pack = &world->pack[world->n];

	if (world->n == PACKS_MAX)
		return false;
	memset(pack, 0, sizeof *pack);
	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i]->name, word[2]) == 0)
			pack->kind = kinds[i];
	if (!pack->kind)
		return false;
	snprintf(pack->name, sizeof pack->name, "%.31s", word[1]);
	snprintf(pack->interface, sizeof pack->interface, "%.15s", word[3]);
	pack->e_v = pack->pack_v = strtod(word[4], NULL);
	/* Near enough: LMO is half as full as the others at the same voltage. */
	pack->soc = (pack->e_v / pack->kind->cells - 3.3) / (pack->kind == &leaf ? 1.5 : 0.75);
	pack->soh = 0.88;
	pack->temp_c = 22.0;
	pack->aux_v = 12.6;
	pack->told_bus_v = -1;
	pack->opened_first = false;
	for (unsigned i = 0; i < POLES; i++)
		pack->line_fd[i] = -1;
	pack->kind->start(pack);
	if (!link_open(pack)) {
		printf("error %s: %s: %s\n", pack->name, pack->interface, strerror(errno));
		return true;
	}
	world->n++;
	return true;
}

static bool line_add(struct pack *pack, const char *pole, const char *dir)
{
	static const char *const poles[POLES] = {"negative", "positive", "precharge"};
	char path[PATH_SIZE + 8];

	snprintf(path, sizeof path, "%s/value", dir);
	for (unsigned i = 0; i < POLES; i++)
		if (strcmp(poles[i], pole) == 0)
			pack->line_fd[i] = open(path, O_RDONLY | O_CLOEXEC);
	return true;
}

static bool mischief(struct pack *pack, const char *what, bool on)
{
	if (strcmp(what, "silence") == 0)
		pack->silent = on;
	else if (strcmp(what, "freeze") == 0)
		pack->frozen = on;
	else if (strcmp(what, "bad_sum") == 0)
		pack->bad_sum = on;
	else if (strcmp(what, "wants_open") == 0)
		pack->wants_open = on;
	else if (strcmp(what, "weld") == 0)
		pack->welded = on;
	else
		return false;
	return true;
}

static void report(const struct world *world)
{
	static const char *const words[] = {"open", "precharge", "closed"};

	printf("bus %.2f\n", world->circuit.v);
	for (unsigned i = 0; i < world->n; i++) {
		const struct pack *pack = &world->pack[i];
		unsigned bad = 0;

		for (unsigned k = 0; k < pack->n_heard; k++)
			bad += pack->heard[k].bad;
		printf("pack %s %s %.2f %.2f bad %u\n", pack->name, words[pack->state],
		       pack->pack_v, pack->current_a, bad);
	}
}

static bool obey_pack(struct world *world, char word[5][PATH_SIZE], int n)
{
	struct pack *pack = pack_find(world, word[1]);

	if (!pack)
		return false;
	if (n == 4 && strcmp(word[0], "line") == 0)
		return line_add(pack, word[2], word[3]);
	if (n == 3 && strcmp(word[0], "e") == 0)
		pack->e_v = strtod(word[2], NULL);
	else if (n == 3 && strcmp(word[0], "cell") == 0)
		pack->cell_offset_v = strtod(word[2], NULL);
	else if (n == 4 && strcmp(word[0], "do") == 0)
		return mischief(pack, word[2], word[3][0] == '1');
	else
		return false;
	return true;
}

static bool obey(struct world *world, const char *text)
{
	char word[5][PATH_SIZE] = {""};
	int n = sscanf(text, "%255s %255s %255s %255s %255s", word[0], word[1], word[2], word[3],
		       word[4]);

	if (n == 5 && strcmp(word[0], "pack") == 0)
		return pack_add(world, word);
	if (n == 2 && strcmp(word[0], "converter") == 0)
		world->circuit.power_w = strtod(word[1], NULL);
	else if (n == 2 && strcmp(word[0], "capacitance") == 0)
		world->circuit.capacitance_f = strtod(word[1], NULL);
	else if (n == 1 && strcmp(word[0], "report") == 0)
		report(world);
	else if (n == 2 && strcmp(word[0], "sync") == 0)
		printf("sync %s\n", word[1]);
	else
		return obey_pack(world, word, n);
	return true;
}

/* Takes whole lines off stdin; false at its end. */
static bool commands_take(struct world *world)
{
	static char text[8192];
	static size_t n;
	ssize_t got = read(STDIN_FILENO, text + n, sizeof text - 1 - n);
	char *line = text, *end;

	if (got <= 0)
		return false;
	n += (size_t)got;
	text[n] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		if (!obey(world, line))
			printf("error cannot do: %s\n", line);
		line = end + 1;
	}
	n -= (size_t)(line - text);
	memmove(text, line, n);
	return true;
}

static void lines_read(struct pack *pack)
{
	for (unsigned i = 0; i < POLES; i++) {
		char c = '0';

		if (pack->line_fd[i] >= 0 && pread(pack->line_fd[i], &c, 1, 0) == 1)
			pack->closed[i] = c == '1';
	}
}

static void world_run(struct world *world, int64_t t)
{
	int64_t passed_us = t - world->at_us;

	world->at_us = t;
	/* A machine that was late does not make the bus jump. */
	for (; passed_us >= STEP_US / 2; passed_us -= STEP_US)
		circuit_run(&world->circuit, world->pack, world->n, STEP_US / 1e6);
	world->turn++;
	for (unsigned i = 0; i < world->n; i++) {
		struct pack *pack = &world->pack[i];

		lines_read(pack);
		link_hear(pack, t);
		if (world->turn % ANSWER_EVERY == 0)
			link_answer(pack);
		pack->kind->run(pack, t);
	}
}

int main(void)
{
	static struct world world = {.circuit = {.capacitance_f = 0.003}};
	struct timespec period = {0, PERIOD_US * 1000};
	cpu_set_t one;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A virtual bus has a queue per processor: frames of a sender that moves overtake each
	 * other. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		perror("packs: not on one processor");
	/* Not real-time: it must not keep the daemon from running. */
	if (setpriority(PRIO_PROCESS, 0, NICE) != 0)
		perror("packs: no better priority");
	world.at_us = now_us();
	for (;;) {
		struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

		if (ppoll(&in, 1, &period, NULL) > 0 && !commands_take(&world))
			return 0;
		world_run(&world, now_us());
	}
}
