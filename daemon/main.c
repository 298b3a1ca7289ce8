/* rebankd: the process. What it is made of is the list in `assemble`, undone in reverse. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "loop.h"
#include "store/commission.h"

enum { THREAD_STACK = 128 << 10, FIFO_PRIORITY = 20 };

static const char usage[] =
	"Usage: rebankd [OPTION]...\n"
	"Runs one bank of battery packs until SIGTERM, then opens it in order.\n"
	"\n"
	"  --config FILE      configuration (default /etc/rebank/site.conf)\n"
	"  --check            only check the configuration\n"
	"  --mqtt-url URL     broker instead of the configured one: mqtt://host[:port]\n"
	"  --run-dir DIR      socket and lock instead of the configured directory\n"
	"  --state-dir DIR    ledger, logs and recordings instead of the configured one\n"
	"  --shared-clock     take the clock as synchronised: all senders run on this machine\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: 0 stopped in order; 64 wrong usage; 69 another program holds a GPIO line;\n"
	"70 internal error, or the bank did not open in time; 71 the system refused something;\n"
	"75 this bank is already run by another process; 78 the configuration has mistakes, or\n"
	"does not fit the board.\n";

struct options {
	const char *config, *mqtt_url, *run_dir, *state_dir;
	bool check, shared_clock;
};

struct daemon {
	struct config config;
	char boot[33];
	int lock_fd;
	struct plant plant;
	struct commission commission;
	struct notify notify;
	struct watchdog watchdog;
	struct recorder *recorder;
	struct store *store;
	struct northbound *northbound;
	struct tick *tick;
	bool opened; /* the bank was opened in order */
};

/* -1: go on; otherwise the exit code. */
static int options_parse(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"mqtt-url", required_argument, NULL, 'm'},
		{"run-dir", required_argument, NULL, 'r'},
		{"state-dir", required_argument, NULL, 's'},
		{"shared-clock", no_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	int option;

	*options = (struct options){.config = "/etc/rebank/site.conf"};
	while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'm':
			options->mqtt_url = optarg;
			break;
		case 'r':
			options->run_dir = optarg;
			break;
		case 's':
			options->state_dir = optarg;
			break;
		case 't':
			options->shared_clock = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'v':
			puts("rebankd " REBANK_VERSION);
			return EX_OK;
		default:
			fputs("rebankd: try --help\n", stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "rebankd: unexpected argument \"%s\"; try --help\n", argv[optind]);
	return EX_USAGE;
}

static bool directory_set(char *to, const char *from, const char *option)
{
	if (from && snprintf(to, PATH_SIZE, "%s", from) >= PATH_SIZE) {
		fprintf(stderr, "rebankd: %s: path is longer than %d characters\n", option,
			PATH_SIZE - 1);
		return false;
	}
	return true;
}

/* -1: go on; otherwise the exit code. */
static int config_take(struct config *config, const struct options *options)
{
	int mistakes = config_load(options->config, NULL, config, stderr);

	if (mistakes != 0) {
		if (mistakes > 0)
			fprintf(stderr, "rebankd: %d mistake%s in %s; nothing was started\n",
				mistakes, mistakes == 1 ? "" : "s", options->config);
		return EX_CONFIG;
	}
	if (options->mqtt_url && !config_set_mqtt_url(config, options->mqtt_url, stderr))
		return EX_USAGE;
	if (!directory_set(config->run_dir, options->run_dir, "--run-dir") ||
	    !directory_set(config->state_dir, options->state_dir, "--state-dir"))
		return EX_USAGE;
	if (!options->check)
		return -1;
	printf("%s: bank %s, %u packs: no mistakes\n", options->config, config->site.id,
	       config->site.n_packs);
	return EX_OK;
}

static bool directory_make(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return true;
	fprintf(stderr, "rebankd: directory %s: %s\n", path, strerror(errno));
	return false;
}

/* Holds <run_dir>/<bank>.lock for the life of the process. -1: ours; otherwise the exit code. */
static int lock_take(struct daemon *d)
{
	char path[PATH_SIZE + ID_SIZE + 8], text[32] = "";
	int n;

	if (!directory_make(d->config.run_dir, 0755))
		return EX_OSERR;
	snprintf(path, sizeof path, "%s/%s.lock", d->config.run_dir, d->config.site.id);
	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (d->lock_fd < 0) {
		fprintf(stderr, "rebankd: %s: %s\n", path, strerror(errno));
		return EX_OSERR;
	}
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (read(d->lock_fd, text, sizeof text - 1) > 0)
			text[strcspn(text, "\n")] = '\0';
		fprintf(stderr,
			"rebankd: bank %s is already run by process %s (%s is locked); this one "
			"touched nothing\n",
			d->config.site.id, text[0] ? text : "?", path);
		return EX_TEMPFAIL;
	}
	n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(d->lock_fd, 0) != 0 || pwrite(d->lock_fd, text, (size_t)n, 0) != n)
		fprintf(stderr, "rebankd: %s: %s\n", path, strerror(errno));
	return -1;
}

static void boot_draw(char boot[33])
{
	uint8_t random[16];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
		int64_t now = clock_utc_ms(), up = clock_monotonic_ms();

		memcpy(random, &now, 8);
		memcpy(random + 8, &up, 8);
	}
	for (unsigned i = 0; i < sizeof random; i++)
		snprintf(boot + 2 * i, 3, "%02x", random[i]);
}

/* Before any thread: they inherit the signal mask, and small stacks keep locked memory small. */
static void process_prepare(void)
{
	pthread_attr_t attribute;
	sigset_t set;

	mallopt(M_ARENA_MAX, 1);
	pthread_attr_init(&attribute);
	pthread_attr_setstacksize(&attribute, THREAD_STACK);
	pthread_setattr_default_np(&attribute);
	pthread_attr_destroy(&attribute);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a full disk, not a reason to die */
}

/* After all threads are started: only the control thread is to run first. */
static void process_hurry(void)
{
	struct sched_param parameter = {.sched_priority = FIFO_PRIORITY};

	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		fprintf(stderr,
			"rebankd: memory is not locked (%s): ticks may be late when the system "
			"swaps; raise LimitMEMLOCK\n",
			strerror(errno));
	if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter) != 0)
		fprintf(stderr, "rebankd: no real-time priority: ticks may be late under load; "
				"raise LimitRTPRIO\n");
}

/* Real contactors move only with a record of commissioning. */
static void commission_take(struct daemon *d)
{
	commission_load(&d->config, true, &d->commission);
	d->tick->in.commissioned = d->commission.holds;
	if (!d->commission.holds)
		fprintf(stderr, "rebankd: contactors stay open: %s\n", d->commission.text);
	northbound_tell_commission(d->northbound, &d->commission);
}

static int plant_exit(enum plant_result plant)
{
	if (plant == PLANT_NO_DRIVER || plant == PLANT_REFUSED)
		return EX_CONFIG;
	return plant == PLANT_BUSY ? EX_UNAVAILABLE : EX_OSERR;
}

/* Everything the daemon is made of, in order. -1: complete; otherwise the exit code. */
static int assemble(struct daemon *d)
{
	struct bank_saved *saved;
	enum plant_result plant;
	struct tick *tick = d->tick = calloc(1, sizeof *d->tick);

	if (!tick || !(d->recorder = recorder_new(RECORDER_BYTES)))
		return EX_OSERR;
	saved = &tick->saved;
	if (!directory_make(d->config.state_dir, 0750))
		fprintf(stderr, "rebankd: nothing will be remembered after this run\n");
	if (!(d->store = store_new(&d->config, d->boot, d->recorder, saved)))
		return EX_OSERR;
	bank_init(&tick->bank, &d->config.site, saved->valid ? saved : NULL);
	tick->bank.event_seq = saved->event_seq;
	plant = plant_open(&d->plant, &d->config, clock_monotonic_ms());
	if (plant != PLANT_OK)
		return plant_exit(plant);
	if (!(d->northbound = northbound_new(&d->config, d->boot, tick_request_recording, tick)))
		return EX_OSERR;
	if (!watchdog_open(&d->watchdog, d->config.watchdog))
		return EX_OSERR;
	notify_open(&d->notify);
	tick->plant = &d->plant;
	tick->northbound = d->northbound;
	tick->store = d->store;
	tick->recorder = d->recorder;
	tick->notify = &d->notify;
	tick->watchdog = &d->watchdog;
	tick->clock.file = d->config.clock_file;
	commission_take(d);
	return -1;
}

static void take_apart(struct daemon *d)
{
	notify_close(&d->notify);
	if (d->northbound)
		northbound_stop(d->northbound, 2000);
	plant_close(&d->plant);
	watchdog_close(&d->watchdog, d->opened);
	store_stop(d->store);
	recorder_free(d->recorder);
	free(d->tick);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
}

/* Runs the assembled daemon; the exit code. */
static int run(struct daemon *d)
{
	struct loop_result result;
	char status[128];
	int error;

	process_hurry();
	snprintf(status, sizeof status, "READY=1\nSTATUS=Bank %s, %u packs", d->config.site.id,
		 d->config.site.n_packs);
	notify_send(&d->notify, status);
	error = loop_run(d->tick, &result);
	tick_end(d->tick);
	fprintf(stderr,
		"rebankd: stopped after %" PRIu64 " ticks and %" PRIu64 " immediate steps; %" PRIu64
		" ticks missed, latest %" PRId64 " ms; recorder %" PRIu64 " bytes/step\n",
		result.ticks, result.immediate, result.overruns, result.late_max_ms,
		recorder_steps(d->recorder)
			? recorder_bytes(d->recorder) / recorder_steps(d->recorder)
			: 0);
	if (error) {
		fprintf(stderr, "rebankd: event loop: %s\n", strerror(-error));
		return EX_SOFTWARE;
	}
	if (!result.opened) {
		fprintf(stderr,
			"rebankd: the bank did not open in order within %d s: all outputs are off "
			"now; look at the contactors\n",
			LOOP_STOP_MAX_MS / 1000);
		return EX_SOFTWARE;
	}
	d->opened = true;
	return EX_OK;
}

int main(int argc, char **argv)
{
	static struct daemon d = {
		.lock_fd = -1, .notify = {.fd = -1}, .watchdog = {.fd = -1}};
	struct options options;
	int result = options_parse(argc, argv, &options);

	if (result < 0)
		result = config_take(&d.config, &options);
	if (result < 0)
		result = lock_take(&d);
	if (result >= 0)
		return result;
	process_prepare();
	boot_draw(d.boot);
	result = assemble(&d);
	if (result < 0) {
		d.tick->clock.shared = options.shared_clock;
		result = run(&d);
	} else {
		fprintf(stderr, "rebankd: not started\n");
	}
	take_apart(&d);
	return result;
}
