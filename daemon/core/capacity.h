/*
 * Learns a pack's capacity from pairs of rested voltages and the charge between them: total least
 * squares with noise in both, recursive with forgetting (Plett 2011,
 * doi 10.1016/j.jpowsour.2010.09.048), in units of the nominal capacity. Flat curves (LFP) yield no
 * point good enough and leave the believed capacity alone.
 */
#ifndef REBANK_CORE_CAPACITY_H
#define REBANK_CORE_CAPACITY_H

#include "core/estimate.h"

/* Starts from the believed capacity. */
void capacity_init(struct estimate *e, const struct pack_site *site);

/* A rested voltage said soc (one sigma: sigma) at this instant. */
void capacity_point(struct estimate *e, const struct pack_site *site, double soc, double sigma,
		    int64_t now_ms);

/* Adds one pair: x of SoC taken, y of nominal capacity counted, with their variances. */
void capacity_pair(double c[6], double forget, double x, double x_var, double y, double y_var);

/* The q = Q / Q_nominal of least cost within 0.3..1.3. */
double capacity_solve(const double c[6]);

#endif
