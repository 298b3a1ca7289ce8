/*
 * What converters and meters on Modbus cost: the way of a setpoint to the converter's register
 * beside a plain write on the same loopback, a tick with dead devices beside one with none, and the
 * processor time of polling. The devices are a child process with libmodbus's own server.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/pcs/bank.h"
#include "drivers/pcs/meter.h"

enum {
	BASE = 40000,
	UNITS = 6, /* 1..4 converters, 5..6 meters */
	CONVERTERS = 4,
	REGISTERS = 400,
	SETPOINTS = 1000,
	TICKS = 20,
	AT_701 = 2 + 68,
	AT_704 = AT_701 + 155,
	AT_714 = AT_704 + 67,
	AT_END = AT_714 + 45,
	AT_203 = 2 + 68,
};

struct shared {
	_Atomic int32_t setpoint; /* of unit 1, as it was written last */
	_Atomic int64_t at_us;
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the devices --------------------------------------------------------------------------- */

static void model_put(uint16_t *at, uint16_t id, uint16_t length)
{
	at[0] = id;
	at[1] = length;
	for (unsigned i = 0; i < length; i++)
		at[2 + i] = 0xffff;
}

static void converter_put(uint16_t *at)
{
	at[0] = 0x5375;
	at[1] = 0x6e53;
	model_put(at + 2, 1, 66);
	model_put(at + AT_701, 701, 153);
	model_put(at + AT_704, 704, 65);
	model_put(at + AT_714, 714, 43);
	at[AT_701 + 4] = 3;
	at[AT_701 + 10] = at[AT_701 + 116] = 0;
	memset(&at[AT_704 + 22], 0, 13 * sizeof *at);
	at[AT_704 + 55] = 0;
	at[AT_714 + 5] = at[AT_714 + 6] = at[AT_714 + 15] = at[AT_714 + 17] = 0;
	at[AT_END] = 0xffff;
	at[AT_END + 1] = 0;
}

static void meter_put(uint16_t *at)
{
	at[0] = 0x5375;
	at[1] = 0x6e53;
	model_put(at + 2, 1, 66);
	model_put(at + AT_203, 203, 105);
	at[AT_203 + 18] = 500;
	at[AT_203 + 22] = 0;
	at[AT_203 + 107] = 0xffff;
	at[AT_203 + 108] = 0;
}

static void serve(modbus_t *context, int listener, struct shared *shared)
{
	modbus_mapping_t *map[UNITS + 1];
	uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];

	for (unsigned i = 1; i <= UNITS; i++) {
		map[i] = modbus_mapping_new_start_address(0, 0, 0, 0, BASE, REGISTERS, 0, 0);
		if (i <= CONVERTERS)
			converter_put(map[i]->tab_registers);
		else
			meter_put(map[i]->tab_registers);
	}
	while (modbus_tcp_accept(context, &listener) >= 0) {
		int n;

		while ((n = modbus_receive(context, query)) >= 0) {
			unsigned unit = query[6] >= 1 && query[6] <= UNITS ? query[6] : 1;

			modbus_reply(context, query, n, map[unit]);
			if (unit == 1 && query[7] == 16) {
				const uint16_t *at = &map[1]->tab_registers[AT_704 + 24];

				atomic_store(&shared->at_us, clock_us(CLOCK_MONOTONIC));
				atomic_store(&shared->setpoint,
					     (int32_t)((uint32_t)at[0] << 16 | at[1]));
			}
		}
		modbus_close(context);
	}
}

static pid_t devices_start(unsigned *port, struct shared *shared)
{
	modbus_t *context;
	int listener = -1;
	pid_t pid;

	for (*port = 15020; listener < 0 && *port < 15100; ++*port) {
		context = modbus_new_tcp("127.0.0.1", (int)*port);
		listener = modbus_tcp_listen(context, 4);
		if (listener >= 0)
			break;
		modbus_free(context);
	}
	pid = fork();
	if (pid == 0) {
		serve(context, listener, shared);
		_exit(0);
	}
	close(listener);
	return pid;
}

/* ---- figures -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static int64_t percentile(int64_t *value, unsigned n, double share)
{
	qsort(value, n, sizeof *value, by_value);
	return value[(unsigned)(share * (n - 1))];
}

static void nap(int ms)
{
	poll(NULL, 0, ms);
}

/* A plain write and its answer: what the same loopback and server take. */
static int64_t plain_p99_us(unsigned port)
{
	modbus_t *context = modbus_new_tcp("127.0.0.1", (int)port);
	static int64_t us[SETPOINTS];
	uint16_t value[11] = {0};

	if (modbus_connect(context) != 0) {
		fprintf(stderr, "bench_modbus: %s\n", modbus_strerror(errno));
		exit(1);
	}
	modbus_set_slave(context, 2);
	for (unsigned i = 0; i < SETPOINTS; i++) {
		int64_t from_us = clock_us(CLOCK_MONOTONIC);

		modbus_write_registers(context, BASE + AT_704 + 22, 11, value);
		us[i] = clock_us(CLOCK_MONOTONIC) - from_us;
	}
	modbus_close(context);
	modbus_free(context);
	return percentile(us, SETPOINTS, 0.99);
}

struct rig {
	struct modbus_pool pool;
	struct driver pcs, meter;
	struct bank_inputs in;
	struct bank_outputs out;
};

static void rig_open(struct rig *rig, unsigned port, int32_t poll_ms)
{
	struct modbus_address address = {.tcp = true, .host = "127.0.0.1", .port = (uint16_t)port};
	struct pcs_place place[CONVERTERS];
	struct meter_place meter[UNITS - CONVERTERS];

	memset(rig, 0, sizeof *rig);
	for (unsigned i = 0; i < CONVERTERS; i++)
		place[i] = (struct pcs_place){.index = i,
					      .kind = &pcs_sunspec,
					      .address = address,
					      .setup = {.unit = (uint8_t)(i + 1),
							.timeout_ms = 300,
							.poll_ms = poll_ms,
							.dead_man_ms = 5000}};
	for (unsigned i = 0; i < UNITS - CONVERTERS; i++)
		meter[i] = (struct meter_place){.kind = &meter_sunspec,
						.address = address,
						.setup = {.unit = (uint8_t)(CONVERTERS + 1 + i),
							  .timeout_ms = 300,
							  .poll_ms = poll_ms},
						.is_grid = true};
	if (!pcs_bank_open(&rig->pcs, &rig->pool, CONVERTERS, place) ||
	    !meter_bank_open(&rig->meter, &rig->pool, UNITS - CONVERTERS, meter) ||
	    !modbus_pool_start(&rig->pool))
		abort();
}

static void rig_close(struct rig *rig)
{
	modbus_pool_stop(&rig->pool);
	rig->pcs.close(rig->pcs.self);
	rig->meter.close(rig->meter.self);
}

/* The control thread's part of one tick, microseconds. */
static int64_t tick(struct rig *rig)
{
	int64_t from_us = clock_us(CLOCK_MONOTONIC);

	rig->pcs.gather(rig->pcs.self, &rig->in);
	rig->meter.gather(rig->meter.self, &rig->in);
	rig->pcs.apply(rig->pcs.self, from_us / 1000, &rig->out);
	return clock_us(CLOCK_MONOTONIC) - from_us;
}

static void ticks(struct rig *rig, unsigned n, int64_t us[])
{
	for (unsigned i = 0; i < n; i++) {
		us[i] = tick(rig);
		nap(100);
	}
}

static void setpoint_bench(unsigned port, struct shared *shared)
{
	static struct rig rig;
	static int64_t us[SETPOINTS];
	int64_t plain_us = plain_p99_us(port), p99_us;

	rig_open(&rig, port, 1000);
	while (rig.in.pcs[0].stamp_ms == 0) {
		tick(&rig);
		nap(50);
	}
	for (unsigned i = 0; i < SETPOINTS; i++) {
		int32_t want = (int32_t)(1000 + i % 2000);
		int64_t from_us = clock_us(CLOCK_MONOTONIC);

		rig.out.pcs_enable = rig.out.pcs[0].run = true;
		rig.out.pcs[0].p_w = want;
		tick(&rig);
		while (atomic_load(&shared->setpoint) != want &&
		       clock_us(CLOCK_MONOTONIC) - from_us < 2000000)
			sched_yield();
		us[i] = atomic_load(&shared->at_us) - from_us;
		nap(2);
	}
	p99_us = percentile(us, SETPOINTS, 0.99);
	printf("setpoint to register (target: p99 <= one round trip after the tick, polling "
	       "included)\n");
	printf("  plain   %7.3f ms p99, write and answer\n", (double)plain_us / 1000.0);
	printf("  ours    %7.3f ms p50, %.3f ms p99, from the tick to the register: %.1f x\n",
	       (double)us[SETPOINTS / 2] / 1000.0, (double)p99_us / 1000.0,
	       (double)p99_us / (double)plain_us);
	rig_close(&rig);
}

static void cpu_bench(unsigned port)
{
	static struct rig rig;
	int64_t us[100], from_us;

	rig_open(&rig, port, 1000);
	ticks(&rig, 30, us);
	from_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	ticks(&rig, 100, us);
	printf("polling 4 converters and 2 meters at 1 Hz (target: <= 1 %% of a core)\n"
	       "  cpu     %.2f %% of one core\n",
	       (double)(clock_us(CLOCK_PROCESS_CPUTIME_ID) - from_us) / 1e5);
	rig_close(&rig);
}

static void dead_bench(unsigned port, pid_t devices)
{
	static struct rig rig;
	int64_t alive[TICKS], dead[TICKS];

	rig_open(&rig, port, 500);
	ticks(&rig, TICKS, alive);
	ticks(&rig, TICKS, alive);
	kill(devices, SIGSTOP); /* connected, and silent */
	ticks(&rig, TICKS, dead);
	kill(devices, SIGCONT);
	printf("tick with dead converters and meters (target: < 1 ms more)\n");
	printf("  alive   %7.3f ms worst\n", (double)percentile(alive, TICKS, 1.0) / 1000.0);
	printf("  dead    %7.3f ms worst\n", (double)percentile(dead, TICKS, 1.0) / 1000.0);
	rig_close(&rig);
}

int main(void)
{
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned port;
	pid_t devices;

	signal(SIGPIPE, SIG_IGN);
	if (shared == MAP_FAILED)
		return 1;
	devices = devices_start(&port, shared);
	setpoint_bench(port, shared);
	cpu_bench(port);
	dead_bench(port, devices);
	kill(devices, SIGTERM);
	waitpid(devices, NULL, 0);
	return 0;
}
