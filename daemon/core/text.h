/* Fixed-size strings without the C library's str*: the core may only call mem*. */
#ifndef REBANK_CORE_TEXT_H
#define REBANK_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* True when both read the same up to their NUL, or through `size` without one. */
static inline bool text_equal(const char *a, const char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (a[i] != b[i])
			return false;
		if (a[i] == '\0')
			return true;
	}
	return true;
}

/* Copies up to size - 1 characters and pads with NULs, so that copies compare with memcmp. */
static inline void text_copy(char *to, const char *from, size_t size)
{
	size_t i = 0;

	for (; i + 1 < size && from[i] != '\0'; i++)
		to[i] = from[i];
	for (; i < size; i++)
		to[i] = '\0';
}

#endif
