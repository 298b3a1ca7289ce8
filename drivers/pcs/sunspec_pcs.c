/*
 * A SunSpec converter on its bus. Found (walk), read once (names, ratings, what steers it), then
 * served: the command of the control thread is written when it changes and before its timer ends
 * (orders), the measurements are read in turn (blocks). When the device restarted or was changed,
 * it is found out about again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "drivers/pcs/sunspec_blocks.h"
#include "drivers/pcs/sunspec_orders.h"

enum {
	SILENT_MAX = 4,       /* requests without an answer, then it is looked for again */
	AGAIN_FIRST_MS = 500, /* between two attempts to find it */
	AGAIN_LAST_MS = 5000,
	HEART_STOPPED_MS = 3500, /* its heartbeat counts every second */
	LOOK_MS = 100,           /* a command may have grown old in silence */
};

enum job { JOB_NONE = 0, JOB_WALK, JOB_READ, JOB_WRITE };

struct sunspec_pcs {
	struct pcs_setup setup;
	struct pcs_link link;
	struct pcs_status status;

	struct sunspec_walk walk;
	bool served;      /* found, and every block was read once */
	int64_t again_ms; /* the walk starts then */
	int32_t again_wait_ms;
	unsigned silent;

	struct sunspec_blocks blocks;
	struct sunspec_orders orders;
	enum job job;

	uint32_t heart; /* of the device */
	int64_t heart_ms;
	bool heart_beats; /* it was seen to move */
};

static void publish(struct sunspec_pcs *pcs)
{
	cell_put(pcs->link.status, &pcs->status);
}

static void trouble(struct sunspec_pcs *pcs, const char *text)
{
	snprintf(pcs->status.trouble, sizeof pcs->status.trouble, "%s", text);
	publish(pcs);
}

/* Everything that was known is in doubt. */
static void start_over(struct sunspec_pcs *pcs, int64_t at_ms)
{
	pcs->served = pcs->heart_beats = false;
	pcs->job = JOB_NONE;
	pcs->silent = 0;
	pcs->again_ms = at_ms;
	pcs->status.sample.dead_man_proven = false;
	pcs->status.traits.dead_man_ms = 0;
	sunspec_walk_start(&pcs->walk);
	sunspec_blocks_forget(&pcs->blocks);
	sunspec_orders_doubt(&pcs->orders);
	publish(pcs);
}

static void look_again(struct sunspec_pcs *pcs, int64_t now_ms, const char *why)
{
	start_over(pcs, now_ms + pcs->again_wait_ms);
	pcs->again_wait_ms =
		2 * pcs->again_wait_ms > AGAIN_LAST_MS ? AGAIN_LAST_MS : 2 * pcs->again_wait_ms;
	trouble(pcs, why);
}

/* ---- what is asked next ------------------------------------------------------------------- */

static bool write_due(struct sunspec_pcs *pcs, int64_t now_ms, struct modbus_request *request)
{
	struct pcs_command command;

	if (!pcs->served || pcs->setup.look_only || sunspec_blocks_reading(&pcs->blocks))
		return false;
	command = pcs_link_command(&pcs->link, now_ms);
	return sunspec_orders_next(&pcs->orders, &command, &pcs->status, pcs->blocks.block, now_ms,
				   request);
}

static int64_t next(void *self, int64_t now_ms, struct modbus_request *request)
{
	struct sunspec_pcs *pcs = self;
	int64_t due_ms;

	if (pcs->walk.state == SUNSPEC_WALKING) {
		if (now_ms < pcs->again_ms)
			return pcs->again_ms;
		pcs->job = JOB_WALK;
		sunspec_walk_next(&pcs->walk, request);
		return pcs->again_ms;
	}
	if (write_due(pcs, now_ms, request)) {
		pcs->job = JOB_WRITE;
		return MODBUS_URGENT;
	}
	due_ms = sunspec_blocks_next(&pcs->blocks, now_ms, request);
	if (due_ms > now_ms)
		return due_ms < now_ms + LOOK_MS ? due_ms : now_ms + LOOK_MS;
	pcs->job = JOB_READ;
	return due_ms;
}

/* ---- what came back ------------------------------------------------------------------------ */

static void walk_over(struct sunspec_pcs *pcs, int64_t now_ms)
{
	const struct sunspec_block *block = pcs->blocks.block;

	pcs->status.walks++;
	pcs->status.n_models = pcs->walk.n;
	for (unsigned m = 0; m < pcs->walk.n; m++)
		pcs->status.model_at[m] = (struct pcs_model){pcs->walk.model[m].id,
							     pcs->walk.model[m].address,
							     pcs->walk.model[m].length};
	sunspec_blocks_find(&pcs->blocks, &pcs->walk, now_ms);
	if (!block[SLOT_MEASURE].n && !block[SLOT_INVERTER].n && !block[SLOT_FLOAT].n)
		look_again(pcs, now_ms,
			   "a SunSpec device, but no inverter: none of the models "
			   "101..103, 111..113, 701");
}

static void walk_done(struct sunspec_pcs *pcs, const struct modbus_answer *answer)
{
	sunspec_walk_done(&pcs->walk, answer);
	switch (pcs->walk.state) {
	case SUNSPEC_FOUND:
		walk_over(pcs, answer->arrived_ms);
		break;
	case SUNSPEC_NOT:
		look_again(pcs, answer->arrived_ms,
			   "answers, but is no SunSpec device (no "
			   "\"SunS\" at 40000, 0 or 50000)");
		break;
	case SUNSPEC_NOBODY:
		look_again(pcs, answer->arrived_ms, "does not answer");
		break;
	case SUNSPEC_WALKING:
		break;
	}
}

/* All blocks are there: how is it steered. Nothing is sent before. */
static void serve(struct sunspec_pcs *pcs, int64_t now_ms)
{
	if (!sunspec_blocks_complete(&pcs->blocks))
		return;
	pcs->served = true;
	pcs->again_wait_ms = AGAIN_FIRST_MS;
	pcs->status.trouble[0] = '\0';
	sunspec_names(pcs->blocks.block, &pcs->status);
	sunspec_orders_begin(&pcs->orders, pcs->blocks.block, pcs->setup.dead_man_ms,
			     &pcs->status.traits);
	if (!sunspec_orders_steer(&pcs->orders))
		trouble(pcs,
			"cannot be steered: neither 704 with WSet or WSetPct, nor 124, nor 123");
	pcs->blocks.due_ms[SLOT_CONTROL] = now_ms;
}

/* Its heartbeat stopped: what it says is from before. */
static bool heart_stopped(struct sunspec_pcs *pcs, int64_t now_ms)
{
	const struct sunspec_block *operate = &pcs->blocks.block[SLOT_OPERATE];
	const struct sunspec_block *battery = &pcs->blocks.block[SLOT_BATTERY];
	const struct sunspec_point of_715 = {.at = 3, .type = SUNSPEC_U32};
	const struct sunspec_point of_802 = {.at = 18, .type = SUNSPEC_U16};
	uint32_t heart = sunspec_code(operate, of_715, sunspec_code(battery, of_802, 0));

	if (heart != pcs->heart) {
		pcs->heart_beats = pcs->heart_ms != 0;
		pcs->heart = heart;
		pcs->heart_ms = now_ms;
	}
	return pcs->heart_beats && now_ms - pcs->heart_ms > HEART_STOPPED_MS;
}

/* One sample per round of the measurements, as old as the oldest of them. */
static void sample_take(struct sunspec_pcs *pcs, int64_t now_ms)
{
	int64_t oldest_ms = sunspec_blocks_oldest_ms(&pcs->blocks, now_ms);

	if (!pcs->served || oldest_ms <= pcs->status.sample.stamp_ms)
		return;
	if (heart_stopped(pcs, now_ms)) {
		trouble(pcs, "its heartbeat stopped: readings are not taken");
		return;
	}
	if (sunspec_orders_steer(&pcs->orders))
		pcs->status.trouble[0] = '\0';
	sunspec_sample(pcs->blocks.block, pcs->setup.dc_inverted, &pcs->status.sample);
	sunspec_stored(pcs->blocks.block, &pcs->status);
	pcs_bound_sample(&pcs->status);
	pcs->status.sample.stamp_ms = oldest_ms;
	publish(pcs);
}

static void read_back(struct sunspec_pcs *pcs)
{
	bool proven = sunspec_orders_read_back(&pcs->orders, pcs->blocks.block);

	pcs->status.sample.dead_man_proven = proven;
	pcs->status.traits.dead_man_ms = proven ? (int32_t)pcs->orders.control.timer_s * 1000 : 0;
}

static void block_take(struct sunspec_pcs *pcs, unsigned slot, int64_t now_ms)
{
	if (!pcs->served)
		serve(pcs, now_ms);
	/* Only what carries the setpoint: the others were read before or after it. */
	if (slot == sunspec_control_slot(&pcs->orders.control))
		read_back(pcs);
	if (sunspec_slot_measures(slot))
		sample_take(pcs, now_ms);
}

static void block_refuse(struct sunspec_pcs *pcs, unsigned slot, int64_t now_ms)
{
	if (!pcs->served) {
		pcs->blocks.block[slot].n = 0; /* listed, but not to be had */
		serve(pcs, now_ms);
		return;
	}
	start_over(pcs, now_ms + AGAIN_FIRST_MS);
	trouble(pcs, "refuses what it gave before: looked for again");
}

static void read_done(struct sunspec_pcs *pcs, const struct modbus_request *request,
		      const struct modbus_answer *answer)
{
	int64_t now_ms = answer->arrived_ms;

	switch (sunspec_blocks_done(&pcs->blocks, request, answer)) {
	case BLOCKS_TAKEN:
		block_take(pcs, pcs->blocks.slot, now_ms);
		break;
	case BLOCKS_MOVED:
		start_over(pcs, now_ms);
		trouble(pcs, "its models are not where they were: looked for again");
		break;
	case BLOCKS_REFUSED:
		block_refuse(pcs, pcs->blocks.slot, now_ms);
		break;
	case BLOCKS_NOTHING:
		break;
	}
}

static void write_done(struct sunspec_pcs *pcs, const struct modbus_answer *answer)
{
	bool first = !pcs->orders.sent_valid;

	switch (sunspec_orders_done(&pcs->orders, answer)) {
	case ORDERS_SETPOINT_TAKEN:
		/* What was read back is from before: look again soon when it is the first. */
		if (first)
			pcs->blocks.due_ms[sunspec_control_slot(&pcs->orders.control)] =
				answer->arrived_ms;
		pcs->status.commands++;
		pcs->status.command_ms = answer->arrived_ms;
		publish(pcs);
		break;
	case ORDERS_SETPOINT_REFUSED:
		trouble(pcs, "refuses its setpoint");
		break;
	case ORDERS_RUN_REFUSED:
		trouble(pcs, "refuses to be started or stopped");
		break;
	case ORDERS_NOTHING:
		break;
	}
}

static void done(void *self, const struct modbus_request *request,
		 const struct modbus_answer *answer)
{
	struct sunspec_pcs *pcs = self;
	bool silent = answer->result != MODBUS_ANSWERED && answer->result != MODBUS_REFUSED;

	switch (pcs->job) {
	case JOB_WALK:
		walk_done(pcs, answer);
		return;
	case JOB_READ:
		read_done(pcs, request, answer);
		break;
	case JOB_WRITE:
		write_done(pcs, answer);
		break;
	case JOB_NONE:
		break;
	}
	pcs->silent = silent ? pcs->silent + 1 : 0;
	if (pcs->silent >= SILENT_MAX)
		look_again(pcs, answer->arrived_ms, "does not answer any more");
}

static void connected(void *self, int64_t now_ms)
{
	start_over(self, now_ms);
}

/* ---- the kind ------------------------------------------------------------------------------ */

static void *make(const struct pcs_setup *setup, const struct pcs_link *link)
{
	struct sunspec_pcs *pcs = calloc(1, sizeof *pcs);

	if (!pcs)
		return NULL;
	pcs->setup = *setup;
	pcs->link = *link;
	pcs->again_wait_ms = AGAIN_FIRST_MS;
	pcs->blocks.poll_ms = setup->poll_ms;
	start_over(pcs, 0);
	trouble(pcs, "not connected");
	return pcs;
}

const struct pcs_kind pcs_sunspec = {
	.name = "sunspec",
	.make = make,
	.device = {.next = next, .done = done, .connected = connected},
	.free = free,
};
