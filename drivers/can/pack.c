#include "drivers/can/pack.h"

#include <errno.h>
#include <linux/can.h>
#include <string.h>
#include <unistd.h>

#include "drivers/can/isotp.h"

static bool follows_command(const struct wire *wire, const struct wire_send *send)
{
	for (unsigned i = 0; i < send->n_fields; i++)
		if (wire->field[send->first_field + i].kind == WIRE_FIELD_COMMAND)
			return true;
	return send->when & (WIRE_WHEN_CLOSE | WIRE_WHEN_OPEN);
}

static void ids_want(const struct wire *wire, struct can_bus *bus)
{
	for (unsigned i = 0; i < wire->n_frames; i++)
		can_bus_want(bus, wire->frame[i].id, wire->frame[i].ext);
	/* Ours too: who else sends them is to be known. */
	for (unsigned i = 0; i < wire->n_sends; i++)
		can_bus_want(bus, wire->send[i].id, wire->send[i].ext);
	for (unsigned i = 0; i < wire->n_channels; i++)
		can_bus_want(bus, wire->channel[i].tx_id, wire->channel[i].ext);
}

void can_pack_init(struct can_pack *pack, const struct can_pack_setup *setup, struct can_bus *bus,
		   int64_t now_ms)
{
	const struct wire *wire = setup->wire;

	memset(pack, 0, sizeof *pack);
	pack->setup = *setup;
	pack->started_ms = now_ms;
	wire_start(wire, &pack->state, setup->reversed, &pack->sample, &pack->contacts);
	can_poll_init(&pack->poll);
	for (unsigned i = 0; i < wire->n_requests; i++) {
		const struct wire_request *request = &wire->request[i];
		const struct wire_channel *channel = &wire->channel[request->channel];
		int32_t steps = request->n_steps > 1 ? request->n_steps : 1;

		/* Every step once per period. */
		can_poll_add(&pack->poll, request->message.period_ms / steps, channel->gap_ms,
			     channel->timeout_ms, channel->only_keep_alive);
	}
	for (unsigned i = 0; i < wire->n_sends; i++) {
		pack->cycle[i].period_ms = wire->send[i].period_ms;
		pack->commands[i] = follows_command(wire, &wire->send[i]);
		can_cycle_start(&pack->cycle[i], now_ms, i);
	}
	for (unsigned i = 0; i < WIRE_CHANNEL_MAX; i++)
		pack->channel_fd[i] = -1;
	if (setup->asleep)
		return;
	ids_want(wire, bus);
	can_bus_ring(bus, wire, setup->limit, setup->reversed);
}

int can_pack_open(struct can_pack *pack, const char *interface)
{
	const struct wire *wire = pack->setup.wire;

	can_pack_close(pack);
	for (unsigned i = 0; i < wire->n_channels && !pack->setup.asleep; i++) {
		const struct wire_channel *channel = &wire->channel[i];
		const struct can_isotp_address address = {
			.tx_id = channel->ext ? channel->tx_id | CAN_EFF_FLAG : channel->tx_id,
			.rx_id = channel->ext ? channel->rx_id | CAN_EFF_FLAG : channel->rx_id,
			.extended = channel->has_address,
			.tx_address = channel->tx_address,
			.rx_address = channel->rx_address,
			.block_size = channel->block_size,
			.st_min = channel->st_min_ms,
			.pad = true,
			.pad_byte = channel->pad,
		};
		int error = can_isotp_open(&pack->channel_fd[i], interface, &address);

		if (error) {
			can_pack_close(pack);
			return error;
		}
	}
	return 0;
}

void can_pack_close(struct can_pack *pack)
{
	for (unsigned i = 0; i < WIRE_CHANNEL_MAX; i++) {
		if (pack->channel_fd[i] >= 0)
			close(pack->channel_fd[i]);
		pack->channel_fd[i] = -1;
	}
	pack->poll.outstanding = -1;
}

/* A frame that only we may send. Requests of ours reach the raw socket too, from this machine. */
static bool is_ours(const struct wire *wire, uint32_t id, bool ext, bool from_here)
{
	for (unsigned i = 0; i < wire->n_sends; i++)
		if (wire->send[i].id == id && wire->send[i].ext == ext)
			return true;
	for (unsigned i = 0; i < wire->n_channels && !from_here; i++)
		if (wire->channel[i].tx_id == id && wire->channel[i].ext == ext)
			return true;
	return false;
}

bool can_pack_hear(struct can_pack *pack, const struct can_frame *frame, int64_t at_ms,
		   bool from_here, bool *urgent)
{
	const struct wire *wire = pack->setup.wire;
	bool ext = frame->can_id & CAN_EFF_FLAG;
	uint32_t id = frame->can_id & (ext ? CAN_EFF_MASK : CAN_SFF_MASK);
	enum wire_verdict verdict;

	if (frame->can_id & CAN_RTR_FLAG)
		return false;
	verdict = wire_decode_frame(wire, &pack->state, at_ms, id, ext, frame->data, frame->can_dlc,
				    &pack->sample, &pack->contacts);
	if (verdict == WIRE_TAKEN && wire_urgent(&pack->state, &pack->sample, pack->setup.limit))
		*urgent = true;
	if (verdict == WIRE_FOREIGN) {
		if (!is_ours(wire, id, ext, from_here))
			return false;
		pack->foreign_ms = at_ms;
	}
	return true;
}

static bool is_lost(int error)
{
	return error == ENODEV || error == ENXIO || error == ENETDOWN;
}

/* 7F service 78: the answer follows later. */
static bool is_pending(const uint8_t *data, unsigned n)
{
	return n >= 3 && data[0] == 0x7f && data[2] == 0x78;
}

static void answer_take(struct can_pack *pack, unsigned request, int64_t now_ms,
			const uint8_t *data, unsigned n, bool *urgent)
{
	enum wire_verdict verdict;

	if (is_pending(data, n)) {
		can_poll_pending(&pack->poll, now_ms, CAN_PENDING_MS);
		return;
	}
	verdict = wire_decode_answer(pack->setup.wire, &pack->state, now_ms, request,
				     pack->asked_step, data, n, &pack->sample, &pack->contacts);
	if (verdict == WIRE_TAKEN) {
		can_poll_answered(&pack->poll, now_ms);
		if (wire_urgent(&pack->state, &pack->sample, pack->setup.limit))
			*urgent = true;
	} else if (data[0] == 0x7f) {
		can_poll_failed(&pack->poll, now_ms);
	} /* else: late, of a request before this one; ours may still come */
}

int can_pack_answer(struct can_pack *pack, unsigned channel, int64_t now_ms, bool *urgent)
{
	uint8_t data[WIRE_ANSWER_MAX];
	int request = pack->poll.outstanding;
	bool waited = request >= 0 && pack->setup.wire->request[request].channel == channel;
	unsigned n;
	int error;

	if (pack->channel_fd[channel] < 0)
		return EAGAIN;
	error = can_isotp_receive(pack->channel_fd[channel], data, sizeof data, &n);
	if (error == EAGAIN || is_lost(error))
		return error;
	if (error) { /* it broke off */
		wire_complain(&pack->state, &pack->sample, WIRE_ANSWER_BROKEN,
			      pack->setup.wire->channel[channel].rx_id);
		if (waited)
			can_poll_failed(&pack->poll, now_ms);
	} else if (waited) {
		answer_take(pack, (unsigned)request, now_ms, data, n, urgent);
	}
	return 0;
}

int can_pack_ask(struct can_pack *pack, int64_t now_ms)
{
	const struct wire *wire = pack->setup.wire;
	uint8_t payload[8];
	unsigned n;
	int next = pack->poll.outstanding, error;

	if (can_poll_expire(&pack->poll, now_ms))
		wire_complain(&pack->state, &pack->sample, WIRE_ANSWER_MISSING,
			      wire->channel[wire->request[next].channel].rx_id);
	next = can_poll_due(&pack->poll, now_ms, pack->command.keep_alive);
	if (next < 0 || pack->channel_fd[wire->request[next].channel] < 0)
		return 0;
	pack->asked_step = pack->step[next];
	pack->step[next] =
		(uint16_t)(pack->step[next] + 1 < wire->request[next].n_steps ? pack->step[next] + 1
									      : 0);
	n = wire_request_build(wire, (unsigned)next, pack->asked_step, payload);
	error = can_isotp_send(pack->channel_fd[wire->request[next].channel], payload, n);
	can_poll_sent(&pack->poll, now_ms, next);
	if (error)
		can_poll_failed(&pack->poll, now_ms);
	return is_lost(error) ? error : 0;
}

/* Builds and sends one frame; false: its conditions do not hold, or it did not go out, and then it
 * counts as not built. */
static bool frame_send(struct can_pack *pack, struct can_bus *bus, unsigned index, int64_t now_ms)
{
	const struct wire_send *send = &pack->setup.wire->send[index];
	struct can_frame frame = {.can_id = send->ext ? send->id | CAN_EFF_FLAG : send->id,
				  .can_dlc = send->length};
	uint32_t sent = pack->sending.sent[send->stream];
	bool said = pack->sending.commands_close;

	pack->command.closed = pack->contacts.feedback[POLE_POSITIVE] == CONTACT_CLOSED;
	pack->command.uptime_ms = now_ms - pack->started_ms;
	pack->command.utc_ms = pack->utc_ahead_ms ? now_ms + pack->utc_ahead_ms : 0;
	if (!wire_build_frame(pack->setup.wire, index, &pack->sending, &pack->command, frame.data))
		return false;
	if (!can_bus_send(bus, now_ms, &frame)) {
		pack->sending.sent[send->stream] = sent;
		pack->sending.commands_close = said;
		return false;
	}
	/* Of a pack that closes because frames come, they are the command. */
	if (send->when & WIRE_WHEN_CLOSE)
		pack->close_said = true;
	return true;
}

void can_pack_send(struct can_pack *pack, struct can_bus *bus, int64_t now_ms, int32_t slack_ms)
{
	if (pack->setup.asleep)
		return;
	for (unsigned i = 0; i < pack->setup.wire->n_sends && bus->burst > 0; i++)
		if (can_cycle_due(&pack->cycle[i], now_ms + slack_ms))
			frame_send(pack, bus, i, now_ms);
}

/* The last "open" goes out although keep-alive ends with it. */
static void open_say(struct can_pack *pack, struct can_bus *bus, int64_t now_ms, bool awake)
{
	bool permitted = pack->command.keep_alive;

	pack->command.keep_alive = permitted || awake;
	for (unsigned i = 0; i < pack->setup.wire->n_sends; i++)
		if (pack->commands[i] && frame_send(pack, bus, i, now_ms))
			can_cycle_restart(&pack->cycle[i], now_ms);
	pack->command.keep_alive = permitted;
}

void can_pack_command(struct can_pack *pack, struct can_bus *bus, int64_t now_ms,
		      const struct bank_outputs *out)
{
	const struct pack_output *mine = &out->pack[pack->setup.pack];
	bool closed = pack->command.close, awake = pack->command.keep_alive;

	pack->command.keep_alive = mine->keep_alive;
	pack->command.close = mine->coil[POLE_POSITIVE];
	pack->command.bus_known = out->bus_known;
	pack->command.bus_v = out->bus_v;
	if (!pack->command.close)
		pack->close_said = false;
	if (closed && !pack->command.close && !pack->setup.asleep)
		open_say(pack, bus, now_ms, awake);
}

bool can_pack_notice(struct can_pack *pack, int64_t now_ms, struct driver_notice *notice)
{
	notice->pack = (int)pack->setup.pack;
	return tell_wire_due(&pack->tell, now_ms, &pack->state, notice);
}

void can_pack_put(struct can_pack *pack, const struct can_bus *bus, struct bank_inputs *in)
{
	struct pack_sample *sample = &in->pack[pack->setup.pack];

	pack->utc_ahead_ms = in->clock_synced ? in->utc_ms - in->now_ms : 0;
	wire_forget(pack->setup.wire, &pack->state, in->now_ms, &pack->sample);
	*sample = pack->sample;
	sample->link = pack->setup.asleep ? LINK_GONE : can_link_state(&bus->link, in->now_ms);
	sample->link_tx_full = pack->setup.wire->n_sends > 0 && can_link_tx_full(&bus->link);
	sample->link_foreign_tx =
		pack->foreign_ms && in->now_ms - pack->foreign_ms < CAN_FOREIGN_HOLD_MS;
	if (!pack->setup.wire->by_frames)
		return;
	pack->contacts.readback[POLE_POSITIVE] =
		pack->sending.commands_close || pack->close_said ? CONTACT_CLOSED : CONTACT_OPEN;
	in->contacts[pack->setup.pack] = pack->contacts;
}
