/* Packs on CAN: an interface each can have, no id that two claim, a voltage source that is quick.
 */
#include <math.h>
#include <string.h>

#include "config/key.h"
#include "drivers/can/raw.h"

enum { SOURCE_PERIOD_MAX_MS = 50 }; /* hazards rule 10 */

int config_voltage_pack(const struct config *config)
{
	const char *source = config->sensor.bus_voltage;

	if (strncmp(source, "pack:", 5) != 0)
		return -1;
	for (unsigned k = 0; k < config->site.n_packs; k++)
		if (strcmp(config->site.pack[k].id, source + 5) == 0)
			return (int)k;
	return -1;
}

/* ---- ids --------------------------------------------------------------------------------- */

/* An id that the wire hears, sends or asks with; numbered through, false at the end. */
static bool id_of(const struct wire *wire, unsigned i, uint32_t *id, bool *ext)
{
	const struct wire_channel *channel;

	if (i < wire->n_frames) {
		*id = wire->frame[i].id;
		*ext = wire->frame[i].ext;
		return true;
	}
	i -= wire->n_frames;
	if (i < wire->n_sends) {
		*id = wire->send[i].id;
		*ext = wire->send[i].ext;
		return true;
	}
	i -= wire->n_sends;
	if (i >= 2u * wire->n_channels)
		return false;
	channel = &wire->channel[i / 2];
	*id = i % 2 ? channel->rx_id : channel->tx_id;
	*ext = channel->ext;
	return true;
}

/* The first id both claim. */
static bool shared_id(const struct wire *a, const struct wire *b, uint32_t *id)
{
	uint32_t other;
	bool ext, other_ext;

	for (unsigned i = 0; id_of(a, i, id, &ext); i++)
		for (unsigned j = 0; id_of(b, j, &other, &other_ext); j++)
			if (*id == other && ext == other_ext)
				return true;
	return false;
}

/* Equal profiles are told elsewhere. */
static void check_neighbours(struct reader *reader, unsigned k, const char *where)
{
	const struct config *config = reader->config;
	uint32_t id;

	for (unsigned j = 0; j < k; j++)
		if (config->pack[j].wire && strcmp(config->pack[j].bus, config->pack[k].bus) == 0 &&
		    strcmp(config->site.pack[j].profile, config->site.pack[k].profile) != 0 &&
		    shared_id(config->pack[k].wire, config->pack[j].wire, &id))
			mistake_at(
				&reader->mistakes, setting_of_pack(reader, k, NULL, "bus"), where,
				"bus \"%s\" already has packs[%u] \"%s\", and both profiles have "
				"id 0x%X: give each its own bus",
				config->pack[k].bus, j, config->site.pack[j].id, id);
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		if (strcmp(config->pcs[i].driver, "can-bms") == 0 &&
		    strcmp(config->pcs[i].url, config->pack[k].bus) == 0)
			mistake_at(
				&reader->mistakes, setting_of_pack(reader, k, NULL, "bus"), where,
				"bus \"%s\" is that of inverter pcs[%u] \"%s\": give the pack its "
				"own bus",
				config->pack[k].bus, i, config->site.pcs[i].id);
}

static void check_pack(struct reader *reader, unsigned k)
{
	const struct config *config = reader->config;
	const struct wire *wire = config->pack[k].wire;
	const char *bus = config->pack[k].bus;
	char where[ID_SIZE + 24];

	if (!driver_is_can(bus))
		return;
	snprintf(where, sizeof(where), "packs[%u] \"%s\"", k, config->site.pack[k].id);
	if (strlen(bus) >= CAN_NAME_SIZE)
		mistake_at(&reader->mistakes, setting_of_pack(reader, k, NULL, "bus"), where,
			   "bus \"%s\" is longer than the %d characters an interface may have", bus,
			   CAN_NAME_SIZE - 1);
	if (!wire)
		return;
	if (wire->n_frames == 0)
		mistake_at(&reader->mistakes, setting_of_pack(reader, k, NULL, "bus"), where,
			   "bus \"%s\" is a CAN interface, and profile %s has no can group", bus,
			   config->site.pack[k].profile);
	check_neighbours(reader, k, where);
}

/* ---- voltage source ---------------------------------------------------------------------- */

static double step_of(const struct wire *wire)
{
	double step_v = 0.0;

	for (unsigned i = 0; i < wire->n_signals; i++)
		if (wire->signal[i].target == WIRE_TO_LINK_V)
			step_v = fmax(step_v, fabs(wire->signal[i].scale));
	return step_v;
}

/* A join is planned by the difference of two voltages: what the source does not resolve is current
 * that nobody predicted. */
static void check_steps(struct reader *reader, const config_setting_t *at, unsigned source)
{
	const struct config *config = reader->config;
	double step_v = step_of(config->pack[source].wire);

	if (*config->sensor.steps_accepted_because || config->site.n_packs < 2)
		return;
	for (unsigned k = 0; k < config->site.n_packs; k++) {
		const struct pack_site *pack = &config->site.pack[k];
		double surge_a =
			step_v / (pack->model.r_fast_ohm + config->site.bus.resistance_ohm);

		if (!(surge_a > pack->contactors.make_max_a))
			continue;
		mistake_at(&reader->mistakes, at, "bus",
			   "voltage_source \"%s\" tells the bus in steps of %g V: \"%s\" could be "
			   "joined with %.0f A more than predicted, its make_max_a is %g; name a "
			   "meter, or say why not in voltage_steps_accepted_because",
			   config->sensor.bus_voltage, step_v, pack->id, surge_a,
			   pack->contactors.make_max_a);
		return;
	}
}

static void check_source(struct reader *reader)
{
	const struct config *config = reader->config;
	const char *source = config->sensor.bus_voltage;
	const config_setting_t *at = setting_of_site(reader, "bus", "voltage_source");
	int k = config_voltage_pack(config);

	if (strncmp(source, "pack:", 5) != 0)
		return;
	if (k < 0)
		mistake_at(&reader->mistakes, at, "bus",
			   "voltage_source \"%s\": packs has no \"%s\"", source, source + 5);
	else if (!config->site.pack[k].has_link_v)
		mistake_at(&reader->mistakes, at, "bus",
			   "voltage_source \"%s\": that pack measures no voltage behind its "
			   "contactors (readings.link_v)",
			   source);
	else if (config->pack[k].link_period_ms > SOURCE_PERIOD_MAX_MS)
		mistake_at(&reader->mistakes, at, "bus",
			   "voltage_source \"%s\": it sends the voltage every %g s; a pre-charge "
			   "cannot be proven with more than %g s",
			   source, config->pack[k].link_period_ms / 1000.0,
			   SOURCE_PERIOD_MAX_MS / 1000.0);
	else if (config->pack[k].wire)
		check_steps(reader, at, (unsigned)k);
}

void check_can(struct reader *reader)
{
	for (unsigned k = 0; k < reader->config->site.n_packs; k++)
		if (reader->pack[k])
			check_pack(reader, k);
	check_source(reader);
}
