/* Token bucket: `rate` messages per second sustained, twice that at once. */
#ifndef REBANK_NORTHBOUND_BUCKET_H
#define REBANK_NORTHBOUND_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	double tokens;
	int64_t at_ms; /* 0: never used, full */
};

/* Takes a token when there is one. rate_per_s 0: always. */
static inline bool bucket_take(struct bucket *bucket, double rate_per_s, int64_t now_ms)
{
	double burst = 2.0 * rate_per_s > 1.0 ? 2.0 * rate_per_s : 1.0;
	double gained = (double)(now_ms - bucket->at_ms) * rate_per_s / 1000.0;

	if (!(rate_per_s > 0.0))
		return true;
	bucket->tokens = bucket->at_ms == 0 || bucket->tokens + gained > burst
				 ? burst
				 : bucket->tokens + gained;
	bucket->at_ms = now_ms;
	if (bucket->tokens < 1.0)
		return false;
	bucket->tokens -= 1.0;
	return true;
}

/* Milliseconds until the next token. */
static inline int64_t bucket_wait_ms(const struct bucket *bucket, double rate_per_s)
{
	double missing = 1.0 - bucket->tokens;

	return missing > 0.0 && rate_per_s > 0.0 ? (int64_t)(1000.0 * missing / rate_per_s) + 1 : 0;
}

#endif
