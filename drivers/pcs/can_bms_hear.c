/* What inverters send to their battery: keep-alives, SMA's measurements, requests. */
#include <math.h>
#include <string.h>

#include "drivers/pcs/can_bms_wire.h"

void can_bms_hear_init(struct can_bms_heard *heard)
{
	memset(heard, 0, sizeof *heard);
	heard->v = heard->a = (double)NAN;
}

static int16_t word_at(const struct can_frame *frame, unsigned at, bool big_endian)
{
	unsigned low = frame->data[at + (big_endian ? 1 : 0)];
	unsigned high = frame->data[at + (big_endian ? 0 : 1)];

	return (int16_t)(uint16_t)(high << 8 | low);
}

/* SMA: its own measurement of the battery, + discharge. Others send zeros to be heard at all. */
static void hear_305(struct can_bms_heard *heard, const struct can_bms_setup *setup,
		     const struct can_frame *frame, int64_t at_ms)
{
	if (setup->dialect != CAN_BMS_SMA)
		return;
	if (frame->can_dlc < 8) {
		heard->odd++;
		return;
	}
	heard->v = 0.1 * word_at(frame, 0, setup->quirk.big_endian);
	heard->a = 0.1 * word_at(frame, 2, setup->quirk.big_endian);
	heard->measured_ms = at_ms;
}

/* SMA: bytes 4 and 5 are the number of its active message. */
static void hear_306(struct can_bms_heard *heard, const struct can_bms_setup *setup,
		     const struct can_frame *frame, int64_t at_ms)
{
	if (setup->dialect != CAN_BMS_SMA)
		return;
	if (frame->can_dlc < 8) {
		heard->odd++;
		return;
	}
	heard->error = (uint16_t)word_at(frame, 4, setup->quirk.big_endian);
	heard->error_ms = at_ms;
}

static bool is_ours(const struct can_bms_setup *setup, uint32_t id)
{
	for (enum can_bms_id i = CAN_BMS_351; i < CAN_BMS_IDS; i++)
		if ((setup->frames >> i & 1) && can_bms_id_of(i) == id)
			return true;
	return false;
}

static void hear_short(struct can_bms_heard *heard, const struct can_bms_setup *setup,
		       const struct can_frame *frame, int64_t at_ms)
{
	uint32_t id = frame->can_id & CAN_SFF_MASK;

	if (id == CAN_BMS_KEEP_ALIVE)
		hear_305(heard, setup, frame, at_ms);
	else if (id == 0x306)
		hear_306(heard, setup, frame, at_ms);
	if (id == CAN_BMS_KEEP_ALIVE || id == 0x306 || id == 0x307)
		heard->alive_ms = at_ms;
	else if (is_ours(setup, id))
		heard->foreign_ms = at_ms;
}

static void hear_long(struct can_bms_heard *heard, const struct can_bms_setup *setup,
		      const struct can_frame *frame, int64_t at_ms)
{
	uint32_t id = frame->can_id & CAN_EFF_MASK;

	if (id == 0x4210u + setup->address || id == 0x4220u + setup->address) {
		heard->foreign_ms = at_ms;
		return;
	}
	if (id != 0x4200 && id != 0x4200u + setup->address)
		return;
	if (frame->can_dlc < 1) {
		heard->odd++;
		return;
	}
	heard->alive_ms = at_ms;
	if (frame->data[0] == 2)
		heard->requests |= CAN_BMS_ASKS_INFO;
	else if (frame->data[0] == 0)
		heard->requests |= CAN_BMS_ASKS_DATA;
}

void can_bms_hear(struct can_bms_heard *heard, const struct can_bms_setup *setup,
		  const struct can_frame *frame, int64_t at_ms)
{
	bool is_long = (frame->can_id & CAN_EFF_FLAG) != 0;

	if (frame->can_id & (CAN_ERR_FLAG | CAN_RTR_FLAG))
		return;
	if (is_long && setup->dialect == CAN_BMS_PYLONTECH_HV)
		hear_long(heard, setup, frame, at_ms);
	else if (!is_long && setup->dialect != CAN_BMS_PYLONTECH_HV)
		hear_short(heard, setup, frame, at_ms);
}
