#include "store/build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/crc32.h"

/* The Makefile passes a digest; a build without one counts as different from every other. */
#ifndef REBANK_BUILD
#define REBANK_BUILD __DATE__ " " __TIME__
#endif

static uint32_t libm_fingerprint(void)
{
	uint32_t crc = 0;

	for (int i = 1; i <= 400; i++) {
		/* Not known at compile time, so that libm answers and not the compiler. */
		volatile double x = i * 0.0173;
		double answer[] = {exp(-x),     log(x),  pow(x, 1.7), tanh(x - 3.0),
				   sin(10 * x), sqrt(x), cbrt(x),     expm1(x / 100)};

		crc = crc32_add(crc, answer, sizeof answer);
	}
	return crc;
}

void build_id(char id[BUILD_ID_SIZE])
{
	memset(id, 0, BUILD_ID_SIZE);
	snprintf(id, BUILD_ID_SIZE, "%s %.32s libm-%08x", REBANK_VERSION, REBANK_BUILD,
		 (unsigned)libm_fingerprint());
}
