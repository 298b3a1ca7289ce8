/*
 * What a full CAN bus costs and how long a tripping frame takes to become a command:
 *   bench_can [INTERFACE]   on a (virtual) CAN interface; without one, on a pair of sockets
 *
 * The control thread is that of the daemon as far as CAN is concerned: sd-event, the driver, a
 * 100 ms tick of gather, bank_step and apply. One pack of i3-like frames; the bus carries 4 000
 * frames a second, all of them for us. Beside it the floor: a thread that reads and answers, no
 * more.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "drivers/can/can.h"
#include "tests/fixture.h"

enum {
	TICK_US = 100000,
	FULL_PER_S = 4000,
	LOAD_S = 10,
	TRIALS = 2000,
	TRIP_ID = 0x112,
	TEMPS_ID = 0x1fa,
	COOL = 72, /* 22 C */
	HOT = 250,
	COMMAND_ID = 0x10b,
	FLOOR_TRIP_ID = 0x7f1,
	FLOOR_COMMAND_ID = 0x7f2,
	CLOSE = 1,
	QUIET_US = 3000, /* the bell's pause is over */
	SPREAD_US = 20000,
};

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

/* ---- a pack like an i3 ------------------------------------------------------------------- */

static struct wire_signal *signal_add(struct wire *wire, enum wire_target target, uint16_t first,
				      uint8_t bytes, double scale, double offset)
{
	struct wire_signal *signal = &wire->signal[wire->n_signals++];

	*signal = (struct wire_signal){
		.target = target,
		.bits = {.first = first, .bytes = bytes, .length = (uint8_t)(8 * bytes)},
		.scale = scale,
		.offset = offset,
		.low = -1e9,
		.high = 1e9,
		.count = 1,
		.n_invalid = 1,
		.invalid = {0xffff}};
	return signal;
}

static void frame_add(struct wire *wire, uint32_t id, int32_t period_ms, unsigned n_signals)
{
	wire->frame[wire->n_frames++] = (struct wire_frame){
		.id = id,
		.message = {.first_signal = (uint16_t)(wire->n_signals - n_signals),
			    .n_signals = (uint16_t)n_signals,
			    .length_min = 8,
			    .period_ms = period_ms}};
}

static void wire_describe(struct wire *wire)
{
	wire->current_sign = -1.0;
	wire->by_frames = true;
	wire->n_generations = wire->fits = 1;
	wire->groups = WIRE_ELECTRICAL | WIRE_LINK | WIRE_TEMPS | WIRE_BMS;
	signal_add(wire, WIRE_TO_CURRENT_A, 0, 2, 0.1, -819.2);
	signal_add(wire, WIRE_TO_PACK_V, 2, 2, 0.1, 0.0);
	signal_add(wire, WIRE_TO_LINK_V, 7, 1, 4.0, 0.0);
	frame_add(wire, TRIP_ID, 0, 3);
	wire->frame[0].electrical = true;
	signal_add(wire, WIRE_TO_TEMP_MIN_C, 6, 1, 1.0, -50.0);
	signal_add(wire, WIRE_TO_TEMP_MAX_C, 7, 1, 1.0, -50.0);
	frame_add(wire, TEMPS_ID, 0, 2);
	for (unsigned i = 0; i < 10; i++) {
		signal_add(wire, WIRE_TO_INFO, 0, 2, 0.1, 0.0)->index = (uint16_t)i;
		frame_add(wire, 0x2f0 + i, 0, 1);
	}
	wire->n_info = 10;
	wire_index(wire);
	wire->n_sends = 1;
	wire->n_fields = 2;
	wire->send[0] = (struct wire_send){.id = COMMAND_ID,
					   .length = 3,
					   .period_ms = 20,
					   .when = WIRE_WHEN_KEEP_ALIVE,
					   .n_fields = 2};
	wire->field[0] = (struct wire_field){.kind = WIRE_FIELD_COUNTER,
					     .bits = {.first = 0, .bytes = 1, .length = 8},
					     .modulo = 15};
	wire->field[1] = (struct wire_field){.kind = WIRE_FIELD_COMMAND,
					     .bits = {.first = 1, .bytes = 1, .length = 8},
					     .value = {0, CLOSE}};
}

static struct can_frame pack_frame(uint32_t id, double discharge_a)
{
	unsigned current = (unsigned)((819.2 - discharge_a) * 10.0 + 0.5);
	struct can_frame frame = {.can_id = id, .can_dlc = 8};

	frame.data[0] = (uint8_t)current;
	frame.data[1] = (uint8_t)(current >> 8);
	frame.data[2] = 3700 & 0xff;
	frame.data[3] = 3700 >> 8;
	frame.data[6] = frame.data[7] = COOL;
	return frame;
}

/* ---- the bus ----------------------------------------------------------------------------- */

/* The other end: what the pack and the bystanders send goes in, commands come out. */
static int end_open(const char *interface, const struct can_filter *filter, unsigned n)
{
	int fd, error = can_raw_open(&fd, interface, filter, n);

	if (error) {
		fprintf(stderr, "bench_can: %s: %s\n", interface, strerror(error));
		exit(1);
	}
	return fd;
}

/* The rest of the bus: `end`, and on pairs of sockets `bell`, for what a kernel with CAN delivers
 * to both sockets of the driver. */
struct rest {
	int end, bell; /* bell -1: a real interface */
};

static int pair_make(int *other)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) != 0)
		exit(1);
	*other = pair[1];
	return pair[0];
}

/* The data first, as the kernel serves the newer socket first. */
static void frame_put(const struct rest *rest, const struct can_frame *frame)
{
	while (send(rest->end, frame, sizeof *frame, MSG_DONTWAIT) != (ssize_t)sizeof *frame &&
	       (errno == EAGAIN || errno == ENOBUFS))
		nanosleep(&(struct timespec){0, 50000}, NULL);
	if (rest->bell >= 0)
		send(rest->bell, frame, sizeof *frame, MSG_DONTWAIT); /* or its filter drops it */
}

/* As the control thread of the daemon, where permitted; the floor gets it too. The pack that trips
 * and waits for the command comes next: of normal priority it would measure how long it waits
 * itself. */
enum { CONTROL_PRIORITY = 20, PACK_PRIORITY = 10, NORMAL = 0 };

static void hurry(int priority)
{
	pthread_setschedparam(pthread_self(), priority == NORMAL ? SCHED_OTHER : SCHED_FIFO,
			      &(struct sched_param){.sched_priority = priority});
}

/* ---- the control thread ------------------------------------------------------------------ */

struct control {
	struct driver driver;
	struct site site;
	struct bank bank;
	struct bank_inputs in;
	struct bank_outputs out;
	sd_event *event;
	uint64_t next_us;
	uint64_t steps, urgent;
	pthread_t thread;
};

/* The bank's own judgement costs its time; the command is decided by the sign of the current alone,
 * so that every trial is one. */
static void step(struct control *control, bool tick)
{
	struct bank_inputs *in = &control->in;
	struct bank_outputs *out = &control->out;

	in->now_ms = now_ms();
	in->tick = tick;
	control->driver.gather(control->driver.self, in);
	bank_step(&control->bank, in, out);
	out->pack[0].keep_alive = true;
	out->pack[0].coil[POLE_POSITIVE] = in->pack[0].current_a < 0.0;
	control->driver.apply(control->driver.self, in->now_ms, out);
	control->steps++;
}

static int on_tick(sd_event_source *source, uint64_t due_us, void *context)
{
	struct control *control = context;

	step(control, true);
	return sd_event_source_set_time(source, due_us + TICK_US);
}

static int on_driver(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct control *control = context;

	(void)source;
	(void)fd;
	(void)events;
	if (control->driver.urgent(control->driver.self, now_ms())) {
		control->urgent++;
		step(control, false);
	}
	return 0;
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)fd;
	(void)events;
	(void)context;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void *control_run(void *context)
{
	struct control *control = context;

	hurry(CONTROL_PRIORITY);
	sd_event_loop(control->event);
	return NULL;
}

static void control_start(struct control *control, const struct can_setup *setup, int end_fd)
{
	sd_event_source *timer = NULL;
	uint64_t at_us;

	fixture_inputs(&control->in, now_ms());
	bank_init(&control->bank, &control->site, NULL);
	if (!can_open(&control->driver, setup, now_ms()) || sd_event_new(&control->event) < 0)
		exit(1);
	sd_event_now(control->event, CLOCK_MONOTONIC, &at_us);
	if (sd_event_add_time(control->event, &timer, CLOCK_MONOTONIC, at_us, 1, on_tick, control) <
		    0 ||
	    sd_event_source_set_enabled(timer, SD_EVENT_ON) < 0 ||
	    sd_event_add_io(control->event, NULL, control->driver.urgent_fd, EPOLLIN, on_driver,
			    control) < 0 ||
	    sd_event_add_io(control->event, NULL, end_fd, EPOLLIN, on_end, control) < 0)
		exit(1);
	pthread_create(&control->thread, NULL, control_run, control);
}

static double cpu_s(pthread_t thread)
{
	clockid_t clock;

	pthread_getcpuclockid(thread, &clock);
	return (double)now_ns(clock) / 1e9;
}

/* ---- load and trials --------------------------------------------------------------------- */

struct load {
	const char *interface; /* NULL: sockets */
	struct rest rest;
	atomic_bool stop;
	uint64_t frames;
};

static void *load_run(void *context)
{
	struct load *load = context;
	int64_t next_ns = now_ns(CLOCK_MONOTONIC);

	hurry(NORMAL);
	while (!atomic_load(&load->stop)) {
		struct can_frame frame = pack_frame(0x2f0 + (uint32_t)(load->frames % 10), 0.0);

		frame_put(&load->rest, &frame);
		load->frames++;
		next_ns += 1000000000 / FULL_PER_S;
		if (next_ns > now_ns(CLOCK_MONOTONIC))
			clock_nanosleep(
				CLOCK_MONOTONIC, TIMER_ABSTIME,
				&(struct timespec){next_ns / 1000000000, next_ns % 1000000000},
				NULL);
	}
	return NULL;
}

/* The bare loop: reads a frame, answers it. */
static void *floor_run(void *context)
{
	const struct can_frame answer = {.can_id = FLOOR_COMMAND_ID, .can_dlc = 3};
	int fd = *(int *)context;
	struct can_frame frame;

	hurry(CONTROL_PRIORITY);
	while (recv(fd, &frame, sizeof frame, 0) == (ssize_t)sizeof frame &&
	       frame.can_id == FLOOR_TRIP_ID)
		send(fd, &answer, sizeof answer, 0);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Waits for a command frame of that kind; false after a second. */
static bool command_await(int end, uint32_t id, uint8_t kind)
{
	int64_t until_ns = now_ns(CLOCK_MONOTONIC) + 1000000000;
	struct can_frame frame;

	while (now_ns(CLOCK_MONOTONIC) < until_ns)
		if (recv(end, &frame, sizeof frame, 0) == (ssize_t)sizeof frame &&
		    frame.can_id == id && frame.data[1] == kind)
			return true;
	return false;
}

/* A tripping frame, and how long its command takes to be there. */
static int64_t trip(const struct rest *rest, const struct can_frame *frame, uint32_t id,
		    uint8_t kind)
{
	int64_t before_ns;

	while (recv(rest->end, &(struct can_frame){0}, sizeof *frame, MSG_DONTWAIT) > 0)
		;
	before_ns = now_ns(CLOCK_MONOTONIC);
	frame_put(rest, frame);
	if (!command_await(rest->end, id, kind)) {
		fprintf(stderr, "bench_can: no answer 0x%x within a second\n", id);
		exit(3);
	}
	return now_ns(CLOCK_MONOTONIC) - before_ns;
}

struct times {
	int64_t took_ns[TRIALS];
};

static double us_of(const struct times *times, unsigned nth)
{
	return (double)times->took_ns[nth] / 1e3;
}

/* Calm again, and closed: heat rings, so that this does not wait for a tick and trips come at any
 * moment of one. */
static void close_again(const struct rest *rest)
{
	const struct can_frame calm = pack_frame(TRIP_ID, -10.0);
	struct can_frame warmth = pack_frame(TEMPS_ID, 0.0);

	frame_put(rest, &calm);
	warmth.data[6] = warmth.data[7] = HOT;
	trip(rest, &warmth, COMMAND_ID, CLOSE);
	warmth.data[6] = warmth.data[7] = COOL;
	frame_put(rest, &warmth);
}

/* The bare loop has its turn right after each trip: both meet the same machine. */
static void trials(const struct rest *rest, const struct rest *floor, struct times *rebank,
		   struct times *bare)
{
	const struct can_frame over_current = pack_frame(TRIP_ID, 300.0);
	const struct can_frame floor_trip = pack_frame(FLOOR_TRIP_ID, 0.0);
	unsigned seed = 1;

	hurry(PACK_PRIORITY);
	for (unsigned i = 0; i < TRIALS; i++) {
		close_again(rest);
		usleep(QUIET_US + (unsigned)rand_r(&seed) % SPREAD_US);
		rebank->took_ns[i] = trip(rest, &over_current, COMMAND_ID, 0);
		usleep(QUIET_US);
		bare->took_ns[i] = trip(floor, &floor_trip, FLOOR_COMMAND_ID, 0);
	}
	qsort(rebank->took_ns, TRIALS, sizeof *rebank->took_ns, by_size);
	qsort(bare->took_ns, TRIALS, sizeof *bare->took_ns, by_size);
}

static void blocking_set(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static void patience_set(int fd)
{
	blocking_set(fd);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){1, 0}, sizeof(struct timeval));
}

static int listener_open(const char *interface, uint32_t id)
{
	const struct can_filter only = {id, CAN_SFF_MASK | CAN_EFF_FLAG};

	return end_open(interface, &only, 1);
}

/* The other ends of the driver and of the bare loop. */
static void ends_open(const char *interface, struct can_setup *setup, struct rest *rest,
		      struct rest *floor, int *floor_fd)
{
	setup->bus[0].fd = setup->bus[0].bell_fd = rest->bell = floor->bell = -1;
	if (interface) {
		rest->end = listener_open(interface, COMMAND_ID);
		floor->end = listener_open(interface, FLOOR_COMMAND_ID);
		*floor_fd = listener_open(interface, FLOOR_TRIP_ID);
	} else {
		setup->bus[0].fd = pair_make(&rest->end);
		setup->bus[0].bell_fd = pair_make(&rest->bell);
		*floor_fd = pair_make(&floor->end);
	}
	patience_set(rest->end);
	patience_set(floor->end);
	blocking_set(*floor_fd);
}

static void costs_print(const char *interface, uint64_t frames, double full_s, double idle_s)
{
	printf("CAN on %s: a full bus (target: <= 1 %% of a core beside an idle one)\n",
	       interface ? interface : "a pair of sockets");
	printf("  frames  %.0f /s\n", (double)frames / LOAD_S);
	printf("  cpu     %.2f %% of one core, idle %.2f %%, the bus %.2f %%\n",
	       100.0 * full_s / LOAD_S, 100.0 * idle_s / LOAD_S,
	       100.0 * (full_s - idle_s) / LOAD_S);
}

static void times_print(const struct times *rebank, const struct times *bare)
{
	const unsigned p50 = TRIALS / 2, p999 = TRIALS - TRIALS / 1000 - 1;

	printf("tripping frame -> command, on the full bus, %u trials (target: p99.9 <= 2 ms above "
	       "the bare loop)\n",
	       TRIALS);
	printf("  rebank     median %7.0f us  p99.9 %7.0f us\n", us_of(rebank, p50),
	       us_of(rebank, p999));
	printf("  bare loop  median %7.0f us  p99.9 %7.0f us\n", us_of(bare, p50),
	       us_of(bare, p999));
	printf("  above it   median %7.0f us  p99.9 %7.0f us\n",
	       us_of(rebank, p50) - us_of(bare, p50), us_of(rebank, p999) - us_of(bare, p999));
}

static void costs_measure(const struct control *control, struct load *load, pthread_t *loader)
{
	double idle_s = cpu_s(control->thread), full_s;
	uint64_t frames;

	sleep(LOAD_S);
	idle_s = cpu_s(control->thread) - idle_s;
	full_s = cpu_s(control->thread);
	pthread_create(loader, NULL, load_run, load);
	sleep(LOAD_S);
	frames = load->frames;
	full_s = cpu_s(control->thread) - full_s;
	costs_print(load->interface, frames, full_s, idle_s);
}

int main(int argc, char **argv)
{
	static struct control control;
	static struct wire wire;
	static struct can_setup setup;
	static struct times rebank, bare;
	struct load load = {.interface = argc > 1 ? argv[1] : NULL};
	struct rest floor_rest;
	pthread_t loader, floor;
	int end[2], floor_fd;

	wire_describe(&wire);
	if (pipe(end) != 0)
		return 1;
	setup.tick_ms = TICK_US / 1000;
	setup.n_buses = setup.n_packs = 1;
	snprintf(setup.bus[0].name, sizeof setup.bus[0].name, "%s",
		 load.interface ? load.interface : "pair");
	ends_open(load.interface, &setup, &load.rest, &floor_rest, &floor_fd);
	fixture_site(&control.site, 1);
	setup.pack[0].wire = &wire;
	setup.pack[0].limit = &control.site.pack[0].limit;
	control_start(&control, &setup, end[0]);
	pthread_create(&floor, NULL, floor_run, &floor_fd);

	costs_measure(&control, &load, &loader);
	trials(&load.rest, &floor_rest, &rebank, &bare);
	times_print(&rebank, &bare);

	atomic_store(&load.stop, true);
	pthread_join(loader, NULL);
	if (write(end[1], "", 1) != 1)
		return 1;
	pthread_join(control.thread, NULL);
	control.driver.close(control.driver.self);
	close(floor_fd);
	return 0;
}
