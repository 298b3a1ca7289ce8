/* Inverters that follow their battery over CAN: what their frames can carry, and what stops them.
 */
#include <string.h>

#include "config/key.h"
#include "drivers/can/raw.h"

static const double fine_max_v = 327.67; /* 16 bits of 0.01 V with a sign */

struct subject {
	struct reader *reader;
	const struct pcs_config *pcs;
	const config_setting_t *element;
	char where[ID_SIZE + 24];
};

static const config_setting_t *place(const struct subject *subject, const char *group,
				     const char *name)
{
	const config_setting_t *found = setting_find(subject->element, group, name);

	return found ? found : subject->element;
}

#define MISTAKE(group, name, ...)                                                                  \
	mistake_at(&subject->reader->mistakes, place(subject, group, name), subject->where,        \
		   __VA_ARGS__)

static double highest_v(const struct site *site)
{
	double v = 0.0;

	for (unsigned k = 0; k < site->n_packs; k++)
		if (site->pack[k].limit.pack_max_v > v)
			v = site->pack[k].limit.pack_max_v;
	return v;
}

static void check_frames(const struct subject *subject)
{
	const struct can_bms_config *can_bms = &subject->pcs->can_bms;
	uint32_t frames = can_bms_standard_frames((enum can_bms_dialect)can_bms->dialect);

	if (*can_bms->frames && can_bms->dialect == CAN_BMS_PYLONTECH_HV)
		MISTAKE("can_bms", "frames",
			"can_bms.frames \"%s\": \"pylontech-hv\" answers what it is asked",
			can_bms->frames);
	else if (*can_bms->frames && !can_bms_frames_parse(can_bms->frames, &frames))
		MISTAKE("can_bms", "frames",
			"can_bms.frames \"%s\" has a frame that is not of 351 355 356 359 35A 35C "
			"35E 35F 370-379 380 381 382",
			can_bms->frames);
	else if (*can_bms->frames && !(frames >> CAN_BMS_351 & 1))
		MISTAKE("can_bms", "frames",
			"can_bms.frames \"%s\" is without 351: no inverter runs without limits",
			can_bms->frames);
	if ((frames >> CAN_BMS_356 & 1) && can_bms->quirk.fine_voltage &&
	    highest_v(&subject->reader->config->site) > fine_max_v)
		MISTAKE("can_bms", "fine_voltage",
			"can_bms.fine_voltage: 356 in 0.01 V ends at %g V and a pack goes higher; "
			"fine_voltage = false, if the inverter has that",
			fine_max_v);
}

static void check_one(const struct subject *subject, unsigned index)
{
	const struct config *config = subject->reader->config;
	const struct pcs_config *pcs = subject->pcs;
	bool given = pcs->can_bms.dialect >= 0;

	if (strcmp(pcs->driver, "can-bms") != 0) {
		if (given)
			MISTAKE(NULL, "can_bms", "can_bms is given but driver is \"%s\"",
				pcs->driver);
		return;
	}
	if (!*pcs->url || strpbrk(pcs->url, ":/? ") || strlen(pcs->url) >= CAN_NAME_SIZE)
		MISTAKE(NULL, "url", "url \"%s\" is no CAN interface: \"can1\"", pcs->url);
	for (unsigned j = 0; j < config->site.n_pcs; j++)
		if (strcmp(config->pcs[j].driver, "can-bms") != 0)
			MISTAKE(NULL, "driver",
				"driver \"can-bms\" beside \"%s\": one takes what it wants within "
				"limits, the other what it is told; a bus has one kind",
				config->pcs[j].driver);
	for (unsigned j = 0; j < index; j++)
		if (strcmp(config->pcs[j].driver, "can-bms") == 0 &&
		    strcmp(config->pcs[j].url, pcs->url) == 0)
			MISTAKE(NULL, "url",
				"url \"%s\" is also that of another inverter: two batteries on one "
				"bus "
				"contradict each other",
				pcs->url);
	/* It stops when its battery is silent, but nobody can read that back (hazards rule 26). */
	if (config->site.pcs[index].dead_man_ms > 0)
		MISTAKE(NULL, "dead_man_s",
			"dead_man_s with driver \"%s\": it cannot be read back, so it is none; "
			"wire "
			"gpio.pcs_enable",
			pcs->driver);
	if (given)
		check_frames(subject);
	else
		MISTAKE(NULL, "driver",
			"can_bms is missing: driver \"%s\" needs can_bms = { dialect = \"...\"; }",
			pcs->driver);
}

void check_can_bms(struct reader *reader)
{
	const struct config *config = reader->config;
	const config_setting_t *list =
		setting_find(config_root_setting(&reader->tree), NULL, "pcs");

	for (unsigned i = 0; i < config->site.n_pcs; i++) {
		struct subject subject = {reader, &config->pcs[i], config_setting_get_elem(list, i),
					  ""};

		snprintf(subject.where, sizeof subject.where, "pcs[%u] \"%s\"", i,
			 config->site.pcs[i].id);
		check_one(&subject, i);
	}
}
