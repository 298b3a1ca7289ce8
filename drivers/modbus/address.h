/*
 * Where a Modbus device is:
 *   tcp://HOST[:PORT][/UNIT]                                  port 502
 *   rtu:///dev/TTY[?baud=9600&parity=none&stop=1&unit=N]      8 data bits; parity none, even or odd
 */
#ifndef REBANK_DRIVERS_MODBUS_ADDRESS_H
#define REBANK_DRIVERS_MODBUS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { MODBUS_HOST_SIZE = 96, MODBUS_UNIT_NONE = -1 };

struct modbus_address {
	bool tcp;
	char host[MODBUS_HOST_SIZE]; /* of rtu: the path of the line */
	uint16_t port;
	int baud, stop_bits;
	char parity; /* 'N', 'E', 'O' */
	int unit;    /* 0..247, 255 on tcp, 1..247 on rtu; MODBUS_UNIT_NONE: not given */
};

/* NULL, or what is wrong with the text ("names no host"). */
const char *modbus_address_parse(struct modbus_address *address, const char *text);
/* True for texts that mean to be such an address, right or wrong. */
bool modbus_address_is(const char *text);
/* The same wire: one worker must speak to both. */
bool modbus_address_shares_bus(const struct modbus_address *a, const struct modbus_address *b);

#endif
