#include <math.h>
#include <string.h>

#include "core/rainflow.h"

static struct rainflow_cycle cycle_between(double a, double b, double count)
{
	return (struct rainflow_cycle){.range = fabs(a - b), .mean = (a + b) / 2.0, .count = count};
}

static void drop(struct rainflow *r, unsigned at, unsigned n)
{
	memmove(&r->stack[at], &r->stack[at + n], (r->depth - at - n) * sizeof r->stack[0]);
	r->depth -= n;
}

static unsigned push(struct rainflow *r, double reversal, struct rainflow_cycle *out)
{
	unsigned n = 0;

	if (r->depth == RAINFLOW_STACK) {
		out[n++] = cycle_between(r->stack[0], r->stack[1], 0.5);
		drop(r, 0, 1);
	}
	r->stack[r->depth++] = reversal;
	while (r->depth >= 3) {
		const double *top = &r->stack[r->depth - 3];
		double inner = fabs(top[1] - top[0]), outer = fabs(top[2] - top[1]);

		if (outer < inner)
			break;
		out[n++] = cycle_between(top[0], top[1], r->depth == 3 ? 0.5 : 1.0);
		if (r->depth == 3)
			drop(r, 0, 1);
		else
			drop(r, r->depth - 3, 2);
	}
	return n;
}

unsigned rainflow_feed(struct rainflow *r, double value, double ignore,
		       struct rainflow_cycle out[RAINFLOW_STACK])
{
	unsigned n = 0;

	if (isnan(value))
		return 0;
	if (r->depth == 0) { /* the first sample counts as a reversal */
		r->stack[r->depth++] = value;
		r->candidate = value;
		return 0;
	}
	if (r->direction == 0) {
		if (fabs(value - r->candidate) > ignore) {
			r->direction = value > r->candidate ? 1 : -1;
			r->candidate = value;
		}
	} else if ((value - r->candidate) * r->direction > 0.0) {
		r->candidate = value;
	} else if ((r->candidate - value) * r->direction > ignore) {
		n = push(r, r->candidate, out);
		r->direction = -r->direction;
		r->candidate = value;
	}
	return n;
}

unsigned rainflow_residue(const struct rainflow *r, struct rainflow_cycle out[RAINFLOW_STACK])
{
	struct rainflow end = *r; /* the last value counts as a reversal, too */
	unsigned n = r->direction != 0 ? push(&end, r->candidate, out) : 0;

	for (unsigned i = 1; i < end.depth; i++)
		out[n++] = cycle_between(end.stack[i - 1], end.stack[i], 0.5);
	return n;
}
