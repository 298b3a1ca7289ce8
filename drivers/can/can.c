#include "drivers/can/can.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 32,
	BATCHES_MAX =
		16, /* taken at once from one bus: 1024 frames, a quarter second of a full one */
};

/* What an event of the epoll set is about; its number is (source << 16) | index. */
enum source { SOURCE_TIMER = 0, SOURCE_PAUSE, SOURCE_BUS, SOURCE_CHANNEL };

struct can {
	int epoll_fd, timer_fd, pause_fd;
	int32_t tick_ms, timer_ms;
	int64_t applied_ms; /* last step */
	unsigned n_buses, n_packs;
	struct can_bus *bus;
	struct can_pack *pack;
	unsigned turn; /* pack that sends first, so that none is always last */
	struct can_batch batch;
};

static bool watch(struct can *can, int operation, int fd, uint32_t events, enum source source,
		  unsigned index)
{
	struct epoll_event event = {.events = events, .data.u32 = (uint32_t)source << 16 | index};

	return epoll_ctl(can->epoll_fd, operation, fd, &event) == 0;
}

static struct timespec after_us(int64_t us)
{
	return (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
}

static void timer_set(int fd, int64_t first_us, int64_t period_us)
{
	struct itimerspec when = {after_us(period_us), after_us(first_us)};

	timerfd_settime(fd, 0, &when, NULL);
}

/* A periodic timer that is not read does not go on. */
static void timer_read(int fd)
{
	uint64_t turns;

	if (read(fd, &turns, sizeof turns) < 0)
		return; /* set anew since: it will come again */
}

/* ---- buses ------------------------------------------------------------------------------- */

/* The conversations of packs end with their bus. */
static void channels_close(struct can *can, unsigned b)
{
	for (unsigned i = 0; i < can->n_packs; i++)
		if (can->pack[i].setup.bus == b)
			can_pack_close(&can->pack[i]);
}

static void bus_drop(struct can *can, unsigned b, int64_t now_ms, int error)
{
	if (can->bus[b].fd >= 0)
		can_bus_lost(&can->bus[b], now_ms, error);
	channels_close(can, b);
}

/* 0 or errno. */
static int channels_open(struct can *can, unsigned i)
{
	struct can_pack *pack = &can->pack[i];
	int error = can_pack_open(pack, can->bus[pack->setup.bus].name);

	for (unsigned c = 0; c < WIRE_CHANNEL_MAX && !error; c++)
		if (pack->channel_fd[c] >= 0 &&
		    !watch(can, EPOLL_CTL_ADD, pack->channel_fd[c], EPOLLIN, SOURCE_CHANNEL,
			   i * WIRE_CHANNEL_MAX + c))
			error = errno;
	return error;
}

static void bus_watch(struct can *can, unsigned b, int64_t now_ms, bool channels)
{
	int error = 0;

	if (!watch(can, EPOLL_CTL_ADD, can_bus_ear(&can->bus[b]), EPOLLIN | EPOLLONESHOT,
		   SOURCE_BUS, b))
		error = errno;
	for (unsigned i = 0; i < can->n_packs && !error && channels; i++)
		if (can->pack[i].setup.bus == b)
			error = channels_open(can, i);
	if (error)
		bus_drop(can, b, now_ms, error);
}

static void buses_open(struct can *can, int64_t now_ms)
{
	for (unsigned b = 0; b < can->n_buses; b++)
		if (can_link_open_due(&can->bus[b].link, now_ms) &&
		    can_bus_open(&can->bus[b], now_ms))
			bus_watch(can, b, now_ms, true);
}

static void frame_give(struct can *can, unsigned b, unsigned i, bool *urgent)
{
	for (unsigned k = 0; k < can->n_packs; k++)
		if (can->pack[k].setup.bus == b && !can->pack[k].setup.asleep &&
		    can_pack_hear(&can->pack[k], &can->batch.frame[i], can->batch.at_ms[i],
				  can->batch.from_here[i], urgent))
			return;
}

/* Takes what waits at a bus. */
static void bus_drain(struct can *can, unsigned b, int64_t now_ms, bool *urgent)
{
	struct can_bus *bus = &can->bus[b];
	enum link_state before = can_link_state(&bus->link, now_ms);
	unsigned n = CAN_BATCH;

	for (unsigned batches = 0; batches < BATCHES_MAX && n == CAN_BATCH; batches++) {
		n = can_bus_receive(bus, &can->batch, now_ms);
		for (unsigned i = 0; i < n; i++)
			frame_give(can, b, i, urgent);
	}
	if (bus->fd < 0)
		channels_close(can, b);
	if (can_link_state(&bus->link, now_ms) != before)
		*urgent = true;
}

/* ---- events ------------------------------------------------------------------------------ */

/* Once per event: the watch is off until the pause is over. */
static void on_bus(struct can *can, unsigned b, int64_t now_ms, bool *urgent)
{
	can_bus_hush(&can->bus[b], &can->batch);
	bus_drain(can, b, now_ms, urgent);
	if (can->bus[b].fd < 0)
		return;
	can->bus[b].resting = true;
	timer_set(can->pause_fd, CAN_PAUSE_US, 0);
}

/* Also reads: a frame that came to the bell before it came to us is here now. */
static void on_pause_end(struct can *can, int64_t now_ms, bool *urgent)
{
	for (unsigned b = 0; b < can->n_buses; b++) {
		struct can_bus *bus = &can->bus[b];

		if (!bus->resting)
			continue;
		bus_drain(can, b, now_ms, urgent);
		bus->resting = false;
		if (bus->fd >= 0 && !watch(can, EPOLL_CTL_MOD, can_bus_ear(bus),
					   EPOLLIN | EPOLLONESHOT, SOURCE_BUS, b))
			bus_drop(can, b, now_ms, errno);
	}
}

static void on_channel(struct can *can, unsigned index, int64_t now_ms, bool *urgent)
{
	struct can_pack *pack = &can->pack[index / WIRE_CHANNEL_MAX];
	int error = can_pack_answer(pack, index % WIRE_CHANNEL_MAX, now_ms, urgent);

	if (error && error != EAGAIN)
		bus_drop(can, pack->setup.bus, now_ms, error);
}

/* A step that is long past may come from a control thread that does not think any more. */
static bool is_led(const struct can *can, int64_t now_ms)
{
	return now_ms - can->applied_ms <= CAN_STEPS_MISSED * can->tick_ms;
}

static void on_timer(struct can *can, int64_t now_ms, bool *urgent)
{
	for (unsigned b = 0; b < can->n_buses; b++) {
		bus_drain(can, b, now_ms, urgent);
		can->bus[b].burst = CAN_BURST;
	}
	can->turn = can->n_packs ? (can->turn + 1) % can->n_packs : 0;
	for (unsigned i = 0; i < can->n_packs && is_led(can, now_ms); i++) {
		struct can_pack *pack = &can->pack[(can->turn + i) % can->n_packs];
		unsigned b = pack->setup.bus;
		int error;

		/* Half a period early counts as due: the timer and the clock do not tick together.
		 */
		can_pack_send(pack, &can->bus[b], now_ms, can->timer_ms / 2);
		error = can_link_may_send(&can->bus[b].link, now_ms) ? can_pack_ask(pack, now_ms)
								     : 0;
		if (can->bus[b].fd < 0)
			channels_close(can, b);
		else if (error)
			bus_drop(can, b, now_ms, error);
	}
	buses_open(can, now_ms);
}

static bool can_urgent(void *self, int64_t now_ms)
{
	struct can *can = self;
	struct epoll_event event[EVENTS_MAX];
	int n = epoll_wait(can->epoll_fd, event, EVENTS_MAX, 0);
	bool urgent = false;

	for (int i = 0; i < n; i++) {
		unsigned index = event[i].data.u32 & 0xffff;

		switch ((enum source)(event[i].data.u32 >> 16)) {
		case SOURCE_TIMER:
			timer_read(can->timer_fd);
			on_timer(can, now_ms, &urgent);
			break;
		case SOURCE_PAUSE:
			timer_read(can->pause_fd);
			on_pause_end(can, now_ms, &urgent);
			break;
		case SOURCE_BUS:
			on_bus(can, index, now_ms, &urgent);
			break;
		case SOURCE_CHANNEL:
			on_channel(can, index, now_ms, &urgent);
			break;
		}
	}
	return urgent;
}

/* ---- the driver -------------------------------------------------------------------------- */

static void can_gather(void *self, struct bank_inputs *in)
{
	struct can *can = self;
	bool urgent = false;

	for (unsigned b = 0; b < can->n_buses; b++)
		bus_drain(can, b, in->now_ms, &urgent);
	for (unsigned i = 0; i < can->n_packs; i++)
		can_pack_put(&can->pack[i], &can->bus[can->pack[i].setup.bus], in);
}

static void can_apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	struct can *can = self;

	can->applied_ms = now_ms;
	for (unsigned i = 0; i < can->n_packs; i++)
		can_pack_command(&can->pack[i], &can->bus[can->pack[i].setup.bus], now_ms, out);
}

static bool can_notice(void *self, int64_t now_ms, struct driver_notice *notice)
{
	struct can *can = self;

	for (unsigned b = 0; b < can->n_buses; b++) {
		*notice = (struct driver_notice){.pack = -1};
		if (can_bus_notice(&can->bus[b], now_ms, notice))
			return true;
	}
	for (unsigned i = 0; i < can->n_packs; i++) {
		*notice = (struct driver_notice){.pack = -1};
		if (can_pack_notice(&can->pack[i], now_ms, notice))
			return true;
	}
	return false;
}

static void can_close(void *self)
{
	struct can *can = self;

	for (unsigned i = 0; i < can->n_packs; i++)
		can_pack_close(&can->pack[i]);
	for (unsigned b = 0; b < can->n_buses; b++)
		can_bus_close(&can->bus[b]);
	if (can->epoll_fd >= 0)
		close(can->epoll_fd);
	if (can->timer_fd >= 0)
		close(can->timer_fd);
	if (can->pause_fd >= 0)
		close(can->pause_fd);
	free(can->bus);
	free(can->pack);
	free(can);
}

static bool timers_open(struct can *can)
{
	can->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	can->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	can->pause_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return can->epoll_fd >= 0 && can->timer_fd >= 0 && can->pause_fd >= 0 &&
	       watch(can, EPOLL_CTL_ADD, can->timer_fd, EPOLLIN, SOURCE_TIMER, 0) &&
	       watch(can, EPOLL_CTL_ADD, can->pause_fd, EPOLLIN, SOURCE_PAUSE, 0);
}

static void parts_start(struct can *can, const struct can_setup *setup, int64_t now_ms)
{
	can->n_buses = setup->n_buses;
	can->n_packs = setup->n_packs;
	for (unsigned b = 0; b < can->n_buses; b++)
		can_bus_init(&can->bus[b], setup->bus[b].name);
	for (unsigned i = 0; i < can->n_packs; i++) {
		const struct wire *wire = setup->pack[i].wire;

		can_pack_init(&can->pack[i], &setup->pack[i], &can->bus[setup->pack[i].bus],
			      now_ms);
		for (unsigned s = 0; s < wire->n_sends; s++)
			can->timer_ms = can_cycle_timer_ms(can->timer_ms, wire->send[s].period_ms);
		if (wire->n_requests > 0)
			can->timer_ms = can_cycle_timer_ms(can->timer_ms, CAN_ASK_MS);
	}
	for (unsigned b = 0; b < can->n_buses; b++) {
		can_bell_end(&can->bus[b].bell);
		if (setup->bus[b].fd < 0)
			continue;
		can_bus_adopt(&can->bus[b], setup->bus[b].fd, setup->bus[b].bell_fd);
		bus_watch(can, b, now_ms, false);
	}
	buses_open(can, now_ms);
	timer_set(can->timer_fd, (int64_t)can->timer_ms * 1000, (int64_t)can->timer_ms * 1000);
}

bool can_open(struct driver *driver, const struct can_setup *setup, int64_t now_ms)
{
	struct can *can = calloc(1, sizeof *can);

	if (!can)
		return false;
	can->epoll_fd = can->timer_fd = can->pause_fd = -1;
	can->tick_ms = setup->tick_ms;
	can->timer_ms = CAN_READ_MS;
	can->bus = calloc(setup->n_buses, sizeof *can->bus);
	can->pack = calloc(setup->n_packs, sizeof *can->pack);
	can_batch_init(&can->batch);
	if (!can->bus || !can->pack || !timers_open(can)) {
		can_close(can);
		return false;
	}
	parts_start(can, setup, now_ms);
	*driver = (struct driver){
		.name = "can",
		.self = can,
		.gather = can_gather,
		.apply = can_apply,
		.urgent_fd = can->epoll_fd,
		.urgent = can_urgent,
		.notice = can_notice,
		.close = can_close,
	};
	return true;
}

const struct can_link *can_bus_link(const struct driver *driver, unsigned bus)
{
	const struct can *can = driver->self;

	return &can->bus[bus].link;
}
