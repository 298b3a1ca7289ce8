/* rebankctl preflight: the installer's trial of a site's wiring, and the commissioning record. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "ctl/ctl.h"
#include "ctl/preflight_run.h"
#include "drivers/gpio/persist.h"
#include "store/commission.h"

static volatile sig_atomic_t interrupted;

static const char *const verdict_words[] = {"FAIL", "unproven", "ok"};

struct arguments {
	const char *file, *profiles, *state_dir, *run_dir;
	bool bus_dead;
};

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

static int64_t now_really(void *context)
{
	(void)context;
	return clock_monotonic_ms();
}

static bool wait_really(void *context, int ms)
{
	struct timespec wait = {0, (long)ms * 1000000};

	(void)context;
	nanosleep(&wait, NULL);
	return !interrupted;
}

static void say(void *context, const struct preflight_item *item)
{
	(void)context;
	printf("%-8s  %s: %s\n", verdict_words[item->verdict], item->what, item->text);
	fflush(stdout);
}

static void ask(void *context, const char *text)
{
	(void)context;
	printf(">>> %s\n", text);
	fflush(stdout);
}

/* ---- before ------------------------------------------------------------------------------ */

/* The daemon's own lock: held from here on. -1: it runs. */
static int lock_take(const struct config *config)
{
	char path[PATH_SIZE + ID_SIZE + 8];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.lock", config->run_dir, config->site.id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC); /* no daemon ever ran since boot */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	fprintf(stderr, "rebankctl preflight: bank %s is run by a daemon: stop it first\n",
		config->site.id);
	close(fd);
	return -1;
}

static bool operator_agrees(const struct config *config)
{
	char answer[ID_SIZE + 2] = "";

	printf("Every contactor of bank %s will be pulsed, one after the other. A pack whose pole "
	       "is "
	       "shared or\nmissing connects to the bus by that. The DC bus must be dead: "
	       "converters "
	       "off and isolated, every\npack's service disconnect pulled, nobody at the terminals."
	       "\n\nType the name of the bank to go on: ",
	       config->site.id);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	answer[strcspn(answer, "\n")] = '\0';
	return strcmp(answer, config->site.id) == 0;
}

static struct preflight_item *item_add(struct preflight *p, enum verdict verdict, const char *what)
{
	struct preflight_item *item = &p->item[p->n_items++];

	*item = (struct preflight_item){.verdict = verdict, .close_ms = -1, .open_ms = -1};
	snprintf(item->what, sizeof(item->what), "%s", what);
	return item;
}

/* What no pulse can show. */
static void items_beside(struct preflight *p)
{
	struct preflight_item *item;
	char module[64];

	if (gpio_outputs_persist(p->board, "/sys", module, sizeof(module))) {
		item = item_add(p,
				p->config->gpio.persistent_outputs == PERSISTENCE_ALARM
					? VERDICT_UNPROVEN
					: VERDICT_FAIL,
				"kernel");
		snprintf(item->text, sizeof(item->text),
			 "keeps outputs driven after the daemon dies (%s.persist_gpio_outputs): "
			 "only "
			 "the heartbeat relay opens then; dtparam=strict_gpiod in config.txt cures "
			 "it",
			 module);
		say(NULL, item);
	}
	for (unsigned k = 0; k < p->config->site.n_packs; k++) {
		if (!p->config->site.pack[k].contactors.by_frames)
			continue;
		item = item_add(p, VERDICT_UNPROVEN, p->config->site.pack[k].id);
		snprintf(item->text, sizeof(item->text),
			 "its own BMS drives its contactors: no line to pulse");
		say(NULL, item);
	}
}

/* ---- after ------------------------------------------------------------------------------- */

static json_t *json_of_report(const struct preflight *p, bool passed)
{
	json_t *items = json_array();

	for (unsigned i = 0; i < p->n_items; i++) {
		const struct preflight_item *item = &p->item[i];
		json_t *json = json_pack("{s:s, s:s, s:s}", "what", item->what, "verdict",
					 verdict_words[item->verdict], "text", item->text);

		if (item->close_ms >= 0)
			json_object_set_new(json, "close_ms", json_integer(item->close_ms));
		if (item->open_ms >= 0)
			json_object_set_new(json, "open_ms", json_integer(item->open_ms));
		json_array_append_new(items, json);
	}
	return json_pack("{s:i, s:s, s:s, s:I, s:b, s:b, s:o}", "v", 1, "bank", p->config->site.id,
			 "digest", p->config->digest, "utc_ms", (json_int_t)clock_utc_ms(),
			 "passed", passed, "ended_early", p->aborted, "items", items);
}

static void text_of_report(const struct preflight *p, bool passed, FILE *out)
{
	fprintf(out, "preflight of bank %s, configuration %s: %s\n", p->config->site.id,
		p->config->digest,
		passed       ? "passed"
		: p->aborted ? "ended early"
			     : "failed");
	for (unsigned i = 0; i < p->n_items; i++)
		fprintf(out, "%-8s  %s: %s\n", verdict_words[p->item[i].verdict], p->item[i].what,
			p->item[i].text);
}

/* <state_dir>/<bank>.preflight.json and .txt */
static bool report_write(const struct preflight *p, bool passed)
{
	char path[PATH_SIZE + ID_SIZE + 24];
	json_t *json = json_of_report(p, passed);
	FILE *text;
	bool good;

	snprintf(path, sizeof(path), "%s/%s.preflight.json", p->config->state_dir,
		 p->config->site.id);
	good = json_dump_file(json, path, JSON_INDENT(1)) == 0;
	json_decref(json);
	snprintf(path, sizeof(path), "%s/%s.preflight.txt", p->config->state_dir,
		 p->config->site.id);
	text = good ? fopen(path, "we") : NULL;
	if (text)
		text_of_report(p, passed, text);
	if (text && fclose(text) == 0) {
		printf("report: %s and .json\n", path);
		return true;
	}
	fprintf(stderr, "rebankctl preflight: no report in %s: %s\n", p->config->state_dir,
		strerror(errno));
	return false;
}

static int conclude(const struct preflight *p, bool passed)
{
	bool reported = report_write(p, passed);
	int error = passed && reported ? commission_write(p->config, clock_utc_ms()) : 0;

	if (error) {
		fprintf(stderr, "rebankctl preflight: no commissioning record in %s: %s\n",
			p->config->state_dir, strerror(-error));
		return CTL_FAILED;
	}
	if (passed && reported) {
		printf("passed: bank %s is commissioned with this configuration (%.8s)\n",
		       p->config->site.id, p->config->digest);
		return CTL_OK;
	}
	printf("%s: bank %s is not commissioned\n", p->aborted ? "ended early" : "failed",
	       p->config->site.id);
	return CTL_FAILED;
}

/* ---- the command ------------------------------------------------------------------------- */

/* Every line found, taken and inactive. */
static bool board_ready(struct preflight *p)
{
	struct gpio_trouble trouble;

	p->board = gpio_board_find(p->setup->use, p->setup->n_uses, &trouble);
	if (p->board && gpio_board_take(p->board, "rebankctl preflight", false, &trouble) &&
	    gpio_board_listen(p->board, "rebankctl preflight", &trouble)) {
		if (gpio_board_settle(p->board, GPIO_SETTLE_MS))
			return true;
		gpio_trouble_set(&trouble, GPIO_TROUBLE_SYSTEM, "the outputs cannot be driven");
	}
	fprintf(stderr, "rebankctl preflight: %s\n", trouble.text);
	return false;
}

static int fly(const struct config *config)
{
	struct preflight *p = calloc(1, sizeof(*p));
	struct gpio_setup *setup = calloc(1, sizeof(*setup));
	const struct sigaction action = {.sa_handler = on_signal};
	int result = CTL_FAILED;
	bool passed;

	if (!p || !setup)
		abort();
	plant_gpio_setup(config, setup);
	*p = (struct preflight){.config = config,
				.setup = setup,
				.now_ms = now_really,
				.wait = wait_really,
				.say = say,
				.ask = ask};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	if (board_ready(p)) {
		items_beside(p);
		passed = preflight_run(p);
		result = conclude(p, passed);
	}
	gpio_board_close(p->board);
	free(setup);
	free(p);
	return result;
}

static bool directory_set(char *to, const char *from)
{
	return !from || snprintf(to, PATH_SIZE, "%s", from) < PATH_SIZE;
}

static int preflight(const struct arguments *arguments, struct config *config)
{
	int lock, result;

	if (config_load(arguments->file, arguments->profiles, config, stderr) != 0)
		return CTL_CONFIG;
	if (!directory_set(config->state_dir, arguments->state_dir) ||
	    !directory_set(config->run_dir, arguments->run_dir)) {
		fputs("rebankctl preflight: a directory's path is too long\n", stderr);
		return CTL_USAGE;
	}
	if (!plant_gpio_needed(config)) {
		puts("no line of this site is real: nothing to prove");
		return CTL_OK;
	}
	lock = lock_take(config);
	if (lock < 0)
		return CTL_FAILED;
	if (arguments->bus_dead || operator_agrees(config)) {
		result = fly(config);
	} else {
		puts("nothing was moved");
		result = CTL_FAILED;
	}
	close(lock);
	return result;
}

int ctl_preflight(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"profiles", required_argument, NULL, 'p'},
						{"state-dir", required_argument, NULL, 's'},
						{"run-dir", required_argument, NULL, 'r'},
						{"bus-dead", no_argument, NULL, 'b'},
						{NULL, 0, NULL, 0}};
	struct arguments arguments = {.file = NULL};
	struct config *config;
	int option, result;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			arguments.profiles = optarg;
		else if (option == 's')
			arguments.state_dir = optarg;
		else if (option == 'r')
			arguments.run_dir = optarg;
		else if (option == 'b')
			arguments.bus_dead = true;
		else
			return ctl_usage(self, "unknown option");
	}
	if (optind + 1 != argc)
		return ctl_usage(self, "name one site file");
	arguments.file = argv[optind];
	config = calloc(1, sizeof(*config));
	if (!config)
		abort();
	result = preflight(&arguments, config);
	config_free(config);
	free(config);
	return result;
}
