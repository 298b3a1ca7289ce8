/* One signal of a message being read: the parts of its setting. Each says its mistakes. */
#ifndef REBANK_CONFIG_WIRE_SIGNAL_H
#define REBANK_CONFIG_WIRE_SIGNAL_H

#include "config/wire.h"

struct wire_reading {
	struct wire_reader *reader;
	const struct wire_place *place;
	const config_setting_t *setting;
	const char *where;
	struct wire_signal *signal;
};

/* What it is: `to`. Sets the bounds of what is possible. */
void wire_signal_target(const struct wire_reading *reading);
/* Where its value stands: one of bits, register, coil, ascii. */
void wire_signal_bits(const struct wire_reading *reading);
/* When it is there: page, when, unless, unknown_when, generations. */
void wire_signal_gates(const struct wire_reading *reading);
/* What its value means: scale, offset, valid, and codes. After the target and the bits. */
void wire_signal_meaning(const struct wire_reading *reading);

#endif
