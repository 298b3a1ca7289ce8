#include "ctl/candump.h"

#include <ctype.h>
#include <string.h>

#include "config/hex.h"

/* "(seconds.micros)"; more or fewer digits of the fraction are taken for what they are. */
static const char *stamp_parse(const char *at, int64_t *us)
{
	int64_t seconds = 0, micros = 0, weight = 100000;
	const char *digits = at + 1;

	if (*at != '(' || !isdigit((unsigned char)*digits))
		return NULL;
	for (at = digits; isdigit((unsigned char)*at); at++) {
		if (at - digits >= 12)
			return NULL;
		seconds = 10 * seconds + (*at - '0');
	}
	if (*at == '.')
		for (at++; isdigit((unsigned char)*at); at++, weight /= 10)
			micros += weight * (*at - '0');
	*us = 1000000 * seconds + micros;
	return *at == ')' ? at + 1 : NULL;
}

static const char *blanks_skip(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

static const char *bus_parse(const char *at, char *bus)
{
	size_t n = strcspn(at, " \t\r\n");

	if (n == 0 || n >= CANDUMP_BUS_SIZE)
		return NULL;
	memcpy(bus, at, n);
	bus[n] = '\0';
	return at + n;
}

static const char *id_parse(const char *at, struct candump_frame *frame)
{
	const char *start = at;

	frame->id = 0;
	for (; hex_digit(*at) >= 0; at++) {
		if (at - start >= 8)
			return NULL;
		frame->id = frame->id << 4 | (uint32_t)hex_digit(*at);
	}
	frame->ext = at - start == 8;
	if (at - start != 3 && !frame->ext)
		return NULL;
	return *at == '#' ? at + 1 : NULL;
}

static const char *data_parse(const char *at, struct candump_frame *frame)
{
	frame->length = 0;
	while (hex_digit(*at) >= 0) {
		int low = hex_digit(at[1]);

		if (low < 0 || frame->length == sizeof(frame->data))
			return NULL;
		frame->data[frame->length++] = (uint8_t)(hex_digit(*at) << 4 | low);
		at += 2;
		if (*at == '.')
			at++;
	}
	return at;
}

enum candump_line candump_parse(const char *line, struct candump_frame *frame)
{
	const char *at = blanks_skip(line);

	memset(frame, 0, sizeof(*frame));
	if (*at == '\0' || *at == '\n' || *at == '\r' || *at == '#')
		return CANDUMP_OTHER;
	at = stamp_parse(at, &frame->us);
	if (!at || !(at = bus_parse(blanks_skip(at), frame->bus)) ||
	    !(at = id_parse(blanks_skip(at), frame)))
		return CANDUMP_BROKEN;
	if (*at == 'R' || *at == '#')
		return CANDUMP_OTHER;
	if (frame->ext && frame->id > 0x1fffffff) /* an error frame: the flag is part of the id */
		return CANDUMP_OTHER;
	if (!frame->ext && frame->id > 0x7ff)
		return CANDUMP_BROKEN;
	at = data_parse(at, frame);
	if (!at)
		return CANDUMP_BROKEN;
	at = blanks_skip(at);
	if (*at == 'R' || *at == 'T') /* received, transmitted */
		at = blanks_skip(at + 1);
	return *at == '\0' || *at == '\n' || *at == '\r' ? CANDUMP_FRAME : CANDUMP_BROKEN;
}
