#include "tick.h"

#include <string.h>

/* Past this a tick is not healthy: no heartbeat, no food for the watchdog. */
enum { LATE_MAX_MS = 400, NOTICES_MAX = 4 };

static void times_set(struct tick *tick, bool regular, int32_t lateness_ms)
{
	struct bank_inputs *in = &tick->in;

	in->now_ms = clock_monotonic_ms();
	in->utc_ms = clock_utc_ms();
	in->clock_synced = clock_synced(&tick->clock, in->now_ms, in->utc_ms);
	in->tick = regular;
	in->lateness_ms = lateness_ms;
}

static void commands_take(struct tick *tick)
{
	struct bank_inputs *in = &tick->in;

	in->broker_connected = northbound_connected(tick->northbound);
	in->n_commands = northbound_take(tick->northbound, in->command, COMMAND_MAX);
	for (unsigned i = 0; i < in->n_commands; i++)
		if (in->command[i].kind != COMMAND_SETPOINT &&
		    in->command[i].kind != COMMAND_RELEASE)
			tick->changed = true;
}

static void events_give(struct tick *tick)
{
	const struct bank_outputs *out = &tick->out;
	int64_t now_ms = tick->in.now_ms;

	if (out->events_dropped)
		store_dropped(tick->store, out->events_dropped);
	for (unsigned i = 0; i < out->n_events; i++) {
		const struct event *event = &out->event[i];

		store_event(tick->store, event, tick->in.utc_ms, tick->in.clock_synced);
		tick->changed = true;
		if (event->kind == EVENT_CLEARED || tick->record_ms ||
		    reason_text(event->reason)->severity < SEVERITY_TRIP ||
		    (tick->recorded_ms && now_ms - tick->recorded_ms < RECORD_EVERY_MS))
			continue;
		tick->record_ms = now_ms + RECORD_AFTER_MS;
		tick->recorded_ms = now_ms;
		tick->record_why = event->reason;
	}
}

/* Some at each tick: a plant that is full of trouble leaves room for events. */
static void notices_give(struct tick *tick)
{
	struct driver_notice notice;

	for (unsigned n = 0; n < NOTICES_MAX; n++) {
		if (!plant_notice(tick->plant, tick->in.now_ms, &notice))
			return;
		store_notice(tick->store, &notice);
	}
}

static void recording_give(struct tick *tick)
{
	bool due = tick->record_ms && tick->in.now_ms >= tick->record_ms;

	if ((!due && !atomic_load(&tick->record_asked)) || !recorder_pin(tick->recorder))
		return;
	store_recording(tick->store, due ? reason_text(tick->record_why)->word : "request",
			tick->in.utc_ms);
	if (due)
		tick->record_ms = 0;
	atomic_store(&tick->record_asked, false);
}

/* A closing that begins is saved before the resistor takes current: its process may die in it. */
static bool closing_begins(struct tick *tick)
{
	uint64_t closing = contactor_closing(&tick->bank);
	bool begins = (closing & ~tick->closing) != 0;

	tick->closing = closing;
	return begins;
}

static void state_save(struct tick *tick, bool at_once)
{
	int64_t age_ms = tick->in.now_ms - tick->saved_ms;

	if (!at_once && age_ms < (tick->changed ? SAVE_CHANGE_MS : SAVE_EVERY_MS))
		return;
	bank_save(&tick->bank, &tick->in, &tick->saved);
	store_state(tick->store, &tick->saved);
	tick->saved_ms = tick->in.now_ms;
	tick->changed = false;
}

static bool all_outputs_off(const struct tick *tick)
{
	const struct bank_outputs *out = &tick->out;

	if (out->pcs_enable)
		return false;
	for (unsigned k = 0; k < tick->bank.site.n_packs; k++)
		for (int pole = 0; pole < POLE_COUNT; pole++)
			if (out->pack[k].coil[pole])
				return false;
	return true;
}

/*
 * The watchdog restarts a process that cannot be trusted with closed contactors. A bank that is
 * open and waits, for a silent pack say, gives no heartbeat either, and a restart would not help
 * it.
 */
static void watchdogs_feed(struct tick *tick)
{
	if (tick->in.lateness_ms >= LATE_MAX_MS || !(tick->out.heartbeat || all_outputs_off(tick)))
		return;
	notify_feed(tick->notify, tick->in.now_ms);
	watchdog_feed(tick->watchdog);
}

void tick_run(struct tick *tick, bool regular, int32_t lateness_ms)
{
	struct bank_outputs *out = &tick->out;

	times_set(tick, regular, lateness_ms);
	plant_gather(tick->plant, &tick->in);
	commands_take(tick);
	recorder_before(tick->recorder, &tick->bank, &tick->in);
	bank_step(&tick->bank, &tick->in, out);
	plant_apply(tick->plant, tick->in.now_ms, out);
	recorder_after(tick->recorder, out);
	tick->steps++;
	if (regular)
		watchdogs_feed(tick);
	tick->begins = closing_begins(tick);
	bool news = out->n_events || out->n_acks || out->events_dropped || tick->begins;
	tick->untold = tick->untold || regular || news;
	if (news) /* the next step would write over it */
		tick_tell(tick);
}

void tick_tell(struct tick *tick)
{
	if (!tick->untold)
		return;
	tick->untold = false;
	bank_report(&tick->bank, &tick->in, &tick->out, &tick->report);
	northbound_give(tick->northbound, &tick->report, &tick->out);
	events_give(tick);
	state_save(tick, tick->begins);
	notices_give(tick);
	recording_give(tick);
}

bool tick_is_safe(const struct tick *tick)
{
	return all_outputs_off(tick) &&
	       (tick->bank.state == BANK_STOPPED || contactor_connected(&tick->bank) == 0);
}

void tick_end(struct tick *tick)
{
	memset(&tick->out, 0, sizeof tick->out);
	plant_apply(tick->plant, clock_monotonic_ms(), &tick->out);
	if (tick->record_ms && recorder_pin(tick->recorder))
		store_recording(tick->store, reason_text(tick->record_why)->word, tick->in.utc_ms);
	bank_save(&tick->bank, &tick->in, &tick->saved);
	tick->saved.ended = tick->steps > 0; /* else it is not known how the last run ended */
	store_state(tick->store, &tick->saved);
}

void tick_request_recording(void *context)
{
	struct tick *tick = context;

	atomic_store(&tick->record_asked, true);
}
