#include "plant/can_bms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pcs/can_bms.h"

static bool is_can_bms(const struct config *config, unsigned i)
{
	return strcmp(config->pcs[i].driver, "can-bms") == 0;
}

bool plant_can_bms_needed(const struct config *config)
{
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		if (is_can_bms(config, i))
			return true;
	return false;
}

/* What never changes: name plates. Cells and voltage are those of the first pack. */
static void setup_fill(struct can_bms_setup *setup, const struct config *config, unsigned i)
{
	const struct can_bms_config *from = &config->pcs[i].can_bms;
	const struct site *site = &config->site;
	const struct pack_limits *limit = &site->pack[0].limit;

	*setup = (struct can_bms_setup){
		.dialect = (enum can_bms_dialect)from->dialect,
		.quirk = from->quirk,
		.address = from->address,
		.model = (uint16_t)from->model,
		.version = (uint16_t)from->version,
		.modules = (uint8_t)site->n_packs,
		.cells = (uint16_t)site->pack[0].model.cells_series,
		.nominal_v = 0.5 * (limit->pack_min_v + limit->pack_max_v),
	};
	setup->frames = can_bms_standard_frames(setup->dialect);
	if (*from->frames)
		can_bms_frames_parse(from->frames, &setup->frames);
	snprintf(setup->manufacturer, sizeof setup->manufacturer, "%s", from->manufacturer);
	snprintf(setup->name, sizeof setup->name, "%.16s", *from->name ? from->name : site->id);
	snprintf(setup->serial, sizeof setup->serial, "%.16s", site->id);
	snprintf(setup->family, sizeof setup->family, "Rebank");
	for (unsigned k = 0; k < site->n_packs; k++) {
		size_t length = strlen(site->pack[k].id);

		setup->installed_ah += site->pack[k].model.nominal_ah;
		/* ids rather differ at their ends */
		snprintf(setup->pack[k], sizeof setup->pack[k], "%s",
			 site->pack[k].id + (length > 8 ? length - 8 : 0));
	}
}

/* Converters share the currents by their ratings, whether they are heard or not. */
static void speaker_fill(struct can_bms_speaker *speaker, const struct config *config, unsigned i)
{
	const struct site *site = &config->site;
	double rating_w = 0.0;

	for (unsigned j = 0; j < site->n_pcs; j++)
		rating_w += site->pcs[j].p_max_w;
	*speaker = (struct can_bms_speaker){
		.pcs = i,
		.share = site->pcs[i].p_max_w / rating_w,
		.period_ms = config->pcs[i].can_bms.period_ms,
		.n_packs = site->n_packs,
		.bus_min_v = site->bus.min_v,
		.bus_max_v = site->bus.max_v,
	};
	if (site->pcs[i].dc_min_v > speaker->bus_min_v)
		speaker->bus_min_v = site->pcs[i].dc_min_v;
	if (site->pcs[i].dc_max_v < speaker->bus_max_v)
		speaker->bus_max_v = site->pcs[i].dc_max_v;
	for (unsigned k = 0; k < site->n_packs; k++) {
		speaker->pack_min_v[k] = site->pack[k].limit.pack_min_v;
		speaker->pack_max_v[k] = site->pack[k].limit.pack_max_v;
	}
}

bool plant_can_bms_open(struct driver *driver, const struct config *config, int64_t now_ms)
{
	struct can_bms_inverter *inverter = calloc(PCS_MAX, sizeof *inverter);
	unsigned n = 0;
	bool opened;

	(void)now_ms;
	if (!inverter)
		return false;
	for (unsigned i = 0; i < config->site.n_pcs; i++) {
		if (!is_can_bms(config, i))
			continue;
		snprintf(inverter[n].interface, sizeof inverter[n].interface, "%.15s",
			 config->pcs[i].url);
		inverter[n].fd = -1;
		setup_fill(&inverter[n].setup, config, i);
		speaker_fill(&inverter[n].speaker, config, i);
		n++;
	}
	opened = can_bms_open(driver, n, inverter);
	free(inverter);
	return opened;
}
