/*
 * Extended Kalman filter for the state of charge of the average series cell: charge counting with
 * a learnt current-sensor offset, corrected by the voltage. State in struct estimate: soc,
 * polarisation voltage, current offset. Every function leaves the state finite.
 */
#ifndef REBANK_CORE_SOC_FILTER_H
#define REBANK_CORE_SOC_FILTER_H

#include "core/estimate.h"

/* Starts (again) at soc with this sigma, polarisation and offset as good as nothing known. */
void soc_filter_set(struct estimate *e, const struct pack_site *site, double soc, double sigma);

/* Moves the state by dt_s of current_a (as measured); covariance follows with soc_filter_spread. */
void soc_filter_predict(struct estimate *e, const struct pack_site *site, double current_a,
			double dt_s);

/* Lets the covariance catch up with what was predicted. */
void soc_filter_spread(struct estimate *e, const struct pack_site *site);

/* Corrects by the mean cell voltage at current_a; noise_v: one sigma of the model's error. */
void soc_filter_update(struct estimate *e, const struct pack_site *site, double cell_v,
		       double current_a, double noise_v);

/* Corrects the offset by a reading taken while no current can flow. */
void soc_filter_offset(struct estimate *e, const struct pack_site *site, double current_a);

/* Model error at `seconds` between updates; correlated, so larger than the residual looks. */
double soc_filter_noise_v(const struct pack_site *site, double seconds);

/* Sigma of the SoC that includes the error of the curve itself. */
double soc_filter_sigma(const struct estimate *e, const struct pack_site *site);

#endif
