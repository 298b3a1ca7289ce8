#include "drivers/modbus/bus.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers/modbus/port.h"
#include "drivers/worker/cell.h"

enum {
	STACK_BYTES = 128 * 1024,
	OPEN_TIMEOUT_MS = 1000,
	RETRY_FIRST_MS = 200,
	RETRY_LAST_MS = 5000,
	SILENT_MAX = 3, /* requests without an answer, then the connection is suspected */
	DRAIN_MS = 1000,
	JOIN_MS = 5000,
	IDLE_MS = 1000, /* how long it sleeps at most */
};

struct place {
	struct modbus_device device;
	int64_t pause_ms; /* not asked before: a late answer is waited for */
};

struct modbus_bus {
	struct modbus_port *port;
	bool open, started;
	int64_t open_ms; /* next attempt */
	int32_t retry_ms;
	unsigned silent;
	int wake_fd;
	atomic_bool stopping;
	pthread_t thread;
	struct modbus_counts counts;
	struct cell *counts_cell;
	unsigned n, turn;
	struct place place[MODBUS_DEVICES_MAX];
};

struct modbus_bus *modbus_bus_new(const struct modbus_address *address)
{
	struct modbus_bus *bus = calloc(1, sizeof *bus);

	if (!bus)
		return NULL;
	bus->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bus->port = modbus_port_new(address);
	bus->counts_cell = cell_new(sizeof bus->counts);
	bus->retry_ms = RETRY_FIRST_MS;
	if (bus->wake_fd < 0 || !bus->port || !bus->counts_cell) {
		int error = errno;

		modbus_bus_free(bus);
		errno = error;
		return NULL;
	}
	return bus;
}

void modbus_bus_free(struct modbus_bus *bus)
{
	if (!bus)
		return;
	modbus_port_free(bus->port);
	cell_free(bus->counts_cell);
	if (bus->wake_fd >= 0)
		close(bus->wake_fd);
	free(bus);
}

bool modbus_bus_add(struct modbus_bus *bus, const struct modbus_device *device)
{
	if (bus->started || bus->n == MODBUS_DEVICES_MAX)
		return false;
	bus->place[bus->n++].device = *device;
	return true;
}

void modbus_bus_wake(struct modbus_bus *bus)
{
	eventfd_write(bus->wake_fd, 1);
}

void modbus_bus_counts(struct modbus_bus *bus, struct modbus_counts *counts)
{
	cell_get(bus->counts_cell, counts);
}

/* ---- the thread -------------------------------------------------------------------------- */

static void sleep_until(struct modbus_bus *bus, int64_t now_ms, int64_t due_ms)
{
	struct pollfd item = {.fd = bus->wake_fd, .events = POLLIN};
	int64_t wait_ms = due_ms - now_ms;
	eventfd_t value;

	if (wait_ms > IDLE_MS)
		wait_ms = IDLE_MS;
	if (poll(&item, 1, (int)wait_ms) > 0)
		eventfd_read(bus->wake_fd, &value);
}

/* The device whose turn it is, its request in `request`; -1: nobody, until *due_ms. */
static int choose(struct modbus_bus *bus, int64_t now_ms, bool urgent_only,
		  struct modbus_request *request, int64_t *due_ms)
{
	struct modbus_request asked = {.function = MODBUS_NOTHING};
	int best = -1;

	*due_ms = MODBUS_NEVER;
	for (unsigned i = 0; i < bus->n; i++) {
		unsigned at = (bus->turn + i) % bus->n;
		struct place *place = &bus->place[at];
		int64_t want_ms;

		asked.unit = place->device.unit;
		want_ms = place->device.next(place->device.self, now_ms, &asked);
		bool ready = want_ms <= now_ms && place->pause_ms <= now_ms;

		if (urgent_only && want_ms != MODBUS_URGENT)
			continue;
		if (!ready && want_ms < place->pause_ms)
			want_ms = place->pause_ms;
		if (ready && (best < 0 || want_ms < *due_ms)) {
			best = (int)at;
			*request = asked;
			*due_ms = want_ms;
		} else if (best < 0 && want_ms < *due_ms) {
			*due_ms = want_ms;
		}
	}
	return best;
}

static void drop(struct modbus_bus *bus, int64_t now_ms)
{
	modbus_port_close(bus->port);
	bus->open = false;
	bus->silent = 0;
	bus->open_ms = now_ms + bus->retry_ms;
	bus->retry_ms = bus->retry_ms * 2 > RETRY_LAST_MS ? RETRY_LAST_MS : bus->retry_ms * 2;
}

static void connect_now(struct modbus_bus *bus)
{
	int64_t now_ms;

	bus->open = modbus_port_open(bus->port, OPEN_TIMEOUT_MS);
	now_ms = modbus_clock_ms();
	if (!bus->open) {
		drop(bus, now_ms);
		return;
	}
	bus->counts.connected++;
	for (unsigned i = 0; i < bus->n; i++) {
		struct modbus_device *device = &bus->place[i].device;

		bus->place[i].pause_ms = 0;
		if (device->connected)
			device->connected(device->self, now_ms);
	}
}

static void judge(struct modbus_bus *bus, struct place *place, const struct modbus_answer *answer)
{
	int64_t now_ms = answer->arrived_ms;

	bus->counts.asked++;
	switch (answer->result) {
	case MODBUS_ANSWERED:
	case MODBUS_REFUSED:
		bus->counts.refused += answer->result == MODBUS_REFUSED;
		bus->silent = 0;
		bus->retry_ms = RETRY_FIRST_MS;
		break;
	case MODBUS_TIMED_OUT:
	case MODBUS_GARBLED:
		bus->counts.timed_out += answer->result == MODBUS_TIMED_OUT;
		bus->counts.garbled += answer->result == MODBUS_GARBLED;
		place->pause_ms = now_ms + place->device.timeout_ms;
		if (++bus->silent >= SILENT_MAX)
			drop(bus, now_ms);
		break;
	case MODBUS_BROKEN:
		drop(bus, now_ms);
		break;
	}
	cell_put(bus->counts_cell, &bus->counts);
}

static void ask(struct modbus_bus *bus, struct place *place, const struct modbus_request *request)
{
	struct modbus_answer answer;

	modbus_port_ask(bus->port, place->device.timeout_ms, request, &answer);
	judge(bus, place, &answer);
	place->device.done(place->device.self, request, &answer);
}

static void *run(void *context)
{
	struct modbus_bus *bus = context;
	struct modbus_request request;
	int64_t now_ms, due_ms, end_ms = MODBUS_NEVER;
	int at;

	for (;;) {
		now_ms = modbus_clock_ms();
		if (end_ms == MODBUS_NEVER && atomic_load(&bus->stopping))
			end_ms = now_ms + DRAIN_MS;
		if (end_ms != MODBUS_NEVER && (now_ms >= end_ms || !bus->open))
			break;
		if (!bus->open && now_ms < bus->open_ms) {
			sleep_until(bus, now_ms, bus->open_ms);
			continue;
		}
		if (!bus->open) {
			connect_now(bus);
			continue;
		}
		at = choose(bus, now_ms, end_ms != MODBUS_NEVER, &request, &due_ms);
		if (at < 0 && end_ms != MODBUS_NEVER && due_ms == MODBUS_NEVER)
			break;
		if (at < 0) {
			sleep_until(bus, now_ms, due_ms);
			continue;
		}
		bus->turn = (unsigned)at + 1;
		ask(bus, &bus->place[at], &request);
	}
	modbus_port_close(bus->port);
	return NULL;
}

bool modbus_bus_start(struct modbus_bus *bus)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int rc;

	if (bus->started)
		return true;
	if (pthread_attr_init(&attributes) != 0)
		return false;
	rc = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
	if (rc == 0)
		rc = pthread_create(&bus->thread, &attributes, run, bus);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	bus->started = rc == 0;
	if (bus->started)
		pthread_setname_np(bus->thread, "modbus");
	errno = rc;
	return bus->started;
}

bool modbus_bus_stop(struct modbus_bus *bus)
{
	struct timespec until;

	if (!bus->started)
		return true;
	atomic_store(&bus->stopping, true);
	modbus_bus_wake(bus);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOIN_MS / 1000;
	if (pthread_timedjoin_np(bus->thread, NULL, &until) != 0) {
		pthread_detach(bus->thread);
		return false;
	}
	bus->started = false;
	return true;
}
