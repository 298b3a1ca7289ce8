/*
 * The bank as SunSpec registers: which model stands where, what kind each register is, and numbers
 * put into them. Layouts are those of the SunSpec Alliance's model definitions
 * (github.com/sunspec/models). What is unknown or does not fit is "not implemented", never 0.
 *
 * The chain: 1, 701, 702, 704, 713, 715, 802, 803 (a string per pack), 804 per pack (one module).
 */
#ifndef REBANK_NORTHBOUND_SUNSPEC_IMAGE_H
#define REBANK_NORTHBOUND_SUNSPEC_IMAGE_H

#include "config/config.h"

enum {
	SUNSPEC_BASE = 40000,
	SUNSPEC_STRING_SIZE = 32, /* registers of one string of 803 */
	SUNSPEC_REGISTERS_MAX = 2 + 68 + 155 + 52 + 67 + 9 + 9 + 64 +
				(28 + SUNSPEC_STRING_SIZE * PACK_MAX) + 64 * PACK_MAX + 2,
};

/* Scale factors, powers of ten; chosen once so that the largest value of this bank fits. */
struct sunspec_scale {
	int w, wh, ah, v, a, cell_v, percent, temperature;
};

struct sunspec_image {
	unsigned n; /* registers from SUNSPEC_BASE on */
	/* first register (its ID) of each model, from the base */
	unsigned common, measurement, capacity, controls, storage, control, battery, bank;
	unsigned string[PACK_MAX]; /* 804 of each pack */
	unsigned n_packs;
	struct sunspec_scale scale;
	uint16_t value[SUNSPEC_REGISTERS_MAX];
	char kind[SUNSPEC_REGISTERS_MAX]; /* of a point, at its first register; 0 inside */
};

/* Lays out the chain and fills what never changes. */
void sunspec_image_init(struct sunspec_image *image, const struct config *config);

/* `value` in its own unit at the point at register `at`, in steps of 10^sf. */
void sunspec_put(struct sunspec_image *image, unsigned at, double value, int sf);
void sunspec_put_bits(struct sunspec_image *image, unsigned at, uint32_t bits);
void sunspec_put_text(struct sunspec_image *image, unsigned at, unsigned registers,
		      const char *text);

#endif
