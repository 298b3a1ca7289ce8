#include "northbound/modbus_request.h"

#include <string.h>

/* Transaction, protocol, length, unit; then function and data. */
enum { HEADER = 7, PDU_MAX = MODBUS_ADU_MAX - HEADER };
enum { READ_HOLDING = 3, READ_INPUT = 4, WRITE_ONE = 6, WRITE_MANY = 16 };

static uint16_t word_at(const uint8_t *data)
{
	return (uint16_t)((unsigned)data[0] << 8 | data[1]);
}

static void put_word(uint8_t *data, uint16_t word)
{
	data[0] = (uint8_t)(word >> 8);
	data[1] = (uint8_t)(word & 0xff);
}

int modbus_request_length(const uint8_t *data, size_t n)
{
	unsigned length;

	if (n < 6)
		return 0;
	length = word_at(data + 4); /* unit, function and data */
	if (word_at(data + 2) != 0 || length < 2 || length > 1 + PDU_MAX)
		return -1;
	return n >= 6 + length ? (int)(6 + length) : 0;
}

/* Header of an answer with `pdu` bytes of function and data. */
static size_t finish(const uint8_t *request, size_t pdu, uint8_t *answer)
{
	memcpy(answer, request, 4);
	put_word(answer + 4, (uint16_t)(pdu + 1));
	answer[6] = request[6];
	return HEADER + pdu;
}

size_t modbus_request_refuse(const uint8_t *request, enum modbus_exception exception,
			     uint8_t answer[MODBUS_ADU_MAX])
{
	answer[HEADER] = request[HEADER] | 0x80;
	answer[HEADER + 1] = (uint8_t)exception;
	return finish(request, 2, answer);
}

static size_t answer_read(const uint8_t *request, const struct modbus_access *access,
			  uint8_t *answer)
{
	uint16_t value[MODBUS_READ_MOST];
	uint16_t address = word_at(request + HEADER + 1), count = word_at(request + HEADER + 3);
	enum modbus_exception refused;

	if (count < 1 || count > MODBUS_READ_MOST)
		return modbus_request_refuse(request, EXCEPTION_VALUE, answer);
	if (address + count > 65536)
		return modbus_request_refuse(request, EXCEPTION_ADDRESS, answer);
	refused = access->read(access->context, address, count, value);
	if (refused != EXCEPTION_NONE)
		return modbus_request_refuse(request, refused, answer);
	answer[HEADER] = request[HEADER];
	answer[HEADER + 1] = (uint8_t)(2 * count);
	for (unsigned i = 0; i < count; i++)
		put_word(answer + HEADER + 2 + 2 * i, value[i]);
	return finish(request, 2 + 2u * count, answer);
}

static size_t answer_write(const uint8_t *request, size_t n, const struct modbus_access *access,
			   uint8_t *answer)
{
	uint16_t value[MODBUS_WRITE_MOST];
	bool one = request[HEADER] == WRITE_ONE;
	uint16_t address = word_at(request + HEADER + 1);
	unsigned count = one ? 1 : word_at(request + HEADER + 3);
	const uint8_t *data = request + HEADER + (one ? 3 : 6);
	enum modbus_exception refused;

	if (!one && (count < 1 || count > MODBUS_WRITE_MOST || n < HEADER + 6 + 2 * count ||
		     request[HEADER + 5] != 2 * count))
		return modbus_request_refuse(request, EXCEPTION_VALUE, answer);
	if (address + count > 65536)
		return modbus_request_refuse(request, EXCEPTION_ADDRESS, answer);
	for (unsigned i = 0; i < count; i++)
		value[i] = word_at(data + 2 * i);
	refused = access->write(access->context, address, (uint16_t)count, value);
	if (refused != EXCEPTION_NONE)
		return modbus_request_refuse(request, refused, answer);
	memcpy(answer + HEADER, request + HEADER, 5);
	return finish(request, 5, answer);
}

size_t modbus_request_answer(const uint8_t *request, size_t n, uint8_t unit,
			     const struct modbus_access *access, uint8_t answer[MODBUS_ADU_MAX])
{
	uint8_t function = request[HEADER];

	if (request[6] != unit)
		return modbus_request_refuse(request, EXCEPTION_UNIT, answer);
	if (function != READ_HOLDING && function != READ_INPUT &&
	    (!access->write || (function != WRITE_ONE && function != WRITE_MANY)))
		return modbus_request_refuse(request, EXCEPTION_FUNCTION, answer);
	if (n < HEADER + 5)
		return modbus_request_refuse(request, EXCEPTION_VALUE, answer);
	if (function == READ_HOLDING || function == READ_INPUT)
		return answer_read(request, access, answer);
	return answer_write(request, n, access, answer);
}
