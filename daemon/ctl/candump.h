/*
 * One line of a candump log, `(1700000000.000300) can0 12F#0923861CF1313000`, as `candump -L`,
 * `rebankctl record` and many others write it. Extended ids have 8 digits. Reads untrusted text.
 */
#ifndef REBANK_CTL_CANDUMP_H
#define REBANK_CTL_CANDUMP_H

#include <stdbool.h>
#include <stdint.h>

enum { CANDUMP_BUS_SIZE = 16 };

struct candump_frame {
	int64_t us; /* of its stamp, as written */
	char bus[CANDUMP_BUS_SIZE];
	uint32_t id;
	bool ext;
	uint8_t length;
	uint8_t data[8];
};

enum candump_line {
	CANDUMP_FRAME = 0,
	CANDUMP_OTHER,  /* blank, a comment, a remote, error or CAN FD frame */
	CANDUMP_BROKEN, /* not a line of such a log */
};

enum candump_line candump_parse(const char *line, struct candump_frame *frame);

#endif
