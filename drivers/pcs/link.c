#include <math.h>

#include "drivers/pcs/pcs.h"

bool pcs_link_open(struct pcs_link *link)
{
	link->command = cell_new(sizeof(struct pcs_command));
	link->status = cell_new(sizeof(struct pcs_status));
	return link->command && link->status;
}

void pcs_link_close(struct pcs_link *link)
{
	cell_free(link->command);
	cell_free(link->status);
	link->command = link->status = NULL;
}

struct pcs_command pcs_link_command(const struct pcs_link *link, int64_t now_ms)
{
	struct pcs_command command;
	int64_t age_ms;

	cell_get(link->command, &command);
	age_ms = now_ms - command.at_ms;
	if (command.at_ms == 0 || age_ms > PCS_COMMAND_STALE_MS || !command.run ||
	    !isfinite(command.p_w)) {
		command.run = false;
		command.p_w = 0.0;
	}
	return command;
}

void pcs_bound_sample(struct pcs_status *status)
{
	if (!status->traits.can_discharge)
		status->sample.dis_max_w = 0.0;
	if (!status->traits.can_charge)
		status->sample.cha_max_w = 0.0;
}
