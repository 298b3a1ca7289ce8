/*
 * The converter driver without a bank: commands come in by line, what is known goes out as JSON.
 * Used by converter_*.py.
 *
 *	pcs_peer SITE       its converters and meters on Modbus, opened as rebankd does
 *
 *	run POWER_W | stop | hang SECONDS | status | meter | quit
 *
 * "hang": the control thread does nothing for so long. Every command but that ticks at 100 ms.
 */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/modbus/port.h"
#include "plant/modbus.h"

enum { TICK_MS = 100 };

static struct bank_inputs in;
static struct bank_outputs out;

static void number_print(const char *name, double value)
{
	if (isnan(value))
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": %.10g", name, value);
}

static void status_print(const struct driver *driver)
{
	struct pcs_status status;

	pcs_bank_status(driver, 0, &status);
	printf("{\"age_ms\": %lld, \"state\": %d",
	       status.sample.stamp_ms ? (long long)(modbus_clock_ms() - status.sample.stamp_ms)
				      : -1,
	       (int)status.sample.state);
	number_print("ac_w", status.sample.ac_w);
	number_print("dc_w", status.sample.dc_w);
	number_print("dc_v", status.sample.dc_v);
	number_print("dc_a", status.sample.dc_a);
	number_print("freq_hz", status.sample.freq_hz);
	number_print("dis_max_w", status.sample.dis_max_w);
	number_print("cha_max_w", status.sample.cha_max_w);
	number_print("resolution_w", status.traits.resolution_w);
	printf(", \"faults\": %u, \"proven\": %s, \"dead_man_ms\": %d, \"refresh_ms\": %d, "
	       "\"can_charge\": %s, \"can_stop\": %s, \"control\": \"%s\", \"maker\": \"%s\", "
	       "\"model\": \"%s\", \"serial\": \"%s\", \"trouble\": \"%s\", \"walks\": %u, "
	       "\"commands\": %u}\n",
	       status.sample.faults, status.sample.dead_man_proven ? "true" : "false",
	       status.traits.dead_man_ms, status.traits.refresh_ms,
	       status.traits.can_charge ? "true" : "false",
	       status.traits.can_stop ? "true" : "false",
	       status.traits.control ? status.traits.control : "", status.maker, status.model,
	       status.serial, status.trouble, status.walks, status.commands);
}

static void age_print(const char *name, int64_t stamp_ms)
{
	printf("\"%s\": %lld", name, stamp_ms ? (long long)(modbus_clock_ms() - stamp_ms) : -1);
}

static void meters_print(void)
{
	printf("{");
	age_print("age_ms", in.meter.stamp_ms);
	number_print("p_w", in.meter.p_w);
	number_print("freq_hz", in.meter.freq_hz);
	printf(", ");
	age_print("bus_age_ms", in.bus.stamp_ms);
	number_print("v", in.bus.v);
	printf("}\n");
}

static void wait_ms(int64_t ms)
{
	struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
}

/* False: the end. */
static bool obey(const char *line, const struct driver *driver)
{
	double number = 0.0;

	if (sscanf(line, "run %lf", &number) == 1) {
		out.pcs_enable = out.pcs[0].run = true;
		out.pcs[0].p_w = number;
	} else if (strncmp(line, "stop", 4) == 0) {
		out.pcs_enable = out.pcs[0].run = false;
		out.pcs[0].p_w = 0.0;
	} else if (sscanf(line, "hang %lf", &number) == 1) {
		wait_ms((int64_t)(1000.0 * number));
	} else if (strncmp(line, "meter", 5) == 0) {
		meters_print();
		return true;
	} else if (strncmp(line, "status", 6) == 0) {
		status_print(driver);
		return true;
	} else {
		return false;
	}
	printf("{}\n");
	return true;
}

/* The longest tick, so that the test can see that no converter costs it anything. */
static void serve(struct driver *driver, unsigned n)
{
	struct pollfd item = {.fd = 0, .events = POLLIN};
	char line[128];

	for (;;) {
		int64_t now_ms = modbus_clock_ms();

		for (unsigned i = 0; i < n; i++) {
			driver[i].gather(driver[i].self, &in);
			driver[i].apply(driver[i].self, now_ms, &out);
		}
		if (poll(&item, 1, TICK_MS) <= 0)
			continue;
		if (!fgets(line, sizeof line, stdin) || !obey(line, driver))
			return;
	}
}

int main(int argc, char **argv)
{
	static struct config config;
	struct modbus_pool pool = {.n = 0};
	struct driver driver[2];
	int pcs, meters;
	unsigned n;

	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || config_load(argv[1], NULL, &config, stderr) != 0)
		return 78;
	pcs = plant_pcs_add(&driver[0], &pool, &config);
	meters = pcs > 0 ? plant_meters_add(&driver[1], &pool, &config) : -1;
	if (meters < 0 || !modbus_pool_start(&pool))
		return 71;
	n = meters > 0 ? 2 : 1;
	serve(driver, n);
	out.pcs_enable = out.pcs[0].run = false;
	driver[0].apply(driver[0].self, modbus_clock_ms(), &out);
	if (!modbus_pool_stop(&pool))
		return 70;
	while (n-- > 0)
		driver[n].close(driver[n].self);
	config_free(&config);
	return 0;
}
