#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

/* Immediate steps asked for by the core are not closer together than this. */
enum { STEP_GAP_MS = 2 };

enum { PRIORITY_TICK = -10, PRIORITY_URGENT = -5, PRIORITY_TELL = 10 };

struct loop;

struct urgent {
	struct loop *loop;
	const struct driver *driver;
};

struct loop {
	sd_event *event;
	struct urgent urgent[PLANT_DRIVERS_MAX];
	sd_event_source *tick_timer, *step_timer, *tell;
	struct tick *tick;
	struct loop_result *result;
	uint64_t next_us; /* of the next regular tick */
	uint64_t period_us;
	int64_t stop_ms; /* asked to stop at; 0: not */
};

/* Arms the one-shot timer when the core wants a step before the next tick. */
static int step_timer_set(struct loop *loop)
{
	int64_t at_ms = loop->tick->out.next_step_ms;
	int64_t least_ms = loop->tick->in.now_ms + STEP_GAP_MS;

	/* In the millisecond of the next tick is that tick's business. */
	if (at_ms <= 0 || (uint64_t)at_ms >= loop->next_us / 1000)
		return sd_event_source_set_enabled(loop->step_timer, SD_EVENT_OFF);
	if (at_ms < least_ms)
		at_ms = least_ms;
	sd_event_source_set_time(loop->step_timer, (uint64_t)at_ms * 1000);
	return sd_event_source_set_enabled(loop->step_timer, SD_EVENT_ONESHOT);
}

static int step_now(struct loop *loop)
{
	loop->result->immediate++;
	tick_run(loop->tick, false, 0);
	return step_timer_set(loop);
}

/* The orderly stop is over when the bank is open, or when it has had its time. */
static void stop_check(struct loop *loop)
{
	int64_t now_ms = loop->tick->in.now_ms;

	if (!loop->stop_ms)
		return;
	loop->result->opened = tick_is_safe(loop->tick);
	if (loop->result->opened || now_ms - loop->stop_ms > LOOP_STOP_MAX_MS)
		sd_event_exit(loop->event, 0);
}

static int on_tick(sd_event_source *source, uint64_t due_us, void *context)
{
	struct loop *loop = context;
	int64_t late_ms = clock_monotonic_ms() - (int64_t)(due_us / 1000);

	loop->result->ticks++;
	if (late_ms > loop->result->late_max_ms)
		loop->result->late_max_ms = late_ms;
	loop->next_us = due_us + loop->period_us;
	if (late_ms > 0 && (uint64_t)late_ms * 1000 >= loop->period_us) {
		/* Ticks that were missed are not caught up on: the readings are from now. */
		uint64_t missed = (uint64_t)late_ms * 1000 / loop->period_us;

		loop->result->overruns += missed;
		loop->next_us += missed * loop->period_us;
	}
	bool starved = loop->tick->untold; /* for a whole period something urgent came in between */
	tick_run(loop->tick, true, late_ms > INT32_MAX ? INT32_MAX : (int32_t)late_ms);
	if (starved)
		tick_tell(loop->tick);
	sd_event_source_set_enabled(loop->tell, SD_EVENT_ONESHOT);
	stop_check(loop);
	sd_event_source_set_time(source, loop->next_us);
	return step_timer_set(loop);
}

/* When nothing else waits: an input that trips just after a tick is not kept waiting by its report.
 */
static int on_tell(sd_event_source *source, void *context)
{
	struct loop *loop = context;

	(void)source;
	tick_tell(loop->tick);
	return 0;
}

static int on_step_timer(sd_event_source *source, uint64_t due_us, void *context)
{
	(void)source;
	(void)due_us;
	return step_now(context);
}

static int on_driver(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct urgent *urgent = context;
	const struct driver *driver = urgent->driver;

	(void)fd;
	if (events & (EPOLLERR | EPOLLHUP))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (driver->urgent && !driver->urgent(driver->self, clock_monotonic_ms()))
		return 0;
	return step_now(urgent->loop);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)fd;
	/* A broken descriptor would call for ever; its driver's readings go stale instead. */
	if (events & (EPOLLERR | EPOLLHUP))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return step_now(context);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct loop *loop = context;

	(void)source;
	(void)info;
	if (loop->stop_ms)
		return 0; /* it is being stopped in order already */
	loop->stop_ms = clock_monotonic_ms();
	loop->tick->in.shutdown = true;
	notify_send(loop->tick->notify, "STOPPING=1\nSTATUS=Opening the bank in order");
	return step_now(loop);
}

static int timers_add(struct loop *loop)
{
	int error = sd_event_now(loop->event, CLOCK_MONOTONIC, &loop->next_us);

	/* Accuracy 0 would mean 250 ms; 1 us is the finest. */
	if (error >= 0)
		error = sd_event_add_time(loop->event, &loop->tick_timer, CLOCK_MONOTONIC,
					  loop->next_us, 1, on_tick, loop);
	if (error >= 0)
		error = sd_event_source_set_enabled(loop->tick_timer, SD_EVENT_ON);
	if (error >= 0)
		error = sd_event_source_set_priority(loop->tick_timer, PRIORITY_TICK);
	if (error >= 0)
		error = sd_event_add_time(loop->event, &loop->step_timer, CLOCK_MONOTONIC,
					  loop->next_us, 1, on_step_timer, loop);
	if (error >= 0)
		error = sd_event_source_set_priority(loop->step_timer, PRIORITY_URGENT);
	if (error >= 0)
		error = sd_event_source_set_enabled(loop->step_timer, SD_EVENT_OFF);
	if (error >= 0)
		error = sd_event_add_defer(loop->event, &loop->tell, on_tell, loop);
	if (error >= 0)
		error = sd_event_source_set_priority(loop->tell, PRIORITY_TELL);
	return error;
}

static int fds_add(struct loop *loop)
{
	const struct plant *plant = loop->tick->plant;
	int error = sd_event_add_io(loop->event, NULL, northbound_fd(loop->tick->northbound),
				    EPOLLIN, on_readable, loop);

	for (unsigned i = 0; i < plant->n && error >= 0; i++)
		if (plant->driver[i].urgent_fd >= 0) {
			loop->urgent[i] = (struct urgent){loop, &plant->driver[i]};
			error = sd_event_add_io(loop->event, NULL, plant->driver[i].urgent_fd,
						EPOLLIN, on_driver, &loop->urgent[i]);
		}
	return error;
}

int loop_run(struct tick *tick, struct loop_result *result)
{
	struct loop loop = {.tick = tick,
			    .result = result,
			    .period_us = (uint64_t)tick->bank.site.tick_ms * 1000};
	int error;

	memset(result, 0, sizeof *result);
	error = sd_event_new(&loop.event);
	if (error >= 0)
		error = timers_add(&loop);
	if (error >= 0)
		error = fds_add(&loop);
	if (error >= 0)
		error = sd_event_add_signal(loop.event, NULL, SIGTERM, on_signal, &loop);
	if (error >= 0)
		error = sd_event_add_signal(loop.event, NULL, SIGINT, on_signal, &loop);
	if (error >= 0)
		error = sd_event_loop(loop.event);
	tick_tell(tick);
	sd_event_source_unref(loop.tick_timer);
	sd_event_source_unref(loop.step_timer);
	sd_event_source_unref(loop.tell);
	sd_event_unref(loop.event);
	return error < 0 ? error : 0;
}
