/* The twin behind the driver interface, with its control socket. */
#include <stdlib.h>
#include <unistd.h>

#include "drivers/sim/control.h"
#include "drivers/sim/sim.h"

struct sim {
	struct twin *twin;
	struct sim_control control;
};

static void sim_gather(void *self, struct bank_inputs *in)
{
	struct sim *sim = self;

	sim_control_read(&sim->control, sim->twin);
	twin_gather(sim->twin, in);
}

static void sim_apply(void *self, int64_t now_ms, const struct bank_outputs *out)
{
	struct sim *sim = self;

	twin_apply(sim->twin, now_ms, out);
}

static void sim_close(void *self)
{
	struct sim *sim = self;

	sim_control_close(&sim->control);
	twin_free(sim->twin);
	free(sim);
}

bool sim_open(struct driver *driver, const struct site *site, const struct twin_config *config,
	      int64_t start_ms, const char *control_path)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return false;
	sim->twin = twin_new(site, config, start_ms);
	if (!sim->twin || !sim_control_open(&sim->control, site, start_ms, control_path)) {
		twin_free(sim->twin);
		free(sim);
		return false;
	}
	*driver = (struct driver){
		.name = "sim",
		.self = sim,
		.gather = sim_gather,
		.apply = sim_apply,
		.urgent_fd = sim->control.fd,
		.close = sim_close,
	};
	return true;
}
