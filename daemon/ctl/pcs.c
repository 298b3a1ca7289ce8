/* rebankctl pcs: what converters and meters on Modbus offer, and whether their dead-man holds. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "drivers/modbus/port.h"
#include "plant/modbus.h"

enum { TICK_MS = 100 };

struct probe {
	bool prove;
	double for_s;
	struct modbus_pool pool;
	unsigned n_pcs, n_meters;
	struct pcs_place pcs[PCS_MAX];
	struct meter_place meter[METERS_MAX];
	const char *pcs_id[PCS_MAX], *meter_id[METERS_MAX];
	struct driver pcs_driver, meter_driver;
};

static const char *state_word(enum pcs_state state)
{
	static const char *const words[] = {[PCS_UNKNOWN] = "state not known",
					    [PCS_OFF] = "off",
					    [PCS_STARTING] = "starting",
					    [PCS_RUNNING] = "running",
					    [PCS_FAULT] = "in fault"};

	return words[state];
}

static void quantity_print(const char *name, double value, const char *unit)
{
	if (isnan(value))
		printf("  %-12s not told\n", name);
	else
		printf("  %-12s %.6g %s\n", name, value, unit);
}

static void models_print(const struct pcs_status *status)
{
	if (status->n_models == 0)
		return;
	printf("  models      ");
	for (unsigned i = 0; i < status->n_models; i++)
		printf(" %u@%u", (unsigned)status->model_at[i].id,
		       (unsigned)status->model_at[i].address);
	printf("\n");
}

static void steering_print(const struct pcs_traits *traits)
{
	printf("  steered by   %s%s%s%s\n", traits->control ? traits->control : "nothing",
	       traits->can_charge ? "" : ", cannot charge",
	       traits->can_discharge ? "" : ", cannot discharge",
	       traits->can_stop ? "" : ", cannot be switched off");
	printf("  safe state   %s\n", traits->safe ? traits->safe : "none");
	quantity_print("resolution", traits->resolution_w, "W");
	if (isinf(traits->step_max_w))
		printf("  step         any\n");
	else
		quantity_print("step", traits->step_max_w, "W at most");
}

/* What Rebank knows better, by its packs. */
static void storage_print(const struct pcs_status *status)
{
	if (!status->stores)
		return;
	quantity_print("its battery", status->stored_wh, "Wh when full");
	quantity_print("  charge", status->stored_soc_pct, "%");
	quantity_print("  health", status->stored_soh_pct, "%");
}

/* False: the answer is no. */
static bool dead_man_print(const struct probe *probe, const struct pcs_setup *setup,
			   const struct pcs_status *status)
{
	bool proven = status->sample.dead_man_proven;

	if (!probe->prove || setup->dead_man_ms == 0) {
		printf("  dead-man     %s\n",
		       setup->dead_man_ms == 0 ? "none asked for" : "not tried: --prove");
		return true;
	}
	printf("  dead-man     %s\n", proven ? "read back: ends at 0 W, enabled, in time"
					     : "NOT PROVEN: gpio.pcs_enable is needed");
	return proven;
}

static bool pcs_print(const struct probe *probe, unsigned i)
{
	const struct pcs_setup *setup = &probe->pcs[i].setup;
	struct pcs_status status;
	bool good;

	pcs_bank_status(&probe->pcs_driver, i, &status);
	printf("%s: %s %s %s %s\n", probe->pcs_id[i], status.maker, status.model, status.version,
	       status.serial);
	models_print(&status);
	if (*status.trouble)
		printf("  trouble      %s\n", status.trouble);
	if (status.sample.stamp_ms == 0)
		return false;
	printf("  state        %s, faults 0x%x\n", state_word(status.sample.state),
	       (unsigned)status.sample.faults);
	quantity_print("AC power", status.sample.ac_w, "W");
	quantity_print("DC power", status.sample.dc_w, "W");
	quantity_print("DC voltage", status.sample.dc_v, "V");
	quantity_print("DC current", status.sample.dc_a, "A");
	quantity_print("frequency", status.sample.freq_hz, "Hz");
	quantity_print("discharge", status.sample.dis_max_w, "W at most");
	quantity_print("charge", status.sample.cha_max_w, "W at most");
	storage_print(&status);
	steering_print(&status.traits);
	good = dead_man_print(probe, setup, &status);
	return good && !*status.trouble;
}

static bool meter_print(const struct probe *probe, unsigned i)
{
	struct meter_status status;

	meter_bank_status(&probe->meter_driver, i, &status);
	printf("%s: %s %s %s\n", probe->meter_id[i], status.maker, status.model, status.serial);
	if (*status.trouble)
		printf("  trouble      %s\n", status.trouble);
	if (status.stamp_ms == 0)
		return false;
	quantity_print("power", status.p_w, "W, + export");
	quantity_print("frequency", status.freq_hz, "Hz");
	quantity_print("DC voltage", status.v, "V");
	return !*status.trouble;
}

/* Plays the control thread, whose every command is 0 W and off. */
static void ask(struct probe *probe)
{
	static const struct bank_outputs off;
	int64_t end_ms = modbus_clock_ms() + (int64_t)(1000.0 * probe->for_s);
	int64_t now_ms;

	while ((now_ms = modbus_clock_ms()) < end_ms) {
		if (probe->n_pcs > 0)
			probe->pcs_driver.apply(probe->pcs_driver.self, now_ms, &off);
		poll(NULL, 0, TICK_MS);
	}
}

static int run(struct probe *probe)
{
	bool good = true;

	for (unsigned i = 0; i < probe->n_pcs; i++)
		probe->pcs[i].setup.look_only = !probe->prove;
	if ((probe->n_pcs > 0 &&
	     !pcs_bank_open(&probe->pcs_driver, &probe->pool, probe->n_pcs, probe->pcs)) ||
	    (probe->n_meters > 0 &&
	     !meter_bank_open(&probe->meter_driver, &probe->pool, probe->n_meters, probe->meter)) ||
	    !modbus_pool_start(&probe->pool)) {
		fprintf(stderr, "rebankctl pcs: %s\n", strerror(errno));
		return CTL_FAILED;
	}
	ask(probe);
	for (unsigned i = 0; i < probe->n_pcs; i++)
		good = pcs_print(probe, i) && good;
	for (unsigned i = 0; i < probe->n_meters; i++)
		good = meter_print(probe, i) && good;
	if (modbus_pool_stop(&probe->pool)) {
		if (probe->n_pcs > 0)
			probe->pcs_driver.close(probe->pcs_driver.self);
		if (probe->n_meters > 0)
			probe->meter_driver.close(probe->meter_driver.self);
	}
	return good ? CTL_OK : CTL_FAILED;
}

static int url_take(struct probe *probe, const char *url, double dead_man_s)
{
	struct modbus_address address;
	const char *wrong = modbus_address_parse(&address, url);

	if (!wrong && address.unit == MODBUS_UNIT_NONE)
		wrong = address.tcp ? "names no unit: end it with /1"
				    : "names no unit: end it with ?unit=1";
	if (wrong) {
		fprintf(stderr, "rebankctl pcs: \"%s\" %s\n", url, wrong);
		return CTL_USAGE;
	}
	probe->pcs_id[0] = url;
	probe->pcs[probe->n_pcs++] =
		(struct pcs_place){.kind = &pcs_sunspec,
				   .address = address,
				   .setup = {.unit = (uint8_t)address.unit,
					     .timeout_ms = 500,
					     .poll_ms = 500,
					     .dead_man_ms = (int32_t)(1000.0 * dead_man_s)}};
	return CTL_OK;
}

static int file_take(struct probe *probe, const struct config *config)
{
	probe->n_pcs = plant_pcs_places(config, probe->pcs);
	probe->n_meters = plant_meter_places(config, probe->meter);
	for (unsigned i = 0; i < probe->n_pcs; i++)
		probe->pcs_id[i] = config->site.pcs[probe->pcs[i].index].id;
	for (unsigned i = 0; i < probe->n_meters; i++)
		probe->meter_id[i] = config->meter[i].id;
	if (probe->n_pcs + probe->n_meters > 0)
		return CTL_OK;
	fprintf(stderr, "rebankctl pcs: nothing of this site hangs on Modbus\n");
	return CTL_FAILED;
}

int ctl_pcs(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"prove", no_argument, NULL, 'P'},
						{"dead-man", required_argument, NULL, 'd'},
						{"for", required_argument, NULL, 'f'},
						{"profiles", required_argument, NULL, 'p'},
						{NULL, 0, NULL, 0}};
	struct probe *probe = calloc(1, sizeof(*probe));
	struct config *config = calloc(1, sizeof(*config));
	const char *profiles = NULL;
	double dead_man_s = 5.0;
	int option, result = CTL_OK;

	if (!probe || !config)
		abort();
	probe->for_s = 6.0;
	while (result == CTL_OK && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'P')
			probe->prove = true;
		else if (option == 'p')
			profiles = optarg;
		else if ((option != 'd' && option != 'f') ||
			 !ctl_parse_duration(optarg, option == 'd' ? &dead_man_s : &probe->for_s))
			result = ctl_usage(self, "unknown option, or a time that is none");
	}
	if (result == CTL_OK && optind + 1 != argc)
		result = ctl_usage(self, "name one site file or one url");
	if (result == CTL_OK && modbus_address_is(argv[optind]))
		result = url_take(probe, argv[optind], dead_man_s);
	else if (result == CTL_OK)
		result = config_load(argv[optind], profiles, config, stderr) == 0
				 ? file_take(probe, config)
				 : CTL_CONFIG;
	if (result == CTL_OK)
		result = run(probe);
	config_free(config);
	free(config);
	free(probe);
	return result;
}
