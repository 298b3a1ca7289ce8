/* Hexadecimal digits, as packs and their logs are written down. */
#ifndef REBANK_CONFIG_HEX_H
#define REBANK_CONFIG_HEX_H

/* 0..15; -1: no such digit. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

#endif
