#include "northbound/mqtt.h"

#include <mosquitto.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "northbound/intake.h"
#include "northbound/link.h"
#include "northbound/publisher.h"
#include "northbound/thread.h"

enum {
	OUT_SLOTS = 1024,
	COMMANDS_KEPT_FREE = 16, /* slots that only commands asking for less may use */
	PAUSE_MIN_MS = 1000,
	PAUSE_MAX_MS = 60000,
	CONNECT_MS = 15000, /* until the broker has answered CONNECT */
	STEADY_MS = 10000,  /* a connection that lasted so long ends the growing pauses */
	MISC_MS = 1000,
	PROBLEM_SIZE = 128,
};

struct mqtt {
	/* shared with the control thread */
	const struct config *config;
	char boot[SESSION_SIZE];
	struct queue *commands, *out;
	struct mailbox *reports;
	int stop_fd;
	atomic_bool connected;
	atomic_uint lost;
	_Atomic int64_t stop_by_ms; /* 0: keep running */
	pthread_t thread;
	/* the MQTT thread's own */
	struct publisher *publisher;
	struct intake *intake;
	struct link *link; /* NULL between attempts */
	bool up, ever_up, stopping;
	bool v311, only_v311;    /* of this attempt; the broker has said so */
	char said[PROBLEM_SIZE]; /* the problem last printed: each is told once */
	unsigned random;
	int64_t opened_ms, heard_ms, misc_ms, retry_ms, pause_ms, run_ms, release_ms;
	struct bank_report report;
};

/* ---- what the link and the intake call ----------------------------------------------------- */

static void on_message(void *context, const struct link_message *message)
{
	struct mqtt *mqtt = context;
	char root[TOPIC_SIZE];
	size_t length;

	publisher_topic(mqtt->publisher, "", root, sizeof root);
	length = strlen(root);
	if (strncmp(message->topic, root, length) != 0)
		return;
	if (strcmp(message->topic + length, "status") == 0)
		publisher_watch_status(mqtt->publisher, message->payload, message->length);
	else
		intake_take(mqtt->intake, message->topic + length, message, clock_monotonic_ms());
}

static void on_delivered(void *context, int mid)
{
	struct mqtt *mqtt = context;

	publisher_delivered(mqtt->publisher, mid);
}

/* A stuck control thread must not leave "0 W" outside because the queue is full of other wishes. */
static bool on_command(void *context, const struct command *command)
{
	struct mqtt *mqtt = context;
	bool less = command->kind == COMMAND_RELEASE || command->kind == COMMAND_STOP ||
		    command->kind == COMMAND_LOCK || command->p_w == 0.0;

	if (!less && queue_used(mqtt->commands) + COMMANDS_KEPT_FREE >= COMMAND_SLOTS)
		return false;
	return queue_push(mqtt->commands, command);
}

static int64_t utc_offset_ms(void)
{
	return clock_utc_ms() - clock_monotonic_ms();
}

static void on_answer(void *context, const struct outgoing *item)
{
	struct mqtt *mqtt = context;
	struct outgoing dated = *item;

	dated.utc_offset_ms = utc_offset_ms();
	publisher_put(mqtt->publisher, &dated);
}

static bool on_is_fresh(void *context, int64_t n)
{
	const struct mqtt *mqtt = context;

	return publisher_is_fresh(mqtt->publisher, n, clock_monotonic_ms());
}

/* ---- the connection ------------------------------------------------------------------------ */

/* A quarter more or less, so that a fleet does not come back all at once. */
static int64_t jittered(struct mqtt *mqtt, int64_t pause_ms)
{
	return pause_ms - pause_ms / 4 + rand_r(&mqtt->random) % (pause_ms / 2 + 1);
}

static void lose_link(struct mqtt *mqtt, const char *problem, int64_t now_ms)
{
	bool at_once = false;

	if (mqtt->up && now_ms - mqtt->opened_ms >= STEADY_MS)
		mqtt->pause_ms = PAUSE_MIN_MS;
	if (mqtt->up || strcmp(mqtt->said, problem) != 0)
		fprintf(stderr, "mqtt: %s:%u: %s; trying again\n", mqtt->config->mqtt.host,
			(unsigned)mqtt->config->mqtt.port, problem);
	snprintf(mqtt->said, sizeof mqtt->said, "%s", problem);
	if (mqtt->link) {
		/* Some 3.1.1 brokers hang up on a version they do not know instead of saying so:
		 * the next attempt tries the other one, without remembering it. */
		bool hung_up = !mqtt->up && link_fd(mqtt->link) < 0;

		at_once = !mqtt->v311 && link_wrong_version(mqtt->link);
		mqtt->only_v311 = mqtt->only_v311 || at_once;
		mqtt->v311 = mqtt->only_v311 || (hung_up && !mqtt->v311);
		link_close(mqtt->link, false);
	}
	if (mqtt->up)
		publisher_down(mqtt->publisher);
	mqtt->link = NULL;
	mqtt->up = false;
	atomic_store(&mqtt->connected, false);
	mqtt->retry_ms = at_once ? now_ms : now_ms + jittered(mqtt, mqtt->pause_ms);
	mqtt->pause_ms = mqtt->pause_ms * 2 < PAUSE_MAX_MS ? mqtt->pause_ms * 2 : PAUSE_MAX_MS;
}

static void open_link(struct mqtt *mqtt, int64_t now_ms)
{
	struct link_owner owner = {mqtt, on_message, on_delivered};
	char topic[TOPIC_SIZE], problem[PROBLEM_SIZE] = "out of memory";
	char *will = publisher_will(mqtt->publisher);

	publisher_topic(mqtt->publisher, "status", topic, sizeof topic);
	if (will)
		mqtt->link = link_open(&mqtt->config->mqtt, !mqtt->v311, topic, will, &owner,
				       problem, sizeof problem);
	free(will);
	mqtt->opened_ms = now_ms;
	mqtt->heard_ms = now_ms;
	if (!mqtt->link)
		lose_link(mqtt, problem, now_ms);
}

/* The birth goes out before the subscriptions: nobody is obeyed who could not know this start. */
static void go_up(struct mqtt *mqtt, int64_t now_ms)
{
	static const struct {
		const char *filter;
		bool commands;
	} wanted[] = {{"setpoint/+/set", true}, {"cmd/+/set", true}, {"status", false}};
	char topic[TOPIC_SIZE];

	mqtt->up = true;
	mqtt->opened_ms = now_ms;
	mqtt->said[0] = '\0';
	fprintf(stderr, "mqtt: connected to %s:%u (MQTT %s)\n", mqtt->config->mqtt.host,
		(unsigned)mqtt->config->mqtt.port, mqtt->v311 ? "3.1.1" : "5");
	publisher_up(mqtt->publisher, mqtt->ever_up ? "reconnect" : "start");
	mqtt->ever_up = true;
	mqtt->run_ms = publisher_run(mqtt->publisher, mqtt->link, mqtt->intake,
				     atomic_load(&mqtt->lost), now_ms);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		publisher_topic(mqtt->publisher, wanted[i].filter, topic, sizeof topic);
		link_subscribe(mqtt->link, topic, wanted[i].commands);
	}
	atomic_store(&mqtt->connected, true);
}

static void serve_link(struct mqtt *mqtt, bool readable, int64_t now_ms)
{
	enum link_phase phase;

	if (readable)
		mqtt->heard_ms = now_ms;
	mqtt->misc_ms = now_ms + MISC_MS;
	phase = link_serve(mqtt->link, readable);
	if (phase == LINK_DOWN)
		lose_link(mqtt, link_problem(mqtt->link), now_ms);
	else if (phase == LINK_UP && !mqtt->up)
		go_up(mqtt, now_ms);
	else if (phase == LINK_CONNECTING && now_ms - mqtt->opened_ms > CONNECT_MS)
		lose_link(mqtt, "broker does not answer", now_ms);
	else if (now_ms - mqtt->heard_ms > 3000 * (int64_t)mqtt->config->mqtt.keepalive_s)
		lose_link(mqtt, "nothing heard from the broker", now_ms);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void take_given(struct mqtt *mqtt)
{
	struct outgoing item;

	while (queue_pop(mqtt->out, &item))
		publisher_put(mqtt->publisher, &item);
	if (mailbox_take(mqtt->reports, &mqtt->report))
		publisher_look(mqtt->publisher, &mqtt->report,
			       offsetof(struct bank_report, pack) +
				       mqtt->report.n_packs * sizeof mqtt->report.pack[0]);
}

static void take_stop(struct mqtt *mqtt)
{
	eventfd_t value;

	eventfd_read(mqtt->stop_fd, &value);
	if (mqtt->stopping || atomic_load(&mqtt->stop_by_ms) == 0)
		return;
	mqtt->stopping = true;
	publisher_stop(mqtt->publisher);
}

static void move(struct mqtt *mqtt, int64_t now_ms)
{
	take_given(mqtt);
	if (!mqtt->link && now_ms >= mqtt->retry_ms && !mqtt->stopping &&
	    publisher_is_ready(mqtt->publisher))
		open_link(mqtt, now_ms);
	mqtt->release_ms = intake_release(mqtt->intake, now_ms);
	if (mqtt->up)
		mqtt->run_ms = publisher_run(mqtt->publisher, mqtt->link, mqtt->intake,
					     atomic_load(&mqtt->lost), now_ms);
	else
		mqtt->run_ms =
			mqtt->link || mqtt->retry_ms <= now_ms ? now_ms + MISC_MS : mqtt->retry_ms;
}

static int wait_ms(const struct mqtt *mqtt, int64_t now_ms)
{
	int64_t until_ms = now_ms + MISC_MS;

	until_ms = mqtt->run_ms < until_ms ? mqtt->run_ms : until_ms;
	until_ms = mqtt->release_ms < until_ms ? mqtt->release_ms : until_ms;
	if (mqtt->link && mqtt->misc_ms < until_ms)
		until_ms = mqtt->misc_ms;
	return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static bool is_finished(const struct mqtt *mqtt, int64_t now_ms)
{
	return mqtt->stopping && (!mqtt->up || publisher_is_idle(mqtt->publisher) ||
				  now_ms >= atomic_load(&mqtt->stop_by_ms));
}

static void *run(void *context)
{
	struct mqtt *mqtt = context;
	int64_t now_ms = clock_monotonic_ms();

	for (;;) {
		struct pollfd item[4] = {
			{.fd = queue_fd(mqtt->out), .events = POLLIN},
			{.fd = mailbox_fd(mqtt->reports), .events = POLLIN},
			{.fd = mqtt->stop_fd, .events = POLLIN},
			{.fd = -1, .events = POLLIN},
		};

		move(mqtt, now_ms);
		if (is_finished(mqtt, now_ms))
			break;
		if (mqtt->link) {
			item[3].fd = link_fd(mqtt->link);
			item[3].events |= link_wants_write(mqtt->link) ? POLLOUT : 0;
		}
		poll(item, 4, wait_ms(mqtt, now_ms));
		now_ms = clock_monotonic_ms();
		if (item[2].revents)
			take_stop(mqtt);
		if (mqtt->link && (item[3].revents || now_ms >= mqtt->misc_ms || item[3].fd < 0))
			serve_link(mqtt, item[3].revents & (POLLIN | POLLERR | POLLHUP), now_ms);
	}
	if (mqtt->link)
		link_close(mqtt->link, true);
	mqtt->link = NULL;
	atomic_store(&mqtt->connected, false);
	return NULL;
}

/* ---- the control thread's side --------------------------------------------------------------- */

static void release(struct mqtt *mqtt)
{
	publisher_free(mqtt->publisher);
	intake_free(mqtt->intake);
	queue_free(mqtt->out);
	mailbox_free(mqtt->reports);
	if (mqtt->stop_fd >= 0)
		close(mqtt->stop_fd);
	free(mqtt);
}

struct mqtt *mqtt_new(const struct config *config, const char *boot, struct queue *commands)
{
	struct mqtt *mqtt = calloc(1, sizeof *mqtt);
	struct intake_owner owner = {mqtt, on_command, on_answer, on_is_fresh};

	if (!mqtt)
		return NULL;
	mosquitto_lib_init();
	mqtt->config = config;
	snprintf(mqtt->boot, sizeof mqtt->boot, "%s", boot);
	mqtt->commands = commands;
	mqtt->pause_ms = PAUSE_MIN_MS;
	mqtt->random = (unsigned)utc_offset_ms() ^ (unsigned)getpid();
	mqtt->release_ms = INT64_MAX;
	mqtt->out = queue_new(OUT_SLOTS, sizeof(struct outgoing));
	mqtt->reports = mailbox_new(sizeof(struct bank_report));
	mqtt->publisher = publisher_new(config, mqtt->boot);
	mqtt->intake = intake_new(config, mqtt->boot, &owner);
	mqtt->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mqtt->out && mqtt->reports && mqtt->publisher && mqtt->intake && mqtt->stop_fd >= 0 &&
	    thread_start(&mqtt->thread, "mqtt", run, mqtt))
		return mqtt;
	fprintf(stderr, "mqtt: cannot start the thread: %m\n");
	release(mqtt);
	return NULL;
}

bool mqtt_connected(const struct mqtt *mqtt)
{
	return atomic_load(&mqtt->connected);
}

void mqtt_give_report(struct mqtt *mqtt, const struct bank_report *report, size_t report_size)
{
	mailbox_put_part(mqtt->reports, report, report_size);
}

bool mqtt_give(struct mqtt *mqtt, const struct outgoing *item)
{
	bool taken = queue_push(mqtt->out, item);

	if (!taken)
		mqtt_count_lost(mqtt, 1);
	return taken;
}

void mqtt_count_lost(struct mqtt *mqtt, unsigned lost)
{
	atomic_fetch_add(&mqtt->lost, lost);
}

bool mqtt_stop(struct mqtt *mqtt, int timeout_ms)
{
	bool ended;

	atomic_store(&mqtt->stop_by_ms, clock_monotonic_ms() + timeout_ms);
	eventfd_write(mqtt->stop_fd, 1);
	ended = thread_join(mqtt->thread, timeout_ms + 200);
	if (ended)
		release(mqtt);
	return ended;
}
