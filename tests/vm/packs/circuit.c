/* Packs behind their resistances, the capacitance of the converter, its power. */
#include <math.h>

#include "packs.h"

enum { BLEED_OHM = 5000 };
static const double precharge_ohm = 47.0, dead_v = 30.0;

static bool lines_closed(const struct pack *pack, int pole)
{
	return pack->closed[pole] && (pack->closed[NEGATIVE] || pack->kind->no_negative);
}

/* Between battery and bus; 0: open. */
static double conductance(const struct pack *pack)
{
	bool main, pre;

	if (pack->kind->drives_contactors) {
		main = pack->state == CLOSED;
		pre = pack->state == PRECHARGING;
	} else {
		main = lines_closed(pack, POSITIVE);
		pre = lines_closed(pack, PRECHARGE);
	}
	return main ? 1.0 / pack->r_ohm : pre ? 1.0 / (pack->r_ohm + precharge_ohm) : 0.0;
}

/* One implicit step: stable however stiff it is. */
void circuit_run(struct circuit *circuit, struct pack *packs, unsigned n, double dt_s)
{
	double g = circuit->capacitance_f / dt_s + 1.0 / BLEED_OHM;
	double i = circuit->capacitance_f / dt_s * circuit->v;

	for (unsigned k = 0; k < n; k++) {
		g += conductance(&packs[k]);
		i += conductance(&packs[k]) * packs[k].e_v;
	}
	if (circuit->v > dead_v)
		i -= circuit->power_w / circuit->v;
	circuit->v = fmax(i / g, 0.0);
	bus_v_set(circuit->v);
	for (unsigned k = 0; k < n; k++) {
		packs[k].current_a = (packs[k].e_v - circuit->v) * conductance(&packs[k]);
		packs[k].pack_v = packs[k].e_v - packs[k].current_a * packs[k].r_ohm;
	}
}
