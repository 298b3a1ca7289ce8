#include "drivers/can/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void can_bus_init(struct can_bus *bus, const char *name)
{
	memset(bus, 0, sizeof *bus);
	snprintf(bus->name, sizeof bus->name, "%s", name);
	bus->fd = bus->bell_fd = -1;
	can_link_init(&bus->link);
	can_bell_begin(&bus->bell);
}

static void filter_add(struct can_filter *filter, unsigned *n, uint32_t id, bool ext)
{
	canid_t wanted = ext ? id | CAN_EFF_FLAG : id;
	canid_t mask = (ext ? CAN_EFF_MASK : CAN_SFF_MASK) | CAN_EFF_FLAG | CAN_RTR_FLAG;

	for (unsigned i = 0; i < *n; i++)
		if (filter[i].can_id == wanted || filter[i].can_mask == 0)
			return;
	if (*n == CAN_FILTERS_MAX) {
		filter[0] = (struct can_filter){0, 0};
		*n = 1;
		return;
	}
	filter[(*n)++] = (struct can_filter){wanted, mask};
}

void can_bus_want(struct can_bus *bus, uint32_t id, bool ext)
{
	filter_add(bus->filter, &bus->n_filters, id, ext);
}

void can_bus_ring(struct can_bus *bus, const struct wire *wire, const struct pack_limits *limit,
		  bool reversed)
{
	for (unsigned i = 0; i < wire->n_frames; i++)
		if (can_bell_frame(&bus->bell, wire, i, limit, reversed))
			filter_add(bus->bell_filter, &bus->n_bell_filters, wire->frame[i].id,
				   wire->frame[i].ext);
}

int can_bus_ear(const struct can_bus *bus)
{
	return bus->bell_fd >= 0 ? bus->bell_fd : bus->fd;
}

void can_bus_hush(struct can_bus *bus, struct can_batch *batch)
{
	uint32_t odd = 0;
	unsigned n;

	/* Its errors are those of the other socket, which is read next. */
	if (bus->bell_fd >= 0)
		(void)can_raw_receive(bus->bell_fd, batch, 0, &n, &odd);
}

/* Before the other socket: of two that want a frame the kernel serves the newer one first, so the
 * frame is there when the bell rings. Without a bell everything wakes. */
static void bell_open(struct can_bus *bus)
{
	if (bus->n_bell_filters == 0 ||
	    can_raw_open(&bus->bell_fd, bus->name, bus->bell_filter, bus->n_bell_filters) != 0)
		return;
	if (can_raw_ring_for(bus->bell_fd, bus->bell.code, bus->bell.n) == 0)
		return;
	close(bus->bell_fd);
	bus->bell_fd = -1;
}

bool can_bus_open(struct can_bus *bus, int64_t now_ms)
{
	int error;

	bell_open(bus);
	error = can_raw_open(&bus->fd, bus->name, bus->filter, bus->n_filters);
	if (error)
		can_bus_lost(bus, now_ms, error);
	else
		can_link_opened(&bus->link);
	return !error;
}

void can_bus_adopt(struct can_bus *bus, int fd, int bell_fd)
{
	bus->fd = fd;
	bus->bell_fd = bell_fd;
	if (bell_fd >= 0)
		can_raw_ring_for(bell_fd, bus->bell.code, bus->bell.n);
	can_link_opened(&bus->link);
}

void can_bus_lost(struct can_bus *bus, int64_t now_ms, int error)
{
	can_bus_close(bus);
	can_link_lost(&bus->link, now_ms, error);
}

void can_bus_close(struct can_bus *bus)
{
	if (bus->fd >= 0)
		close(bus->fd);
	if (bus->bell_fd >= 0)
		close(bus->bell_fd);
	bus->fd = bus->bell_fd = -1;
	bus->resting = false;
}

/* Moves the frames of data to the front. */
static unsigned errors_take(struct can_bus *bus, struct can_batch *batch, unsigned n,
			    int64_t now_ms)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (batch->frame[i].can_id & CAN_ERR_FLAG) {
			can_link_error_frame(&bus->link, now_ms, &batch->frame[i]);
			continue;
		}
		can_link_heard(&bus->link);
		if (kept != i) {
			batch->frame[kept] = batch->frame[i];
			batch->at_ms[kept] = batch->at_ms[i];
			batch->real_us[kept] = batch->real_us[i];
			batch->from_here[kept] = batch->from_here[i];
		}
		kept++;
	}
	return kept;
}

unsigned can_bus_receive(struct can_bus *bus, struct can_batch *batch, int64_t now_ms)
{
	unsigned n;
	int error;

	if (bus->fd < 0)
		return 0;
	error = can_raw_receive(bus->fd, batch, now_ms, &n, &bus->odd);
	if (error == EAGAIN || error == EINTR)
		return 0;
	if (error) {
		can_bus_lost(bus, now_ms, error);
		return 0;
	}
	return errors_take(bus, batch, n, now_ms);
}

bool can_bus_send(struct can_bus *bus, int64_t now_ms, const struct can_frame *frame)
{
	int error;

	if (bus->fd < 0 || !can_link_may_send(&bus->link, now_ms))
		return false;
	if (bus->burst > 0)
		bus->burst--;
	error = can_raw_send(bus->fd, frame);
	if (!error)
		can_link_sent(&bus->link, now_ms);
	else if (error == ENETDOWN || error == ENODEV || error == ENXIO)
		can_bus_lost(bus, now_ms, error);
	else
		can_link_send_failed(&bus->link, now_ms);
	return !error;
}

bool can_bus_notice(struct can_bus *bus, int64_t now_ms, struct driver_notice *notice)
{
	struct {
		struct tell *tell;
		uint32_t count;
		const char *text;
	} kind[] = {
		{&bus->tell.passive, bus->link.passives,
		 "error-passive: still talking, but many frames fail: look at wiring, termination "
		 "and bit rate"},
		{&bus->tell.off, bus->link.bus_offs,
		 "bus-off: too many frames failed: look at wiring, termination and bit rate"},
		{&bus->tell.full, bus->link.full,
		 "frames did not go out: nobody acknowledges, or the bus is full"},
		{&bus->tell.odd, bus->odd, "frames that are not classic CAN"},
	};

	snprintf(notice->place, sizeof notice->place, "%s", bus->name);
	for (unsigned i = 0; i < sizeof kind / sizeof kind[0]; i++) {
		notice->text = kind[i].text;
		if (tell_due(kind[i].tell, now_ms, kind[i].count, notice))
			return true;
	}
	return false;
}
