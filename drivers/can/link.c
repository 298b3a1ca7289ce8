#include "drivers/can/link.h"

#include <errno.h>
#include <linux/can/error.h>
#include <string.h>

static int32_t doubled(int32_t now, int32_t least, int32_t most)
{
	if (now < least)
		return least;
	return now > most / 2 ? most : 2 * now;
}

void can_link_init(struct can_link *link)
{
	memset(link, 0, sizeof *link);
}

bool can_link_open_due(const struct can_link *link, int64_t now_ms)
{
	return !link->open && now_ms >= link->retry_ms;
}

/* The wait between attempts starts anew only when the bus is heard: an interface that comes and
 * goes is not opened ten times a second. */
void can_link_opened(struct can_link *link)
{
	link->open = true;
	link->state = LINK_OK;
	link->bus_off = false;
	link->full_ms = 0;
}

void can_link_lost(struct can_link *link, int64_t now_ms, int error)
{
	if (link->open || link->error != error)
		link->lost++;
	link->open = false;
	link->error = error;
	link->state =
		error == ENODEV || error == ENXIO || error == EAFNOSUPPORT ? LINK_GONE : LINK_OFF;
	link->bus_off = false;
	link->retry_after_ms = doubled(link->retry_after_ms, CAN_RETRY_MIN_MS, CAN_RETRY_MAX_MS);
	link->retry_ms = now_ms + link->retry_after_ms;
}

static void bus_off_begin(struct can_link *link, int64_t now_ms)
{
	if (link->bus_off)
		return;
	if (link->bus_off_ms && now_ms - link->bus_off_ms > CAN_QUIET_FORGET_MS)
		link->quiet_after_ms = 0;
	link->bus_off = true;
	link->bus_offs++;
	link->bus_off_ms = now_ms;
	link->state = LINK_OFF;
	link->quiet_after_ms = doubled(link->quiet_after_ms, CAN_QUIET_MIN_MS, CAN_QUIET_MAX_MS);
	link->quiet_ms = now_ms + link->quiet_after_ms;
}

static void controller_judge(struct can_link *link, uint8_t status)
{
	if (link->bus_off)
		return;
	if (status & (CAN_ERR_CRTL_RX_PASSIVE | CAN_ERR_CRTL_TX_PASSIVE)) {
		if (link->state != LINK_PASSIVE)
			link->passives++;
		link->state = LINK_PASSIVE;
	} else if (status &
		   (CAN_ERR_CRTL_RX_WARNING | CAN_ERR_CRTL_TX_WARNING | CAN_ERR_CRTL_ACTIVE)) {
		link->state = LINK_OK;
	}
}

void can_link_error_frame(struct can_link *link, int64_t now_ms, const struct can_frame *frame)
{
	if (frame->can_id & CAN_ERR_BUSOFF) {
		bus_off_begin(link, now_ms);
		return;
	}
	if (frame->can_id & CAN_ERR_RESTARTED) {
		link->bus_off = false;
		link->state = LINK_OK;
	}
	if (frame->can_id & CAN_ERR_TX_TIMEOUT)
		can_link_send_failed(link, now_ms);
	if ((frame->can_id & CAN_ERR_CRTL) && frame->can_dlc > 1)
		controller_judge(link, frame->data[1]);
}

/* A controller that hears is not off, also where its driver does not announce the restart. */
void can_link_heard(struct can_link *link)
{
	link->retry_after_ms = 0;
	link->error = 0;
	if (link->state != LINK_OFF && link->state != LINK_GONE)
		return;
	link->bus_off = false;
	link->state = LINK_OK;
}

void can_link_send_failed(struct can_link *link, int64_t now_ms)
{
	link->full++;
	link->full_ms = now_ms;
}

void can_link_sent(struct can_link *link, int64_t now_ms)
{
	if (link->full_ms && now_ms - link->full_ms > CAN_FULL_HOLD_MS)
		link->full_ms = 0;
}

bool can_link_may_send(const struct can_link *link, int64_t now_ms)
{
	return link->open && !link->bus_off && now_ms >= link->quiet_ms;
}

bool can_link_tx_full(const struct can_link *link)
{
	return link->full_ms != 0;
}

enum link_state can_link_state(const struct can_link *link, int64_t now_ms)
{
	if (link->open && link->state != LINK_GONE && now_ms < link->quiet_ms)
		return LINK_OFF;
	return link->state;
}
