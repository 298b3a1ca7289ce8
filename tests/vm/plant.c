/*
 * Contactors and switches on simulated GPIO lines (gpio-sim): watches what the daemon drives,
 * answers on its inputs with the delays and the faults of real contactors, and tells every edge
 * with its time. Knows nothing of Rebank. Runs at a real-time priority and looks at all lines every
 * millisecond: sysfs does not tell changes of a line.
 *
 * Commands on stdin, one a line; names are free:
 *   out NAME DIR                   watch this line (DIR is .../sim_gpioK)
 *   in NAME DIR 0|1                play this line, at this level
 *   contactor NAME OUT IN CLOSE_MS OPEN_MS   coil and auxiliary contact, both defined before
 *   relay OUT MS                   the supply of all coils: on while OUT has an edge within MS
 *   pull NAME 0|1                  the level of a played line
 *   pulse NAME 0|1 MS              that level for so long
 *   fault NAME KIND                of a contactor; "none" ends it
 *   pwm NAME HZ PERCENT            a played line alternates, high for PERCENT of its period; 0 Hz:
 * low race IN 0|1 OUT 0|1            sets IN and tells how long OUT takes to follow: "race US", or
 * -1 sync WORD                      answers "sync WORD": all before is done Lines on stdout: "edge
 * US NAME 0|1" (-1: the chip is gone), "contact US NAME 0|1", "relay US coils 0|1", "bias US NAME
 * 0|1" (whoever requested a played line gave it a bias, which gpio-sim takes for the level: it is
 * set again), "error TEXT". US is CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	LINES_MAX = 64,
	NAME_SIZE = 32,
	PATH_SIZE = 256,
	PERIOD_US = 1000,
	IDLE_US = 100000,
	AWAKE_US = 3000,
	LOOK_US = 50,
	RACE_US = 1000000
};
enum { CHATTER_US = 40000, CHATTER_OPEN_US = 5000, SLOW_US = 350000, PRIORITY = 30 };

enum fault { FAULT_NONE = 0, NO_CLOSE, WELD, CHATTER, LOST, STUCK, SLOW, FAULT_COUNT };

static const char *const fault_words[FAULT_COUNT] = {
	"none",  "no_close", "weld", "chatter", "lost", /* the auxiliary contact reads open */
	"stuck",                                        /* ... reads closed */
	"slow",
};

struct line {
	char name[NAME_SIZE];
	int value_fd;    /* watched; -1: no such chip now */
	int pull_fd;     /* played */
	int level;       /* last seen or set; -1: unknown */
	int64_t back_us; /* the level turns back then; 0: it does not */
};

struct contactor {
	char name[NAME_SIZE];
	struct line *coil, *feedback;
	int64_t close_us, open_us, due_us; /* due 0: at rest */
	bool driven, closed;
	enum fault fault;
};

/* A thread of its own: what it plays is measured to 0.4 ms. */
struct pwm {
	struct line *line; /* NULL: none yet */
	pthread_t thread;
	atomic_long period_us, high_us; /* period 0: low */
};

struct plant {
	unsigned n_lines, n_contactors;
	const struct line *heartbeat; /* NULL: the coils are always supplied */
	int64_t relay_us, beat_us;    /* its time, and the last edge */
	bool supplied;
	struct line line[LINES_MAX];
	struct contactor contactor[LINES_MAX];
	struct pwm pwm;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct line *line_find(struct plant *plant, const char *name)
{
	for (unsigned i = 0; i < plant->n_lines; i++)
		if (strcmp(plant->line[i].name, name) == 0)
			return &plant->line[i];
	return NULL;
}

/* Also gives a line of this name another place: a chip that came back. */
static struct line *line_define(struct plant *plant, const char *name)
{
	struct line *line = line_find(plant, name);

	if (line) {
		if (line->value_fd >= 0)
			close(line->value_fd);
		if (line->pull_fd >= 0)
			close(line->pull_fd);
	} else if (plant->n_lines < LINES_MAX) {
		line = &plant->line[plant->n_lines++];
		snprintf(line->name, sizeof line->name, "%.31s", name);
	} else {
		return NULL;
	}
	line->value_fd = line->pull_fd = -1;
	line->level = -1;
	return line;
}

static int attribute_open(const char *dir, const char *attribute, int flags)
{
	char path[PATH_SIZE + 16];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, attribute);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		printf("error %s: %s\n", path, strerror(errno));
	return fd;
}

static void line_pull(struct line *line, bool level)
{
	const char *word = level ? "pull-up" : "pull-down";

	if (line->pull_fd >= 0 && pwrite(line->pull_fd, word, strlen(word), 0) > 0)
		line->level = level;
}

static int line_read(const struct line *line)
{
	char c = '\0';

	return pread(line->value_fd, &c, 1, 0) == 1 ? c == '1' : -1;
}

/* Returns whether it changed. */
static bool line_watch(struct line *line)
{
	int level;

	if (line->value_fd < 0 || line->pull_fd >= 0)
		return false;
	level = line_read(line);
	if (level == line->level)
		return false;
	printf("edge %" PRId64 " %s %d\n", now_us(), line->name, level);
	line->level = level;
	if (level < 0) {
		close(line->value_fd);
		line->value_fd = -1;
	}
	return level >= 0;
}

static void line_play(struct line *line)
{
	int level = line->pull_fd < 0 ? -1 : line_read(line);

	if (level < 0 || level == line->level)
		return;
	printf("bias %" PRId64 " %s %d\n", now_us(), line->name, level);
	line_pull(line, line->level == 1);
}

static void line_turn_back(struct line *line, int64_t t)
{
	if (line->back_us == 0 || t < line->back_us)
		return;
	line->back_us = 0;
	line_pull(line, line->level == 0);
}

/* ---- pulse width ---- --------------------------------------------------------------------------
 */

/* An emulated processor that slept wakes up to some ms late: the last ones it is awake. */
static void wait_until(int64_t us)
{
	int64_t early_us = us - AWAKE_US;
	struct timespec at = {.tv_sec = early_us / 1000000,
			      .tv_nsec = (long)(early_us % 1000000 * 1000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		continue;
	while (now_us() < us)
		continue;
}

static void *pwm_run(void *context)
{
	struct pwm *pwm = context;
	struct sched_param parameter = {.sched_priority = PRIORITY + 1};
	int64_t t = now_us();

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter);
	for (;;) {
		long period_us = atomic_load(&pwm->period_us), high_us = atomic_load(&pwm->high_us);

		line_pull(pwm->line, period_us > 0);
		wait_until(t + high_us);
		line_pull(pwm->line, false);
		t += period_us > 0 ? period_us : IDLE_US;
		if (t < now_us()) /* stood still: what was missed is not caught up on */
			t = now_us();
		wait_until(t);
	}
	return NULL;
}

/* Whether that line is played now. */
static bool pwm_set(struct pwm *pwm, struct line *line, double hertz, double percent)
{
	long period_us = hertz > 0.0 ? (long)(1e6 / hertz) : 0;

	atomic_store(&pwm->high_us, (long)((double)period_us * percent / 100.0));
	atomic_store(&pwm->period_us, period_us);
	if (pwm->line)
		return pwm->line == line;
	pwm->line = line;
	return line->pull_fd >= 0 && pthread_create(&pwm->thread, NULL, pwm_run, pwm) == 0;
}

/* ---- contactors ---------------------------------------------------------------------------- */

static void contact_move(struct contactor *contactor, bool closed, int64_t t)
{
	contactor->closed = closed;
	printf("contact %" PRId64 " %s %d\n", t, contactor->name, closed);
}

static bool aux_level(const struct contactor *contactor, int64_t t)
{
	switch (contactor->fault) {
	case CHATTER:
		return contactor->closed && t % CHATTER_US >= CHATTER_OPEN_US;
	case LOST:
		return false;
	case STUCK:
		return true;
	case FAULT_NONE:
	case NO_CLOSE:
	case WELD:
	case SLOW:
	case FAULT_COUNT:
	default:
		return contactor->closed;
	}
}

/* A chip that is gone leaves its pins as they were: only the relay can open then. */
static void contactor_run(const struct plant *plant, struct contactor *contactor, int64_t t)
{
	int coil = contactor->coil->level;
	bool driven = (coil < 0 ? contactor->driven : coil == 1) && plant->supplied, level;

	if (driven != contactor->driven) {
		contactor->driven = driven;
		contactor->due_us = t + (driven ? contactor->close_us : contactor->open_us) +
				    (contactor->fault == SLOW ? SLOW_US : 0);
	}
	if (contactor->due_us && t >= contactor->due_us) {
		bool stays = contactor->fault == (driven ? NO_CLOSE : WELD);

		contactor->due_us = 0;
		if (driven != contactor->closed && !stays)
			contact_move(contactor, driven, t);
	}
	/* A weld that breaks loose. */
	if (!contactor->due_us && contactor->closed && !driven && contactor->fault != WELD)
		contact_move(contactor, false, t);
	level = aux_level(contactor, t);
	if (level != (contactor->feedback->level == 1))
		line_pull(contactor->feedback, level);
}

static void relay_run(struct plant *plant, int64_t t)
{
	bool on = !plant->heartbeat || (plant->beat_us && t - plant->beat_us < plant->relay_us);

	if (on != plant->supplied)
		printf("relay %" PRId64 " coils %d\n", t, on);
	plant->supplied = on;
}

/* ---- commands ------------------------------------------------------------------------------ */

static void race(struct line *in, bool in_level, const struct line *out, int out_level)
{
	int64_t start = now_us(), t = start;

	line_pull(in, in_level);
	while (line_read(out) != out_level && t - start < RACE_US)
		for (int64_t last = t; t - last < LOOK_US; t = now_us())
			continue; /* each look locks the chip against whoever sets the line */
	printf("race %" PRId64 "\n", t - start < RACE_US ? t - start : -1);
}

static bool fault_set(struct plant *plant, const char *name, const char *word)
{
	for (unsigned i = 0; i < plant->n_contactors; i++) {
		if (strcmp(plant->contactor[i].name, name) != 0)
			continue;
		for (int fault = 0; fault < FAULT_COUNT; fault++)
			if (strcmp(fault_words[fault], word) == 0) {
				plant->contactor[i].fault = (enum fault)fault;
				return true;
			}
	}
	return false;
}

static bool contactor_define(struct plant *plant, const char *name, const char *coil,
			     const char *feedback, const char *close_ms, const char *open_ms)
{
	struct contactor *contactor = &plant->contactor[plant->n_contactors];

	if (plant->n_contactors == LINES_MAX)
		return false;
	*contactor = (struct contactor){.coil = line_find(plant, coil),
					.feedback = line_find(plant, feedback),
					.close_us = strtol(close_ms, NULL, 10) * 1000,
					.open_us = strtol(open_ms, NULL, 10) * 1000};
	if (!contactor->coil || !contactor->feedback)
		return false;
	snprintf(contactor->name, sizeof contactor->name, "%.31s", name);
	plant->n_contactors++;
	return true;
}

static bool line_command(struct plant *plant, char word[6][PATH_SIZE])
{
	struct line *line = line_define(plant, word[1]);

	if (!line)
		return false;
	if (strcmp(word[0], "out") == 0) {
		line->value_fd = attribute_open(word[2], "value", O_RDONLY);
		return line->value_fd >= 0;
	}
	line->value_fd = attribute_open(word[2], "value", O_RDONLY);
	line->pull_fd = attribute_open(word[2], "pull", O_WRONLY);
	line_pull(line, word[3][0] == '1');
	return line->level >= 0;
}

static bool obey(struct plant *plant, const char *text)
{
	char word[6][PATH_SIZE] = {""};
	int n = sscanf(text, "%255s %255s %255s %255s %255s %255s", word[0], word[1], word[2],
		       word[3], word[4], word[5]);
	struct line *a = line_find(plant, word[1]), *b = line_find(plant, word[3]);

	if (n >= 3 && (strcmp(word[0], "out") == 0 || strcmp(word[0], "in") == 0))
		return line_command(plant, word);
	if (n == 6 && strcmp(word[0], "contactor") == 0)
		return contactor_define(plant, word[1], word[2], word[3], word[4], word[5]);
	if (n == 3 && strcmp(word[0], "relay") == 0 && a) {
		plant->heartbeat = a;
		plant->relay_us = strtol(word[2], NULL, 10) * 1000;
		return true;
	}
	if (n == 3 && strcmp(word[0], "fault") == 0)
		return fault_set(plant, word[1], word[2]);
	if (n == 3 && strcmp(word[0], "pull") == 0 && a) {
		line_pull(a, word[2][0] == '1');
		return true;
	}
	if (n == 4 && strcmp(word[0], "pulse") == 0 && a) {
		a->back_us = now_us() + strtol(word[3], NULL, 10) * 1000;
		line_pull(a, word[2][0] == '1');
		return true;
	}
	if (n == 4 && strcmp(word[0], "pwm") == 0 && a)
		return pwm_set(&plant->pwm, a, strtod(word[2], NULL), strtod(word[3], NULL));
	if (n == 5 && strcmp(word[0], "race") == 0 && a && b && b->value_fd >= 0) {
		race(a, word[2][0] == '1', b, word[4][0] == '1');
		return true;
	}
	if (n == 2 && strcmp(word[0], "sync") == 0) {
		printf("sync %s\n", word[1]);
		return true;
	}
	return false;
}

/* Takes whole lines off stdin; false at its end. */
static bool commands_take(struct plant *plant)
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
		if (!obey(plant, line))
			printf("error cannot do: %s\n", line);
		line = end + 1;
	}
	n -= (size_t)(line - text);
	memmove(text, line, n);
	return true;
}

int main(void)
{
	static struct plant plant;
	unsigned turn = 0;
	struct sched_param parameter = {.sched_priority = PRIORITY};
	struct timespec period = {0, PERIOD_US * 1000};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 ||
	    sched_setscheduler(0, SCHED_FIFO, &parameter) != 0)
		perror("plant: no real-time priority");
	for (;;) {
		struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
		int64_t t;

		if (ppoll(&in, 1, &period, NULL) > 0 && !commands_take(&plant))
			return 0;
		t = now_us();
		for (unsigned i = 0; i < plant.n_lines; i++)
			line_turn_back(&plant.line[i], t);
		for (unsigned i = 0; i < plant.n_lines; i++)
			if (line_watch(&plant.line[i]) && &plant.line[i] == plant.heartbeat)
				plant.beat_us = t;
		if (plant.n_lines > 0 && &plant.line[++turn % plant.n_lines] != plant.pwm.line)
			line_play(
				&plant.line[turn % plant.n_lines]); /* one at a time: not urgent */
		relay_run(&plant, t);
		for (unsigned i = 0; i < plant.n_contactors; i++)
			contactor_run(&plant, &plant.contactor[i], t);
	}
}
