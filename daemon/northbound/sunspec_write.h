/*
 * What may be written from outside, and what becomes of it: points of 704, 715, 802, 803 and 804 ->
 * commands of one configured source, judged by the core like any other. Nothing is written that the
 * allow-list does not name.
 *
 *	setpoint  704 WSetEna, WSetMod, WSet, WSetPct, WSetRvrt (0 only), WSetEnaRvrt, WSetRvrtTms
 *	operate   715 OpCtl (0 stop, 1 start), 802 SetOp (1 connect: start, 2 disconnect: stop)
 *	packs     803 StrSetEna, 804 SetEna (1 enable, 2 disable)
 *	clear     715 AlarmReset, 802 AlmRst (1: clears the latches of the bank)
 * and with any of them the heartbeats 715 ControllerHb, 802 CtrlHb, which are kept and read back.
 *
 * A setpoint lives for WSetRvrtTms where its reversion is enabled, else for sunspec.hold_s; then it
 * ends at 0 W. WSetEna reads 1 while it lives, and writing 0 there always commands a release. What
 * the core refuses changes nothing: the setpoint before it lives on, and so do its registers.
 */
#ifndef REBANK_NORTHBOUND_SUNSPEC_WRITE_H
#define REBANK_NORTHBOUND_SUNSPEC_WRITE_H

#include "northbound/bucket.h"
#include "northbound/modbus_request.h"
#include "northbound/sunspec_image.h"

enum { SUNSPEC_ASKED = 16 }; /* setpoints whose first answer may be out; the oldest is forgotten */

/* As written; committed when the whole request holds and its command is on its way. */
struct sunspec_settings {
	bool enable, by_percent, reverts;
	double set_w, set_percent;
	uint32_t revert_s, controller_hb;
	uint16_t ctrl_hb;
};

/* A setpoint or release that the core has not answered yet. */
struct sunspec_asked {
	char id[COMMAND_ID_SIZE]; /* "": none */
	struct sunspec_settings before;
};

struct sunspec_writer {
	const struct config *config;
	const char *boot;
	struct sunspec_settings settings;
	struct sunspec_settings staged; /* by the last sunspec_write */
	struct bucket bucket;
	int64_t seq;
	struct sunspec_asked asked[SUNSPEC_ASKED];
	unsigned newest;               /* of asked[] */
	char live_id[COMMAND_ID_SIZE]; /* the setpoint that the core took last */
	bool live;
	int64_t expires_ms; /* monotonic */
};

void sunspec_writer_init(struct sunspec_writer *writer, const struct config *config,
			 const char *boot);

/* Registers `at`.. from the base. On success command->kind is COMMAND_NONE when nothing is to be
 * commanded. Nothing is kept of it until sunspec_commit. */
enum modbus_exception sunspec_write(struct sunspec_writer *writer,
				    const struct sunspec_image *image, unsigned at, unsigned count,
				    const uint16_t *value, int64_t now_ms, int64_t utc_ms,
				    struct command *command);

/* What the last sunspec_write made of the request counts: its command has been handed on. */
void sunspec_commit(struct sunspec_writer *writer, const struct command *command);

/* An answer of the core to one of the writer's commands. */
void sunspec_writer_ack(struct sunspec_writer *writer, const struct ack *ack);

/* Puts what was written into the image. */
void sunspec_writer_show(const struct sunspec_writer *writer, struct sunspec_image *image,
			 int64_t now_ms);

#endif
