/* The kinds of messages in a wire description; parts of wire_read. */
#ifndef REBANK_CONFIG_WIRE_MESSAGE_H
#define REBANK_CONFIG_WIRE_MESSAGE_H

#include "config/wire.h"

void wire_frames(struct wire_reader *reader, const config_setting_t *can, const char *where);
void wire_requests(struct wire_reader *reader, const config_setting_t *can, const char *where);
void wire_blocks(struct wire_reader *reader, const config_setting_t *modbus, const char *where);

/* A CAN id; false: absent or wrong (then said). */
bool wire_id_read(struct wire_reader *reader, const config_setting_t *in, const char *where,
		  const char *key, bool ext, uint32_t *id);

#endif
