/*
 * Points of a SunSpec model as it was read: scale factors applied, "not implemented" turned into
 * NaN. Offsets count from the model's ID register, as in the SunSpec model definitions.
 */
#ifndef REBANK_DRIVERS_PCS_SUNSPEC_POINT_H
#define REBANK_DRIVERS_PCS_SUNSPEC_POINT_H

#include <stdbool.h>
#include <stdint.h>

enum { SUNSPEC_BLOCK_MAX = 125 };

struct sunspec_block {
	uint16_t id;
	uint16_t address; /* of the ID register; 0 with n = 0: the device has no such model */
	uint16_t n; /* registers that are read: ID and L included, at most SUNSPEC_BLOCK_MAX */
	int64_t stamp_ms; /* when it was read; 0: not yet */
	uint16_t value[SUNSPEC_BLOCK_MAX];
};

enum sunspec_type {
	SUNSPEC_U16 = 0, /* also enum16, count and bitfield16 */
	SUNSPEC_S16,
	SUNSPEC_U32, /* also bitfield32 */
	SUNSPEC_S32,
	SUNSPEC_ACC32, /* 0: not implemented */
	SUNSPEC_U64,
	SUNSPEC_ACC64,
	SUNSPEC_F32,
	SUNSPEC_F64,
};

enum { SUNSPEC_NO_SF = 0 };

struct sunspec_point {
	uint8_t at, sf; /* offsets; sf SUNSPEC_NO_SF: none */
	enum sunspec_type type;
};

/* NaN: not implemented, or neither the block nor its scale factor reaches that far. */
double sunspec_value(const struct sunspec_block *block, struct sunspec_point point);
/* 10^sf; NaN: not implemented, or outside -10..10. */
double sunspec_scale(const struct sunspec_block *block, unsigned at);
/* An enumeration or bit field; `without` when not implemented. */
uint32_t sunspec_code(const struct sunspec_block *block, struct sunspec_point point,
		      uint32_t without);

#endif
