#include "ctl/isotp_log.h"

#include <string.h>

static bool append(struct isotp_log *log, const uint8_t *data, unsigned length)
{
	unsigned rest = log->length - log->have;

	if (length > rest)
		length = rest; /* the rest pads the frame */
	memcpy(log->data + log->have, data, length);
	log->have += length;
	return log->have == log->length;
}

bool isotp_log_take(struct isotp_log *log, const uint8_t *data, unsigned length)
{
	if (length < 2)
		return false;
	switch (data[0] >> 4) {
	case 0: /* single frame */
		log->length = data[0] & 0xf;
		log->have = 0;
		if (log->length == 0 || log->length > length - 1) {
			log->length = 0;
			return false;
		}
		append(log, data + 1, length - 1);
		log->length = 0;
		return true;
	case 1: /* first frame */
		log->length = (data[0] & 0xfu) << 8 | data[1];
		log->have = 0;
		log->next = 1;
		if (log->length <= length - 2)
			log->length = 0;
		else
			append(log, data + 2, length - 2);
		return false;
	case 2: /* consecutive frame: the number wraps from 15 to 0 */
		if (log->length == 0 || (data[0] & 0xf) != log->next) {
			log->length = 0;
			return false;
		}
		log->next = (log->next + 1) & 0xf;
		if (!append(log, data + 1, length - 1))
			return false;
		log->length = 0;
		return true;
	default: /* flow control is the other side's */
		return false;
	}
}
