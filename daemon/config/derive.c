/* What follows from other keys: visible in config_print, described in the key tables. */
#include <math.h>
#include <string.h>

#include "config/key.h"

static bool is_given(const char *line)
{
	return *line && strcmp(line, "none") != 0;
}

/* "line" -> "chip:line" */
static void line_complete(const struct gpio_config *gpio, char *line)
{
	char full[2 * LINE_SIZE];

	if (!is_given(line) || memchr(line, ':', strcspn(line, ",")))
		return;
	snprintf(full, sizeof(full), "%s:%s", gpio->chip, line);
	if (strlen(full) < LINE_SIZE)
		memcpy(line, full, strlen(full) + 1);
}

static void line_simulated(char *line, const char *pack, const char *what)
{
	if (*line == '\0')
		snprintf(line, LINE_SIZE, "sim:%s-%s", pack, what);
}

/* No lines: one command, and what the pack's messages report. */
static void derive_by_frames(struct pack_contactors *contactors, const struct pack_config *own)
{
	contactors->has[POLE_NEGATIVE] = contactors->has[POLE_PRECHARGE] = false;
	contactors->has[POLE_POSITIVE] = true;
	memcpy(contactors->feedback, own->reports, sizeof(contactors->feedback));
	contactors->precharge_ohm = contactors->precharge_j = 0.0;
}

/* A profile that commands contactors by frames says which it reports, and how long they take. */
static void derive_from_wire(struct pack_contactors *contactors, struct pack_config *own)
{
	if (!own->wire->by_frames)
		return;
	contactors->by_frames = true;
	for (int pole = 0; pole < POLE_COUNT; pole++)
		own->reports[pole] = own->reports[pole] || own->wire->contacts >> pole & 1;
	if (contactors->close_ms < own->wire->close_ms)
		contactors->close_ms = own->wire->close_ms;
	if (contactors->open_ms < own->wire->open_ms)
		contactors->open_ms = own->wire->open_ms;
}

static void derive_contactors(struct config *config, unsigned k)
{
	static const char *const coils[POLE_COUNT] = {"negative", "positive", "precharge"};
	static const char *const contacts[POLE_COUNT] = {"feedback-negative", "feedback-positive",
							 NULL};
	struct pack_site *pack = &config->site.pack[k];
	struct pack_config *own = &config->pack[k];

	if (own->wire && strcmp(own->bus, "sim") != 0)
		derive_from_wire(&pack->contactors, own);
	if (pack->contactors.by_frames) {
		derive_by_frames(&pack->contactors, own);
		return;
	}
	for (int pole = 0; pole < POLE_COUNT; pole++) {
		if (strcmp(config->gpio.chip, "sim") == 0) {
			line_simulated(own->coil[pole], pack->id, coils[pole]);
			if (contacts[pole])
				line_simulated(own->feedback[pole], pack->id, contacts[pole]);
		}
		if (*own->feedback[pole] == '\0' && !contacts[pole])
			snprintf(own->feedback[pole], LINE_SIZE, "none");
		line_complete(&config->gpio, own->coil[pole]);
		line_complete(&config->gpio, own->feedback[pole]);
		pack->contactors.has[pole] = is_given(own->coil[pole]);
		pack->contactors.feedback[pole] = is_given(own->feedback[pole]);
	}
	line_complete(&config->gpio, own->boost);
	if (!pack->contactors.has[POLE_PRECHARGE]) {
		pack->contactors.precharge_ohm = 0.0;
		pack->contactors.precharge_j = 0.0;
	}
}

static void derive_model(struct pack_site *pack, const struct pack_config *own)
{
	struct pack_model *model = &pack->model;

	if (isnan(model->capacity_ah))
		model->capacity_ah = own->passport.intake_capacity_ah;
	if (isnan(model->capacity_ah))
		model->capacity_ah = model->nominal_ah * own->soh;
	if (isnan(model->r_growth))
		model->r_growth = own->passport.intake_r_10s_ohm / model->r_10s_ohm;
	if (isnan(model->r_growth))
		model->r_growth = 1.0 + 3.0 * (1.0 - model->capacity_ah / model->nominal_ah);
	if (model->r_growth < 1.0)
		model->r_growth = 1.0;
	pack->serial = config_serial_digest(own->passport.serial);
}

static void derive_grid(struct config *config)
{
	struct grid_site *grid = &config->site.grid;

	grid->has_meter = strcmp(config->sensor.meter, "none") != 0;
	if (isnan(grid->export_max_w))
		grid->export_max_w = INFINITY;
	if (isnan(grid->import_max_w))
		grid->import_max_w = INFINITY;
	if (isnan(grid->ramp_min_w_s))
		grid->ramp_min_w_s = grid->ramp_w_s / 10.0;
	if (isnan(grid->tracking_w))
		grid->tracking_w = grid->p_max_w > 10000.0 ? 0.05 * grid->p_max_w : 500.0;
	if (!grid->has_meter) {
		grid->no_meter_export_w = 0.0;
		grid->no_meter_import_w = 0.0;
	}
}

static void derive_gpio(struct config *config)
{
	struct gpio_config *gpio = &config->gpio;
	char *lines[] = {gpio->pcs_enable, gpio->heartbeat, gpio->alarm_relay, gpio->fire_relay,
			 gpio->fan,        gpio->supply,    gpio->imd_pwm,     gpio->imd_ok};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line_complete(gpio, lines[i]);
	for (int i = 0; i < INPUT_COUNT; i++) {
		line_complete(gpio, gpio->input[i]);
		config->site.input[i].present = is_given(gpio->input[i]);
	}
	config->site.has_pcs_enable = is_given(gpio->pcs_enable);
}

static void derive_mqtt(struct reader *reader)
{
	struct mqtt_config *mqtt = &reader->config->mqtt;
	const config_setting_t *at = setting_of_site(reader, "mqtt", "url");
	const char *wrong;

	mqtt->enabled = setting_find(config_root_setting(&reader->tree), NULL, "mqtt") != NULL;
	if (!mqtt->enabled)
		return;
	if (*mqtt->client_id == '\0')
		snprintf(mqtt->client_id, sizeof(mqtt->client_id), "rebank-%s",
			 reader->config->site.id);
	wrong = *mqtt->url ? url_parse(mqtt, mqtt->url) : NULL;
	if (wrong)
		mistake_at(&reader->mistakes, at, "mqtt", "url \"%s\" %s", mqtt->url, wrong);
}

static void derive_simulation(struct config *config)
{
	struct twin_config *sim = &config->sim;

	sim->n_packs = config->site.n_packs;
	sim->imd_by_line = strcmp(config->sensor.imd, "pwm") == 0;
	sim->supply_by_line = strcmp(config->sensor.supply, "line") == 0;
	for (unsigned i = 0; i < sim->n_faults; i++) {
		struct twin_fault *fault = &sim->fault[i];

		if (isnan(fault->value))
			fault->value = 0.0;
		if ((int)fault->pole < 0)
			fault->pole = POLE_NEGATIVE;
		if ((int)fault->input < 0)
			fault->input = INPUT_ESTOP;
	}
}

static bool is_simulated(const struct config *config)
{
	if (strcmp(config->gpio.chip, "sim") == 0)
		return true;
	for (unsigned k = 0; k < config->site.n_packs; k++)
		if (strcmp(config->pack[k].bus, "sim") == 0)
			return true;
	for (unsigned i = 0; i < config->site.n_pcs; i++)
		if (strcmp(config->pcs[i].driver, "sim") == 0)
			return true;
	return false;
}

static bool has_real_coil(const struct config *config)
{
	for (unsigned k = 0; k < config->site.n_packs; k++) {
		if (config->site.pack[k].contactors.by_frames &&
		    strcmp(config->pack[k].bus, "sim") != 0)
			return true;
		for (int pole = 0; pole < POLE_COUNT; pole++)
			if (is_given(config->pack[k].coil[pole]) &&
			    strncmp(config->pack[k].coil[pole], "sim:", 4) != 0)
				return true;
	}
	return false;
}

void derive_site(struct reader *reader)
{
	struct config *config = reader->config;
	struct site *site = &config->site;

	derive_gpio(config);
	for (unsigned k = 0; k < site->n_packs; k++) {
		derive_contactors(config, k);
		derive_model(&site->pack[k], &config->pack[k]);
	}
	for (unsigned i = 0; i < site->n_pcs; i++) {
		if (strcmp(config->pcs[i].driver, "victron") == 0 && !*config->pcs[i].map)
			snprintf(config->pcs[i].map, sizeof(config->pcs[i].map), "victron-gx");
		if (isnan(site->pcs[i].dis_max_w))
			site->pcs[i].dis_max_w = site->pcs[i].p_max_w;
		if (isnan(site->pcs[i].cha_max_w))
			site->pcs[i].cha_max_w = site->pcs[i].p_max_w;
		site->pcs[i].self_steered = strcmp(config->pcs[i].driver, "can-bms") == 0;
		site->pcs[i].rests =
			site->pcs[i].self_steered &&
			config->pcs[i].can_bms.without_setpoint == WITHOUT_SETPOINT_ZERO;
	}
	derive_grid(config);
	site->has_imd = strcmp(config->sensor.imd, "none") != 0;
	site->has_supply = strcmp(config->sensor.supply, "none") != 0;
	if (!site->has_supply) {
		site->supply_close_min_v = 0.0;
		site->supply_open_v = 0.0;
	}
	derive_mqtt(reader);
	derive_sunspec(reader);
	derive_simulation(config);
	config->simulated = is_simulated(config);
	site->real_contactors = has_real_coil(config);
}
