#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "drivers/worker/queue.h"
#include "northbound/sentence.h"
#include "store/keep.h"
#include "store/ledger.h"
#include "store/soe.h"

enum {
	ITEMS = 1024,
	WHY_SIZE = 40,
	TEXT_MAX = 256,
	BATCH_MS = 1000,
	RETRY_MS = 60000,
	CALM_MS = 60000
};

enum item_kind { ITEM_EVENT, ITEM_RECORDING, ITEM_NOTICE };

struct item {
	enum item_kind kind;
	bool clock_synced;
	int64_t utc_ms;
	struct event event;
	struct driver_notice notice;
	char why[WHY_SIZE];
};

/* One place things are written to. Trouble is told when it begins and when it has been over for
 * CALM_MS: a disk that is just full takes some writes and refuses others. */
struct place {
	const char *what;
	bool failing;
	int64_t failed_ms;
	uint64_t missed;
};

struct store {
	struct site site;
	char boot[SESSION_SIZE], state_dir[PATH_SIZE];
	char ledger_path[PATH_SIZE + ID_SIZE + 16], recordings[PATH_SIZE + ID_SIZE + 16];
	bool journal; /* stderr goes to journald, which reads <level> prefixes */
	struct recorder *recorder;
	struct queue *items;
	struct mailbox *states;
	int stop_fd;
	pthread_t thread;
	struct soe soe;
	struct ledger *ledger; /* NULL: could not be opened, tried again now and then */
	struct place in_ledger, in_soe, in_recordings;
	bool batch;    /* a transaction is open */
	bool urgent;   /* an alarm or trip in it: commit without delay */
	bool unsynced; /* the sequence of events may not be on the disk yet */
	unsigned batch_events;
	int64_t batch_ms, retry_ms;
	atomic_size_t dropped;
	size_t lost;             /* told so far, with dropped */
	struct bank_saved saved; /* the state being written */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const struct store *store, int level, const char *text)
{
	if (store->journal)
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "rebankd: %s\n", text);
}

/* Takes note of how writing `n` things went. */
static void place_result(struct store *store, struct place *place, unsigned n, const char *error)
{
	char text[1024];

	if (error) {
		place->missed += n;
		place->failed_ms = now_ms();
		if (!place->failing) {
			snprintf(text, sizeof text,
				 "%s cannot be written: %s; control goes on and what is missed is "
				 "counted; make room in %s or make it writable",
				 place->what, error, store->state_dir);
			say(store, 3, text);
		}
		place->failing = true;
	} else if (place->failing && now_ms() - place->failed_ms >= CALM_MS) {
		snprintf(text, sizeof text, "%s is written again; %" PRIu64 " missed", place->what,
			 place->missed);
		say(store, 5, text);
		place->failing = false;
		place->missed = 0;
	}
}

static bool ledger_ready(struct store *store)
{
	char error[256];
	bool broken;

	if (store->ledger)
		return true;
	if (now_ms() < store->retry_ms)
		return false;
	store->ledger = ledger_open(store->ledger_path, &broken, error, sizeof error);
	if (store->ledger)
		return true;
	store->retry_ms = now_ms() + RETRY_MS;
	place_result(store, &store->in_ledger, 0, error);
	return false;
}

static void batch_end(struct store *store)
{
	if (!store->batch)
		return;
	store->batch = store->urgent = false;
	if (ledger_commit(store->ledger)) {
		place_result(store, &store->in_ledger, store->batch_events, NULL);
		return;
	}
	place_result(store, &store->in_ledger, store->batch_events, ledger_error(store->ledger));
	ledger_rollback(store->ledger);
}

static void ledger_take(struct store *store, const struct ledger_event *event)
{
	if (!ledger_ready(store)) {
		store->in_ledger.missed++;
		return;
	}
	if (!store->batch) {
		store->batch = ledger_begin(store->ledger);
		store->batch_events = 0;
		store->batch_ms = now_ms();
	}
	if (store->batch && ledger_add(store->ledger, event)) {
		store->batch_events++;
		return;
	}
	place_result(store, &store->in_ledger, store->batch_events + 1,
		     ledger_error(store->ledger));
	ledger_rollback(store->ledger);
	store->batch = false;
}

/* What was added to the sequence of events survives a cut of the supply from here on. */
static void soe_end(struct store *store)
{
	int error = store->unsynced ? soe_sync(&store->soe) : 0;

	store->unsynced = false;
	if (error)
		place_result(store, &store->in_soe, 1, strerror(-error));
}

static void event_take(struct store *store, const struct item *item)
{
	const struct event *e = &item->event;
	bool of_pack = e->pack >= 0 && (unsigned)e->pack < store->site.n_packs;
	const char *pack = of_pack ? store->site.pack[e->pack].id : "";
	char text[TEXT_MAX];
	int error;

	event_sentence(e, &store->site, text, sizeof text);
	say(store, event_log_level(e), text);
	error = soe_add(&store->soe, &(struct soe_entry){item->utc_ms, item->clock_synced,
							 store->boot, pack, text, e});
	place_result(store, &store->in_soe, 1, error ? strerror(-error) : NULL);
	store->unsynced = true;
	if (reason_text(e->reason)->severity >= SEVERITY_TRIP) {
		store->urgent = true;
		soe_end(store);
	}
	ledger_take(store, &(struct ledger_event){item->utc_ms, item->clock_synced, store->boot,
						  pack, text, e});
}

static void notice_take(struct store *store, const struct item *item)
{
	char text[TEXT_MAX];

	notice_sentence(&item->notice, &store->site, text, sizeof text);
	say(store, 4, text);
}

static void recording_take(struct store *store, const struct item *item)
{
	char path[sizeof store->recordings + 128], name[128], text[sizeof path + 64];
	int error;

	keep_name(name, sizeof name, item->utc_ms, item->why);
	snprintf(path, sizeof path, "%s/%s", store->recordings, name);
	if (mkdir(store->recordings, 0750) != 0 && errno != EEXIST)
		error = -errno;
	else
		error = keep_newest(store->recordings, STORE_RECORDINGS_KEPT - 1);
	/* Even without a directory: the pin must be released. */
	if (error)
		snprintf(path, sizeof path, "%s/%s", store->recordings, "lost.rec");
	error = recorder_write_pinned(store->recorder, path);
	place_result(store, &store->in_recordings, 1, error ? strerror(-error) : NULL);
	if (error)
		return;
	snprintf(text, sizeof text, "recording written: %s", path);
	say(store, 5, text);
}

static void state_take(struct store *store)
{
	if (!mailbox_take(store->states, &store->saved))
		return;
	batch_end(store);
	if (!ledger_ready(store)) {
		store->in_ledger.missed++;
		return;
	}
	if (ledger_save(store->ledger, &store->saved))
		place_result(store, &store->in_ledger, 1, NULL);
	else
		place_result(store, &store->in_ledger, 1, ledger_error(store->ledger));
}

/* The control thread found the queue full: it must not be silent. */
static void lost_tell(struct store *store, int64_t utc_ms)
{
	size_t lost = queue_lost(store->items) + atomic_load(&store->dropped);
	char text[128];

	if (lost == store->lost)
		return;
	snprintf(text, sizeof text,
		 "%zu events came faster than they could be written and are lost",
		 lost - store->lost);
	say(store, 3, text);
	soe_add_gap(&store->soe, utc_ms, lost - store->lost);
	store->lost = lost;
}

static void items_take(struct store *store)
{
	struct item item;

	while (queue_pop(store->items, &item)) {
		if (item.kind == ITEM_EVENT)
			event_take(store, &item);
		else if (item.kind == ITEM_NOTICE)
			notice_take(store, &item);
		else
			recording_take(store, &item);
		lost_tell(store, item.utc_ms);
	}
}

static void *store_run(void *context)
{
	struct store *store = context;
	struct pollfd fd[] = {{queue_fd(store->items), POLLIN, 0},
			      {mailbox_fd(store->states), POLLIN, 0},
			      {store->stop_fd, POLLIN, 0}};
	bool stop = false;

	pthread_setname_np(pthread_self(), "store");
	while (!stop) {
		poll(fd, 3, store->batch || store->unsynced ? BATCH_MS : -1);
		stop = fd[2].revents & POLLIN;
		items_take(store);
		if (stop || store->urgent || now_ms() - store->batch_ms >= BATCH_MS) {
			soe_end(store);
			batch_end(store);
		}
		state_take(store);
	}
	return NULL;
}

/* State that cannot be read may have held a weld: people look first. */
static void state_unreadable(struct store *store, struct bank_saved *saved, const char *note)
{
	char text[512];

	memset(saved, 0, sizeof *saved);
	saved->valid = saved->locked = true;
	snprintf(text, sizeof text,
		 "%s: %s: counters, latches and welds are unknown, so the maintenance lock is "
		 "engaged: check every pack, then unlock",
		 store->ledger_path, note);
	say(store, 2, text);
}

static void state_load(struct store *store, struct bank_saved *saved)
{
	char note[256], text[512];
	bool broken, was_there = access(store->ledger_path, F_OK) == 0;

	memset(saved, 0, sizeof *saved);
	store->ledger = ledger_open(store->ledger_path, &broken, note, sizeof note);
	if (!store->ledger) {
		place_result(store, &store->in_ledger, 0, note);
		store->retry_ms = now_ms() + RETRY_MS;
		if (was_there)
			state_unreadable(store, saved, "cannot be opened");
		return;
	}
	if (broken) {
		state_unreadable(store, saved, "was no database any more; kept as .broken");
		return;
	}
	switch (ledger_load(store->ledger, saved, note, sizeof note)) {
	case LEDGER_UNREADABLE:
		state_unreadable(store, saved, note);
		break;
	case LEDGER_OLDER:
		snprintf(text, sizeof text,
			 "%s: the newest saved state is torn; the copy before it is used",
			 store->ledger_path);
		say(store, 4, text);
		break;
	case LEDGER_NOTHING:
	case LEDGER_NEWEST:
		if (note[0])
			say(store, 2, note);
		break;
	}
	if (ledger_last_seq(store->ledger) > saved->event_seq)
		saved->event_seq = ledger_last_seq(store->ledger);
}

static void store_free(struct store *store)
{
	if (store->ledger)
		ledger_close(store->ledger);
	soe_close(&store->soe);
	if (store->items)
		queue_free(store->items);
	if (store->states)
		mailbox_free(store->states);
	if (store->stop_fd >= 0)
		close(store->stop_fd);
	free(store);
}

struct store *store_new(const struct config *config, const char *boot, struct recorder *recorder,
			struct bank_saved *saved)
{
	struct store *store = calloc(1, sizeof *store);
	char path[SOE_PATH_SIZE];

	if (!store)
		return NULL;
	store->site = config->site;
	store->recorder = recorder;
	store->journal = getenv("JOURNAL_STREAM") != NULL;
	snprintf(store->boot, sizeof store->boot, "%s", boot);
	snprintf(store->state_dir, sizeof store->state_dir, "%s", config->state_dir);
	snprintf(store->ledger_path, sizeof store->ledger_path, "%s/%s.db", config->state_dir,
		 config->site.id);
	snprintf(store->recordings, sizeof store->recordings, "%s/%s.recordings", config->state_dir,
		 config->site.id);
	snprintf(path, sizeof path, "%s/%s.soe.jsonl", config->state_dir, config->site.id);
	soe_init(&store->soe, path, SOE_BYTES_MAX);
	store->in_ledger.what = "the ledger";
	store->in_soe.what = "the sequence-of-events log";
	store->in_recordings.what = "a recording";
	store->items = queue_new(ITEMS, sizeof(struct item));
	store->states = mailbox_new(sizeof(struct bank_saved));
	store->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (!store->items || !store->states || store->stop_fd < 0) {
		store_free(store);
		return NULL;
	}
	state_load(store, saved);
	if (pthread_create(&store->thread, NULL, store_run, store) != 0) {
		store_free(store);
		return NULL;
	}
	return store;
}

void store_event(struct store *store, const struct event *event, int64_t utc_ms, bool clock_synced)
{
	struct item item = {.kind = ITEM_EVENT,
			    .utc_ms = utc_ms,
			    .clock_synced = clock_synced,
			    .event = *event};

	queue_push(store->items, &item);
}

void store_notice(struct store *store, const struct driver_notice *notice)
{
	struct item item = {.kind = ITEM_NOTICE, .notice = *notice};

	/* What is only printed must not push out what is written. */
	if (queue_used(store->items) < ITEMS / 2)
		queue_push(store->items, &item);
}

void store_dropped(struct store *store, unsigned n)
{
	atomic_fetch_add(&store->dropped, n);
}

void store_state(struct store *store, const struct bank_saved *saved)
{
	mailbox_put_part(store->states, saved,
			 offsetof(struct bank_saved, pack) +
				 saved->n_packs * sizeof saved->pack[0]);
}

void store_recording(struct store *store, const char *why, int64_t utc_ms)
{
	struct item item = {.kind = ITEM_RECORDING, .utc_ms = utc_ms};

	for (unsigned i = 0; i + 1 < sizeof item.why && why[i]; i++)
		item.why[i] = why[i];
	if (!queue_push(store->items, &item))
		recorder_unpin(store->recorder);
}

void store_stop(struct store *store)
{
	if (!store)
		return;
	eventfd_write(store->stop_fd, 1);
	pthread_join(store->thread, NULL);
	store_free(store);
}
