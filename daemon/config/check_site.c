/* What must hold around the packs: converters, grid, plan, sources, broker. */
#include <math.h>
#include <string.h>

#include "config/key.h"

#define SITE_MISTAKE(reader, group, name, ...)                                                     \
	mistake_at(&(reader)->mistakes, setting_of_site(reader, group, name), group, __VA_ARGS__)

static const config_setting_t *element_setting(const struct reader *reader, const char *group,
					       const char *list, unsigned index, const char *name)
{
	const config_setting_t *root = config_root_setting(&reader->tree);
	const config_setting_t *found = setting_find(root, group, list);
	const config_setting_t *element = found ? config_setting_get_elem(found, index) : NULL;
	const config_setting_t *member = element ? setting_find(element, NULL, name) : NULL;

	if (member)
		return member;
	return element ? element : root;
}

static void check_pcs(struct reader *reader, unsigned i)
{
	const struct site *site = &reader->config->site;
	const struct pcs_site *pcs = &site->pcs[i];
	char where[ID_SIZE + 16];

#define PCS_MISTAKE(name, ...)                                                                     \
	mistake_at(&reader->mistakes, element_setting(reader, NULL, "pcs", i, name), where,        \
		   __VA_ARGS__)
	snprintf(where, sizeof(where), "pcs[%u] \"%s\"", i, pcs->id);
	for (unsigned j = 0; j < i; j++)
		if (strcmp(site->pcs[j].id, pcs->id) == 0 && *pcs->id)
			PCS_MISTAKE("id", "id \"%s\" is also that of pcs[%u]", pcs->id, j);
	if (pcs->dc_min_v >= pcs->dc_max_v)
		PCS_MISTAKE("dc_min_v", "dc_min_v %g is not below dc_max_v %g", pcs->dc_min_v,
			    pcs->dc_max_v);
	if (pcs->dis_max_w > pcs->p_max_w)
		PCS_MISTAKE("dis_max_w", "dis_max_w %g is above p_max_w %g", pcs->dis_max_w,
			    pcs->p_max_w);
	if (pcs->cha_max_w > pcs->p_max_w)
		PCS_MISTAKE("cha_max_w", "cha_max_w %g is above p_max_w %g", pcs->cha_max_w,
			    pcs->p_max_w);
	if (pcs->min_w > 0.5 * pcs->p_max_w)
		PCS_MISTAKE("min_w", "min_w %g is above half of p_max_w %g", pcs->min_w,
			    pcs->p_max_w);
	if (pcs->resolution_w > 0.1 * pcs->p_max_w)
		PCS_MISTAKE("resolution_w", "resolution_w %g is above a tenth of p_max_w %g",
			    pcs->resolution_w, pcs->p_max_w);
	if (!site->has_pcs_enable && pcs->dead_man_ms > 10000)
		PCS_MISTAKE("dead_man_s",
			    "dead_man_s %g is longer than 10 and there is no gpio.pcs_enable: wire "
			    "it, or shorten the dead-man",
			    pcs->dead_man_ms / 1000.0);
	if (!site->has_pcs_enable && pcs->dead_man_ms == 0)
		PCS_MISTAKE("dead_man_s",
			    "there is neither a dead-man nor gpio.pcs_enable: nothing would stop "
			    "this converter; wire pcs_enable");
	for (unsigned k = 0; k < site->n_packs && pcs->dc_min_v < pcs->dc_max_v; k++)
		if (site->pack[k].limit.pack_max_v < pcs->dc_min_v ||
		    site->pack[k].limit.pack_min_v > pcs->dc_max_v)
			PCS_MISTAKE("dc_min_v",
				    "DC window %g..%g V does not overlap %g..%g V of packs[%u] "
				    "\"%s\"",
				    pcs->dc_min_v, pcs->dc_max_v, site->pack[k].limit.pack_min_v,
				    site->pack[k].limit.pack_max_v, k, site->pack[k].id);
#undef PCS_MISTAKE
}

static void check_grid(struct reader *reader)
{
	const struct site *site = &reader->config->site;
	const struct grid_site *grid = &site->grid;
	double sum_w = 0.0;

	for (unsigned i = 0; i < site->n_pcs; i++)
		sum_w += site->pcs[i].p_max_w;
	if (site->n_pcs > 0 && grid->p_max_w > sum_w)
		SITE_MISTAKE(reader, "grid", "p_max_w",
			     "p_max_w %g is above the %g of all converters together", grid->p_max_w,
			     sum_w);
	if (grid->ramp_min_w_s > grid->ramp_w_s)
		SITE_MISTAKE(reader, "grid", "ramp_min_w_s", "ramp_min_w_s %g is above ramp_w_s %g",
			     grid->ramp_min_w_s, grid->ramp_w_s);
	if (grid->has_meter && isnan(grid->no_meter_export_w))
		SITE_MISTAKE(reader, "grid", "meter",
			     "no_meter_export_w is missing: a lost meter needs a cap to fall back "
			     "to");
	if (grid->has_meter && isnan(grid->no_meter_import_w))
		SITE_MISTAKE(reader, "grid", "meter",
			     "no_meter_import_w is missing: a lost meter needs a cap to fall back "
			     "to");
	if (grid->no_meter_export_w > grid->export_max_w)
		SITE_MISTAKE(reader, "grid", "no_meter_export_w",
			     "no_meter_export_w %g is above export_max_w %g",
			     grid->no_meter_export_w, grid->export_max_w);
	if (grid->no_meter_import_w > grid->import_max_w)
		SITE_MISTAKE(reader, "grid", "no_meter_import_w",
			     "no_meter_import_w %g is above import_max_w %g",
			     grid->no_meter_import_w, grid->import_max_w);
}

static void check_bus(struct reader *reader)
{
	const struct bus_site *bus = &reader->config->site.bus;
	char names[128];

	if (bus->min_v >= bus->max_v)
		SITE_MISTAKE(reader, "bus", "min_v", "min_v %g is not below max_v %g", bus->min_v,
			     bus->max_v);
	if (bus->dead_v >= bus->min_v)
		SITE_MISTAKE(reader, "bus", "dead_v", "dead_v %g is not below min_v %g",
			     bus->dead_v, bus->min_v);
	if (strcmp(reader->config->sensor.bus_voltage, "none") == 0)
		SITE_MISTAKE(reader, "bus", "voltage_source",
			     "voltage_source \"none\": without one there is no precharge and no "
			     "join; this build has %s",
			     driver_names("voltage source", names, sizeof(names)));
}

static void check_plan(struct reader *reader)
{
	const struct site *site = &reader->config->site;
	const struct plan_site *plan = &site->plan;

	if (plan->soc_floor >= plan->soc_ceiling)
		SITE_MISTAKE(reader, "plan", "soc_floor",
			     "soc_floor %g is not below soc_ceiling %g", plan->soc_floor,
			     plan->soc_ceiling);
	else if (plan->rejoin_margin >= plan->soc_ceiling - plan->soc_floor)
		SITE_MISTAKE(reader, "plan", "rejoin_margin",
			     "rejoin_margin %g leaves nothing of soc_floor %g to soc_ceiling %g",
			     plan->rejoin_margin, plan->soc_floor, plan->soc_ceiling);
	if (plan->idle_open_ms > 0 && plan->idle_open_ms < plan->min_on_ms)
		SITE_MISTAKE(reader, "plan", "idle_open_s",
			     "idle_open_s %g is shorter than min_on_s %g: packs would stay on for "
			     "the latter",
			     plan->idle_open_ms / 1000.0, plan->min_on_ms / 1000.0);
}

static void check_protection(struct reader *reader)
{
	const struct site *site = &reader->config->site;

	if (!site->has_supply)
		return;
	if (isnan(site->supply_close_min_v))
		SITE_MISTAKE(reader, "protection", "supply",
			     "supply_close_min_v is missing: 11.5 for 12 V coils, 23 for 24 V");
	if (isnan(site->supply_open_v))
		SITE_MISTAKE(reader, "protection", "supply",
			     "supply_open_v is missing: 10.5 for 12 V coils, 21 for 24 V");
	if (site->real_contactors && !reader->config->sim.hardware_in_the_loop &&
	    isnan(reader->config->sensor.supply_hold_up_s))
		SITE_MISTAKE(reader, "protection", "supply",
			     "supply_hold_up_s is missing: a supply that does not hold 2 s drops "
			     "the coils before the packs have opened in order");
	if (site->supply_open_v >= site->supply_close_min_v)
		SITE_MISTAKE(reader, "protection", "supply_open_v",
			     "supply_open_v %g is not below supply_close_min_v %g",
			     site->supply_open_v, site->supply_close_min_v);
}

static void check_proof(struct reader *reader)
{
	static const char *const keys[PROOF_TESTS] = {
		[PROOF_ESTOP] = "estop_days",       [PROOF_HEARTBEAT] = "heartbeat_days",
		[PROOF_DEAD_MAN] = "dead_man_days", [PROOF_INSULATION] = "insulation_days",
		[PROOF_WELD] = "weld_days",
	};
	const struct proof_site *proof = &reader->config->site.proof;

	for (int test = 0; test < PROOF_TESTS; test++)
		if (proof->period_d[test] > 0.0 && proof->period_d[test] <= proof->warn_d)
			SITE_MISTAKE(reader, "proof", keys[test],
				     "%s %g is not longer than warn_days %g: it would always warn",
				     keys[test], proof->period_d[test], proof->warn_d);
}

static void check_sources(struct reader *reader)
{
	const struct site *site = &reader->config->site;

	for (unsigned i = 1; i < reader->config->mqtt.n_sources; i++) {
		const struct source_site *source = &site->source[i];
		char where[ID_SIZE + 32];

		snprintf(where, sizeof(where), "mqtt.sources[%u] \"%s\"", i - 1, source->id);
		for (unsigned j = 0; j < i; j++) {
			const struct source_site *other = &site->source[j];

			if (strcmp(source->id, other->id) == 0 && *source->id)
				mistake_at(&reader->mistakes,
					   element_setting(reader, "mqtt", "sources", i - 1, "id"),
					   where, "id \"%s\" is %s", source->id,
					   j ? "given twice" : "reserved for the board itself");
			if (source->priority == other->priority && source->priority != UINT8_MAX)
				mistake_at(&reader->mistakes,
					   element_setting(reader, "mqtt", "sources", i - 1,
							   "priority"),
					   where,
					   "priority %u is also that of \"%s\": who wins would be "
					   "chance",
					   (unsigned)source->priority, other->id);
		}
	}
}

static bool prefix_is_valid(const char *prefix)
{
	size_t n = strlen(prefix);
	unsigned levels = 1;

	for (size_t i = 0; i < n; i++) {
		levels += prefix[i] == '/';
		if (strchr("+#$ ", prefix[i]) || (prefix[i] == '/' && prefix[i + 1] == '/'))
			return false;
	}
	return n > 0 && prefix[0] != '/' && prefix[n - 1] != '/' && levels <= 4;
}

static void check_mqtt(struct reader *reader)
{
	const struct mqtt_config *mqtt = &reader->config->mqtt;
	const char *id = reader->config->site.id;

	if (!mqtt->enabled)
		return;
	if (mqtt->tls && !*mqtt->ca_file &&
	    !setting_find(config_root_setting(&reader->tree), "mqtt", "ca_file"))
		SITE_MISTAKE(reader, "mqtt", "url",
			     "ca_file is missing: mqtts:// needs the "
			     "certificates that may sign the broker's");
	if (*mqtt->host && !mqtt->tls && !mqtt->allow_plain && !url_is_loopback(mqtt->host))
		SITE_MISTAKE(reader, "mqtt", "url",
			     "url \"%s\" is not encrypted: use mqtts://, or say allow_plain = true",
			     mqtt->url);
	if (*mqtt->key_file && !*mqtt->cert_file)
		SITE_MISTAKE(reader, "mqtt", "key_file", "key_file is given without cert_file");
	if (*mqtt->cert_file && !*mqtt->key_file)
		SITE_MISTAKE(reader, "mqtt", "cert_file", "cert_file is given without key_file");
	if (*mqtt->password_file && !*mqtt->username)
		SITE_MISTAKE(reader, "mqtt", "password_file",
			     "password_file is given without username");
	if (!prefix_is_valid(mqtt->prefix))
		SITE_MISTAKE(
			reader, "mqtt", "prefix",
			"prefix \"%s\" is no topic of 1 to 4 levels without +, #, $ and spaces",
			mqtt->prefix);
	if (*id && !strstr(mqtt->client_id, id))
		SITE_MISTAKE(
			reader, "mqtt", "client_id",
			"client_id \"%s\" does not contain the bank id \"%s\": two banks could "
			"evict each other",
			mqtt->client_id, id);
}

static void check_store(struct reader *reader)
{
	if (strlen(reader->config->run_dir) > 60)
		SITE_MISTAKE(reader, "store", "run_dir",
			     "run_dir is longer than 60 bytes: the name of a socket in it would "
			     "not fit");
	if (!*reader->config->run_dir)
		SITE_MISTAKE(reader, "store", "run_dir", "run_dir is empty: name a directory");
	if (!*reader->config->state_dir)
		SITE_MISTAKE(reader, "store", "state_dir", "state_dir is empty: name a directory");
}

void check_site(struct reader *reader)
{
	const struct site *site = &reader->config->site;
	const config_setting_t *list = setting_of_site(reader, NULL, "pcs");

	if (strcmp(site->id, "inbox") == 0)
		SITE_MISTAKE(reader, "bank", "id",
			     "id \"inbox\" is reserved for answers: choose another");
	for (unsigned i = 0; i < site->n_pcs; i++)
		check_pcs(reader, i);
	if (config_setting_is_list(list) && site->n_pcs == 0)
		mistake_at(&reader->mistakes, list, "pcs",
			   "there is none: a bank has 1 to %d converters", PCS_MAX);
	check_bus(reader);
	check_grid(reader);
	check_plan(reader);
	check_protection(reader);
	check_proof(reader);
	check_sources(reader);
	check_mqtt(reader);
	check_store(reader);
}
