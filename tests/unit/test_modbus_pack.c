/* Packs on Modbus against a libmodbus server: three registers, forty coils. */
#include <CUnit/Basic.h>

#include <arpa/inet.h>
#include <math.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "drivers/modbus/port.h"
#include "drivers/pack/modbus.h"

struct server {
	modbus_t *context;
	modbus_mapping_t *map;
	int listener;
	uint16_t port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int deaf_unit; /* this one gets no answer */
};

static void *serve(void *context)
{
	struct server *server = context;
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
	int fd = -1;

	while (!atomic_load(&server->stop)) {
		struct pollfd item[2] = {{.fd = server->listener, .events = POLLIN},
					 {.fd = fd, .events = POLLIN}};
		int got;

		if (poll(item, 2, 20) <= 0)
			continue;
		if (item[0].revents) {
			if (fd >= 0)
				close(fd);
			fd = accept(server->listener, NULL, NULL);
			modbus_set_socket(server->context, fd);
			continue;
		}
		got = modbus_receive(server->context, request);
		if (got < 0) {
			close(fd);
			fd = -1;
		} else if (request[6] != atomic_load(&server->deaf_unit)) {
			modbus_reply(server->context, request, got, server->map);
		}
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void server_start(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	memset(server, 0, sizeof *server);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(server->listener, (struct sockaddr *)&address, size), 0);
	CU_ASSERT_EQUAL_FATAL(listen(server->listener, 4), 0);
	getsockname(server->listener, (struct sockaddr *)&address, &size);
	server->port = ntohs(address.sin_port);
	server->context = modbus_new_tcp(NULL, 0);
	server->map = modbus_mapping_new(40, 0, 0, 3);
	server->map->tab_input_registers[0] = 5120;           /* 51.20 V */
	server->map->tab_input_registers[1] = (uint16_t)-250; /* 2.5 A, + charge: -2.5 */
	server->map->tab_input_registers[2] = 3300;
	server->map->tab_bits[0] = 1;
	server->map->tab_bits[33] = 1;
	atomic_store(&server->deaf_unit, -1);
	pthread_create(&server->thread, NULL, serve, server);
}

static void server_stop(struct server *server)
{
	atomic_store(&server->stop, true);
	pthread_join(server->thread, NULL);
	modbus_mapping_free(server->map);
	modbus_free(server->context);
	close(server->listener);
}

/* Registers 0..2 every 50 ms, coils 0..39 every 50 ms: coil 33 forbids charging. */
static void wire_fill(struct wire *wire)
{
	memset(wire, 0, sizeof *wire);
	wire->current_sign = -1.0;
	wire->groups = WIRE_ELECTRICAL | WIRE_CELLS | WIRE_BMS;
	wire->fits = 1;
	wire->n_blocks = 2;
	wire->block[0] =
		(struct wire_block){4, 0, 3, {.n_signals = 3, .length_min = 6, .period_ms = 50}};
	wire->block[1] = (struct wire_block){
		1, 0, 40, {.first_signal = 3, .n_signals = 1, .length_min = 5, .period_ms = 50}};
	wire->n_signals = 4;
	wire->signal[0] = (struct wire_signal){.target = WIRE_TO_PACK_V,
					       .bits = {0, 2, 0, 16, .big_endian = true},
					       .scale = 0.01,
					       .low = 10,
					       .high = 100,
					       .count = 1};
	wire->signal[1] =
		(struct wire_signal){.target = WIRE_TO_CURRENT_A,
				     .bits = {2, 2, 0, 16, .big_endian = true, .is_signed = true},
				     .scale = 0.01,
				     .low = -300,
				     .high = 300,
				     .count = 1};
	wire->signal[2] = (struct wire_signal){.target = WIRE_TO_CELL_MIN_V,
					       .bits = {4, 2, 0, 16, .big_endian = true},
					       .scale = 0.001,
					       .low = 1,
					       .high = 5,
					       .count = 1};
	wire->signal[3] = (struct wire_signal){.target = WIRE_TO_FLAG,
					       .bits = {4, 1, 1, 1, .big_endian = false},
					       .scale = 1,
					       .n_codes = 1,
					       .code = {0},
					       .count = 1,
					       .bms_flag = BMS_NO_CHARGE};
	wire->n_flags = 1;
	wire->required_flags = 1;
	wire->required = 1u << WIRE_TO_PACK_V | 1u << WIRE_TO_CURRENT_A | 1u << WIRE_TO_CELL_MIN_V;
}

struct bench {
	struct server server;
	struct wire wire;
	struct pack_limits limit;
	struct modbus_pool pool;
	struct driver driver;
};

static struct bench bench;
static struct bank_inputs in;

static void bench_open(unsigned packs)
{
	struct modbus_pack pack[2];

	memset(&bench, 0, sizeof bench);
	memset(&in, 0, sizeof in);
	server_start(&bench.server);
	wire_fill(&bench.wire);
	bench.limit = (struct pack_limits){.pack_min_v = 40,
					   .pack_max_v = 58,
					   .cell_trip_low_v = 2.5,
					   .cell_trip_high_v = 3.7,
					   .dis_max_a = 100,
					   .cha_max_a = 100,
					   .temp_trip_c = 60};
	for (unsigned i = 0; i < packs; i++)
		pack[i] = (struct modbus_pack){
			.pack = i,
			.address = {.tcp = true, .host = "127.0.0.1", .port = bench.server.port},
			.unit = (uint8_t)(i + 1),
			.timeout_ms = 60,
			.wire = &bench.wire,
			.limit = &bench.limit};
	CU_ASSERT_TRUE_FATAL(modbus_packs_open(&bench.driver, &bench.pool, packs, pack));
	CU_ASSERT_TRUE_FATAL(modbus_pool_start(&bench.pool));
}

static void bench_close(void)
{
	CU_ASSERT_TRUE(modbus_pool_stop(&bench.pool));
	bench.driver.close(bench.driver.self);
	server_stop(&bench.server);
}

static void gather(void)
{
	in.now_ms = modbus_clock_ms();
	bench.driver.gather(bench.driver.self, &in);
}

#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		for (int i_ = 0; i_ < 1000 && !(condition); i_++) {                                 \
			poll(NULL, 0, 10);                                                         \
			gather();                                                                  \
		}                                                                                  \
		CU_ASSERT_TRUE(condition);                                                         \
	} while (0)

static void registers_and_coils_become_a_sample(void)
{
	bench_open(1);
	gather();
	CU_ASSERT_TRUE(isnan(in.pack[0].pack_v));
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_UNKNOWN);
	WAIT_FOR(in.pack[0].electrical_ms != 0 && in.pack[0].bms_ms != 0);
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].pack_v, 51.2, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].current_a, 2.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].cell_min_v, 3.3, 1e-9);
	CU_ASSERT_EQUAL(in.pack[0].bms_flags, BMS_NO_CHARGE);
	CU_ASSERT_EQUAL(in.pack[0].link, LINK_OK);
	CU_ASSERT_TRUE(in.now_ms - in.pack[0].electrical_ms < 1000);
	bench.server.map->tab_bits[33] = 0;
	WAIT_FOR(in.pack[0].bms_flags == 0);
	bench_close();
}

static void a_dead_slave_goes_stale_and_its_neighbour_does_not(void)
{
	int64_t stopped_ms;

	bench_open(2);
	WAIT_FOR(in.pack[0].electrical_ms != 0 && in.pack[1].electrical_ms != 0);
	atomic_store(&bench.server.deaf_unit, 2);
	WAIT_FOR(in.pack[1].link == LINK_OFF);
	stopped_ms = in.pack[1].electrical_ms;
	for (int i = 0; i < 50; i++) {
		poll(NULL, 0, 20);
		gather();
		CU_ASSERT_TRUE(in.now_ms - in.pack[0].electrical_ms < 1000);
	}
	CU_ASSERT_EQUAL(in.pack[1].electrical_ms, stopped_ms);
	atomic_store(&bench.server.deaf_unit, -1);
	WAIT_FOR(in.pack[1].link == LINK_OK && in.pack[1].electrical_ms > stopped_ms);
	bench_close();
}

static void a_refusal_is_counted_and_reads_nothing(void)
{
	bench_open(1);
	WAIT_FOR(in.pack[0].electrical_ms != 0);
	bench.wire.block[0].address = 100; /* the server has no such registers */
	WAIT_FOR(in.pack[0].bad_frames >= 2);
	CU_ASSERT_TRUE(in.now_ms - in.pack[0].electrical_ms > 40);
	bench_close();
}

/* A reading beyond a limit wakes the control thread at once. */
static void a_dangerous_reading_is_urgent(void)
{
	struct pollfd item;
	bool urgent = false;

	bench_open(1);
	WAIT_FOR(in.pack[0].electrical_ms != 0);
	item = (struct pollfd){.fd = bench.driver.urgent_fd, .events = POLLIN};
	bench.server.map->tab_input_registers[2] = 2400;
	for (int i = 0; i < 400 && !urgent; i++)
		if (poll(&item, 1, 10) > 0)
			urgent = bench.driver.urgent(bench.driver.self, modbus_clock_ms());
	CU_ASSERT_TRUE(urgent);
	gather();
	CU_ASSERT_DOUBLE_EQUAL(in.pack[0].cell_min_v, 2.4, 1e-9);
	bench_close();
}

static void blocks_that_no_request_can_carry_are_refused(void)
{
	struct modbus_pack pack = {.address = {.tcp = true, .host = "127.0.0.1", .port = 1},
				   .unit = 1,
				   .timeout_ms = 100,
				   .wire = &bench.wire,
				   .limit = &bench.limit};
	struct modbus_pool pool = {0};
	struct driver driver;

	wire_fill(&bench.wire);
	bench.wire.block[0].count = 126;
	CU_ASSERT_FALSE(modbus_packs_open(&driver, &pool, 1, &pack));
	modbus_pool_stop(&pool);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"registers_and_coils_become_a_sample", registers_and_coils_become_a_sample},
		{"a_dead_slave_goes_stale_and_its_neighbour_does_not",
		 a_dead_slave_goes_stale_and_its_neighbour_does_not},
		{"a_refusal_is_counted_and_reads_nothing", a_refusal_is_counted_and_reads_nothing},
		{"a_dangerous_reading_is_urgent", a_dangerous_reading_is_urgent},
		{"blocks_that_no_request_can_carry_are_refused",
		 blocks_that_no_request_can_carry_are_refused},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"modbus_pack", NULL, NULL, NULL, NULL, tests},
				 CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
