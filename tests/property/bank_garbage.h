/* Inputs of prop_bank that nothing consistent stands behind, and of which many look good. */
#ifndef REBANK_TESTS_BANK_GARBAGE_H
#define REBANK_TESTS_BANK_GARBAGE_H

#include "tests/property/bank_lies.h"

static inline double lies_any(struct rng *rng, double low, double high)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, 0., -1., 1e300, 1e-300, -1e9};

	return rng_below(rng, 1000) < 2 ? odd[rng_below(rng, 8)] : rng_between(rng, low, high);
}

static inline void lies_garbage_pack(struct lies *lies, const struct pack_site *site,
				     struct pack_sample *sample, int64_t now_ms)
{
	struct rng *rng = &lies->rng;
	double v = 0.96 * site->limit.pack_max_v + rng_between(rng, -0.3, 0.3);

	if (rng_chance(rng, 90)) {
		sample->electrical_ms = now_ms;
		sample->electrical_count += !rng_chance(rng, 10);
		sample->counts = rng_below(rng, 1000) > 0;
		sample->pack_v = lies_any(rng, v - 0.1, v + 0.1);
		sample->current_a = lies_any(rng, -0.4, rng_below(rng, 1000) == 0 ? 90. : 0.4);
	}
	if (rng_chance(rng, 30)) {
		sample->cells_ms = sample->temps_ms = sample->bms_ms = now_ms;
		sample->n_cells = (uint16_t)(rng_below(rng, 1000) ? site->model.cells_series
								  : rng_below(rng, 65536));
		for (unsigned i = 0; i < CELL_MAX; i++)
			sample->cell_v[i] = v / site->model.cells_series;
		sample->cell_v[rng_below(rng, CELL_MAX)] = lies_any(rng, 3.9, 3.97);
		sample->n_temps = (uint16_t)(rng_below(rng, 1000) ? 4 : rng_below(rng, 65536));
		for (unsigned i = 0; i < TEMP_MAX; i++)
			sample->temp_c[i] = 25.;
		sample->temp_c[rng_below(rng, TEMP_MAX)] = lies_any(rng, 24., 26.);
		sample->soc = lies_any(rng, 0.7, 0.72);
		sample->soh = sample->dis_limit_a = sample->cha_limit_a = NAN;
		sample->insulation_ohm = lies_any(rng, 1e6, 2e6);
		sample->aux_v = lies_any(rng, 12., 14.);
		sample->bms_flags = rng_below(rng, 1000) == 0 ? (uint32_t)rng_next(rng) : 0;
	}
	sample->link_v = lies_any(rng, 0., v);
	sample->link_ms = now_ms;
	sample->link = rng_below(rng, 1000) == 0 ? (enum link_state)rng_below(rng, 5) : LINK_OK;
	sample->bad_frames =
		rng_below(rng, 1000) == 0 ? (uint32_t)rng_next(rng) : sample->bad_frames;
}

/* Inputs that nothing consistent stands behind, and of which many look good. */
static inline void lies_garbage(struct lies *lies, const struct site *site,
				const struct bank_outputs *out, struct bank_inputs *in)
{
	struct rng *rng = &lies->rng;
	double pole_v = 0.96 * site->pack[0].limit.pack_max_v, bus_v = in->bus.v;
	bool driven = false;

	in->utc_ms = 1700000000000 + in->now_ms;
	in->lateness_ms = rng_below(rng, 500) == 0 ? (int32_t)rng_below(rng, 1000) : 0;
	for (unsigned k = 0; k < site->n_packs; k++) {
		struct pack_contacts *contacts = &in->contacts[k];

		lies_garbage_pack(lies, &site->pack[k], &in->pack[k], in->now_ms);
		contacts->stamp_ms = rng_chance(rng, 95) ? in->now_ms : contacts->stamp_ms;
		for (int pole = 0; pole < POLE_COUNT; pole++) {
			bool on = out->pack[k].coil[pole];
			driven = driven || on;
			contacts->readback[pole] = on ? CONTACT_CLOSED : CONTACT_OPEN;
			if (rng_below(rng, 3000) == 0)
				contacts->edge_ms[pole] = in->now_ms + 20 - rng_below(rng, 100);
			contacts->feedback[pole] = rng_below(rng, 3000) == 0 ? CONTACT_UNKNOWN
						   : on                      ? CONTACT_CLOSED
									     : CONTACT_OPEN;
		}
	}
	for (int id = 0; id < INPUT_COUNT; id++)
		in->input[id] = (struct digital_input){
			in->now_ms, in->now_ms,
			rng_below(rng, 3000) ? LEVEL_OK : (enum level)rng_below(rng, 3)};
	bus_v += (driven ? pole_v - bus_v : -bus_v) * 0.3;
	in->bus = (struct bus_sample){in->now_ms,
				      rng_below(rng, 500) == 0 ? lies_any(rng, 0., 400.) : bus_v};
	in->bus.v = isfinite(in->bus.v) ? in->bus.v : 0.;
	for (unsigned i = 0; i < site->n_pcs; i++)
		in->pcs[i] = (struct pcs_sample){.stamp_ms = in->now_ms,
						 .state = out->pcs[i].run ? PCS_RUNNING : PCS_OFF,
						 .ac_w = lies_any(rng, -10., 10.) + out->pcs[i].p_w,
						 .dc_w = lies_any(rng, -10., 10.) + out->pcs[i].p_w,
						 .dc_v = lies_any(rng, 0., 400.),
						 .dc_a = lies_any(rng, -0.1, 0.1),
						 .dis_max_w = NAN,
						 .cha_max_w = NAN,
						 .dead_man_proven = rng_below(rng, 500) != 0};
	in->meter = (struct meter_sample){in->now_ms, lies_any(rng, -1e4, 1e4), 50.};
	in->imd =
		(struct imd_sample){in->now_ms, lies_any(rng, 1e6, 2e6), rng_below(rng, 500) == 0};
	in->supply_v = lies_any(rng, 23., 25.);
	in->supply_ms = in->now_ms;
	in->gpio = rng_below(rng, 3000) ? GPIO_OK : GPIO_GONE;
	in->gpio_ms = in->now_ms;
}

#endif
