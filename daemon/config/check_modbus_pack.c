/* What must hold for packs on Modbus: an address each of its own, and a profile that says what to
 * read. */
#include <string.h>

#include "config/key.h"
#include "drivers/modbus/address.h"

struct subject {
	struct reader *reader;
	unsigned k;
	char where[ID_SIZE + 24];
	struct modbus_address address;
	int unit; /* MODBUS_UNIT_NONE: none */
};

#define MISTAKE(subject, name, ...)                                                                \
	mistake_at(&(subject)->reader->mistakes,                                                   \
		   setting_of_pack((subject)->reader, (subject)->k, NULL, name), (subject)->where, \
		   __VA_ARGS__)

/* The unit of the pack: its own key goes before that of the address. */
int config_pack_unit(const struct config *config, unsigned k)
{
	struct modbus_address address;

	if (config->pack[k].unit > 0)
		return config->pack[k].unit;
	return modbus_address_parse(&address, config->pack[k].bus) ? MODBUS_UNIT_NONE
								   : address.unit;
}

static void check_twice(const struct subject *subject, const char *url, int unit, const char *whose,
			unsigned index, const char *id)
{
	struct modbus_address other;

	if (!modbus_address_is(url) || modbus_address_parse(&other, url) ||
	    !modbus_address_shares_bus(&other, &subject->address))
		return;
	if ((unit == MODBUS_UNIT_NONE ? other.unit : unit) == subject->unit)
		MISTAKE(subject, "unit", "unit %d on this bus is also that of %s[%u] \"%s\"",
			subject->unit, whose, index, id);
}

static void check_neighbours(const struct subject *subject)
{
	const struct config *config = subject->reader->config;

	for (unsigned j = 0; j < subject->k; j++)
		check_twice(subject, config->pack[j].bus, config_pack_unit(config, j), "packs", j,
			    config->site.pack[j].id);
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		check_twice(subject, config->pcs[i].url, MODBUS_UNIT_NONE, "pcs", i,
			    config->site.pcs[i].id);
	for (unsigned i = 0; i < config->n_meters; i++)
		check_twice(subject, config->meter[i].url, MODBUS_UNIT_NONE, "meters", i,
			    config->meter[i].id);
}

static void check_one(struct subject *subject)
{
	const struct config *config = subject->reader->config;
	const struct pack_config *own = &config->pack[subject->k];
	const char *wrong = modbus_address_parse(&subject->address, own->bus);

	if (wrong) {
		MISTAKE(subject, "bus", "bus \"%s\" %s", own->bus, wrong);
		return;
	}
	subject->unit = config_pack_unit(config, subject->k);
	if (subject->unit == MODBUS_UNIT_NONE)
		MISTAKE(subject, "bus",
			"unit is missing: a pack on Modbus has a unit, 1 to 247, by which it is "
			"asked");
	else
		check_neighbours(subject);
	if (own->wire && own->wire->n_blocks == 0)
		MISTAKE(subject, "bus", "bus \"%s\" is Modbus, and profile %s has no modbus group",
			own->bus, config->site.pack[subject->k].profile);
	/* A profile that was not found says nothing of stale. */
	if (config->site.pack[subject->k].electrical_stale_ms > 0 &&
	    own->timeout_ms >= config->site.pack[subject->k].electrical_stale_ms)
		MISTAKE(subject, "timeout_s",
			"timeout_s %g is not below stale.electrical_s %g: one lost answer would "
			"open the pack",
			own->timeout_ms / 1000.0,
			config->site.pack[subject->k].electrical_stale_ms / 1000.0);
}

void check_modbus_packs(struct reader *reader)
{
	for (unsigned k = 0; k < reader->config->site.n_packs; k++) {
		struct subject subject = {.reader = reader, .k = k};

		if (!reader->pack[k] || !modbus_address_is(reader->config->pack[k].bus))
			continue;
		snprintf(subject.where, sizeof subject.where, "packs[%u] \"%s\"", k,
			 reader->config->site.pack[k].id);
		check_one(&subject);
	}
}
