#include "drivers/modbus/address.h"

#include <stdlib.h>
#include <string.h>

/* UNIT_ITSELF: the device at the address, not one behind it. */
enum { PORT_STANDARD = 502, UNIT_MAX = 247, UNIT_ITSELF = 255 };

/* A decimal number that ends at `end`; -1: none, or beyond `max`. */
static long number(const char *text, const char *end, long max)
{
	long value = 0;

	if (text == end)
		return -1;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

static bool text_copy(char *to, const char *from, size_t n)
{
	if (n == 0 || n >= MODBUS_HOST_SIZE)
		return false;
	memcpy(to, from, n);
	to[n] = '\0';
	return true;
}

static const char *tcp_parse(struct modbus_address *address, const char *text)
{
	const char *host = text, *end, *slash;
	long value;

	address->tcp = true;
	address->port = PORT_STANDARD;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end)
			return "has a [ without ]";
		text = end + 1;
	} else {
		end = host + strcspn(host, ":/");
		text = end;
	}
	if (!text_copy(address->host, host, (size_t)(end - host)))
		return "names no host, or too long a one";
	slash = text + strcspn(text, "/");
	if (*text == ':') {
		value = number(text + 1, slash, UINT16_MAX);
		if (value < 1)
			return "has no port of 1 to 65535 after the colon";
		address->port = (uint16_t)value;
	} else if (text != slash) {
		return "must go on with :port or /unit after the host";
	}
	if (*slash == '\0')
		return NULL;
	value = number(slash + 1, slash + strlen(slash), UNIT_ITSELF);
	if (value < 0 || (value > UNIT_MAX && value != UNIT_ITSELF))
		return "has no unit of 0 to 247, or 255, after the slash";
	address->unit = (int)value;
	return NULL;
}

static bool is(const char *text, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - text) == n && memcmp(text, word, n) == 0;
}

static const char *rtu_option(struct modbus_address *address, const char *name, const char *end)
{
	const char *value = memchr(name, '=', (size_t)(end - name));
	long n;

	if (!value)
		return "has an option without =";
	n = number(value + 1, end, 4000000);
	if (is(name, value, "baud")) {
		if (n < 300)
			return "has no baud of 300 to 4000000";
		address->baud = (int)n;
	} else if (is(name, value, "stop")) {
		if (n != 1 && n != 2)
			return "has a stop that is neither 1 nor 2";
		address->stop_bits = (int)n;
	} else if (is(name, value, "unit")) {
		if (n < 1 || n > UNIT_MAX)
			return "has no unit of 1 to 247";
		address->unit = (int)n;
	} else if (is(name, value, "parity")) {
		address->parity = is(value + 1, end, "none")   ? 'N'
				  : is(value + 1, end, "even") ? 'E'
				  : is(value + 1, end, "odd")  ? 'O'
							       : '\0';
		if (address->parity == '\0')
			return "has a parity that is not none, even or odd";
	} else {
		return "has an option that is not baud, parity, stop or unit";
	}
	return NULL;
}

static const char *rtu_parse(struct modbus_address *address, const char *text)
{
	size_t path = strcspn(text, "?");
	const char *wrong = NULL;

	address->baud = 9600;
	address->parity = 'N';
	address->stop_bits = 1;
	if (text[0] != '/' || path < 2 || !text_copy(address->host, text, path))
		return "names no serial line: rtu:///dev/ttyUSB0";
	text += path;
	while (*text != '\0' && !wrong) {
		size_t n = strcspn(text + 1, "&");

		wrong = rtu_option(address, text + 1, text + 1 + n);
		text += 1 + n;
	}
	return wrong;
}

bool modbus_address_is(const char *text)
{
	return strncmp(text, "tcp://", 6) == 0 || strncmp(text, "rtu://", 6) == 0;
}

const char *modbus_address_parse(struct modbus_address *address, const char *text)
{
	memset(address, 0, sizeof *address);
	address->unit = MODBUS_UNIT_NONE;
	if (strncmp(text, "tcp://", 6) == 0)
		return tcp_parse(address, text + 6);
	if (strncmp(text, "rtu://", 6) == 0)
		return rtu_parse(address, text + 6);
	return "must begin with tcp:// or rtu://";
}

bool modbus_address_shares_bus(const struct modbus_address *a, const struct modbus_address *b)
{
	return a->tcp == b->tcp && strcmp(a->host, b->host) == 0 && a->port == b->port;
}
