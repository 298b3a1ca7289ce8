/* The worker against a scripted TCP server that answers late, wrongly, in pieces or not at all. */
#include <CUnit/Basic.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/modbus/poll.h"
#include "drivers/modbus/pool.h"
#include "drivers/modbus/port.h"

enum mood { ANSWER, SILENT, LATE, WRONG_TRANSACTION, WRONG_FUNCTION, TORN, HANG_UP };

/* Registers hold their own address plus 1000 times the unit. */
struct server {
	int listener;
	uint16_t port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int mood[4]; /* enum mood, by unit */
	atomic_uint asked[4], connections, last_written;
};

static void nap(int ms)
{
	poll(NULL, 0, ms);
}

static size_t answer_to(const uint8_t *request, uint8_t *answer)
{
	unsigned unit = request[6], address = (unsigned)request[8] << 8 | request[9];
	unsigned count = (unsigned)request[10] << 8 | request[11];
	size_t n = 8;

	memcpy(answer, request, 8);
	if (request[7] >= 6) {
		memcpy(answer + 8, request + 8, 4);
		n = 12;
	} else {
		answer[n++] = (uint8_t)(2 * count);
		for (unsigned i = 0; i < count; i++) {
			answer[n++] = (uint8_t)((address + i + 1000 * unit) >> 8);
			answer[n++] = (uint8_t)(address + i + 1000 * unit);
		}
	}
	answer[4] = (uint8_t)((n - 6) >> 8);
	answer[5] = (uint8_t)(n - 6);
	return n;
}

/* False: hang up. */
static bool serve_one(struct server *server, int fd)
{
	uint8_t request[300], answer[300];
	ssize_t got = recv(fd, request, sizeof request, 0);
	unsigned unit;
	size_t n;

	if (got < 12)
		return false;
	unit = request[6] % 4;
	atomic_fetch_add(&server->asked[unit], 1);
	if (request[7] == 6)
		atomic_store(&server->last_written, (unsigned)request[10] << 8 | request[11]);
	n = answer_to(request, answer);
	switch ((enum mood)atomic_load(&server->mood[unit])) {
	case SILENT:
		return true;
	case LATE:
		nap(150);
		break;
	case WRONG_TRANSACTION:
		answer[1] ^= 0x55;
		break;
	case WRONG_FUNCTION:
		answer[7] = answer[7] == 3 ? 4 : 3;
		break;
	case TORN:
		return send(fd, answer, 5, MSG_NOSIGNAL) == 5;
	case HANG_UP:
		return false;
	case ANSWER:
		break;
	}
	return send(fd, answer, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void *serve(void *context)
{
	struct server *server = context;
	int fd = -1;

	while (!atomic_load(&server->stop)) {
		struct pollfd item[2] = {{.fd = server->listener, .events = POLLIN},
					 {.fd = fd, .events = POLLIN}};

		if (poll(item, 2, 20) <= 0)
			continue;
		if (item[0].revents) {
			if (fd >= 0)
				close(fd);
			fd = accept(server->listener, NULL, NULL);
			atomic_fetch_add(&server->connections, 1);
		} else if (item[1].revents && !serve_one(server, fd)) {
			close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void server_start(struct server *server)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof at;

	memset(server, 0, sizeof *server);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_FATAL(bind(server->listener, (struct sockaddr *)&at, size) == 0);
	CU_ASSERT_FATAL(listen(server->listener, 4) == 0);
	CU_ASSERT_FATAL(getsockname(server->listener, (struct sockaddr *)&at, &size) == 0);
	server->port = ntohs(at.sin_port);
	pthread_create(&server->thread, NULL, serve, server);
}

static void server_stop(struct server *server)
{
	atomic_store(&server->stop, true);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

struct rig {
	struct server server;
	struct modbus_pool pool;
	struct modbus_poll *poll[4];
	struct modbus_bus *bus;
};

/* Units 1..n, each with a block of 4 registers from 100 every 50 ms. */
static void rig_start(struct rig *rig, unsigned n)
{
	static const struct modbus_block block = {MODBUS_READ_HOLDING, 100, 4, 50};
	struct modbus_address address;
	char url[64];

	server_start(&rig->server);
	rig->pool.n = 0;
	snprintf(url, sizeof url, "tcp://127.0.0.1:%u", (unsigned)rig->server.port);
	CU_ASSERT_PTR_NULL(modbus_address_parse(&address, url));
	for (unsigned i = 1; i <= n; i++) {
		struct modbus_device device;

		rig->poll[i] = modbus_poll_new(&(struct modbus_poll_setup){
			.unit = (uint8_t)i, .timeout_ms = 100, .n_blocks = 1, .block = &block});
		device = modbus_poll_device(rig->poll[i]);
		rig->bus = modbus_pool_add(&rig->pool, &address, &device);
		CU_ASSERT_PTR_NOT_NULL_FATAL(rig->bus);
	}
	CU_ASSERT_EQUAL(rig->pool.n, 1);
	CU_ASSERT_TRUE(modbus_pool_start(&rig->pool));
}

static void rig_stop(struct rig *rig, unsigned n)
{
	CU_ASSERT_TRUE(modbus_pool_stop(&rig->pool));
	for (unsigned i = 1; i <= n; i++)
		modbus_poll_free(rig->poll[i]);
	server_stop(&rig->server);
}

/* Waits for an answer that arrived after this call. */
static bool fresh_within(struct rig *rig, unsigned unit, int ms, struct modbus_image *image)
{
	int64_t from_ms = modbus_clock_ms();

	while (modbus_clock_ms() < from_ms + ms) {
		modbus_poll_read(rig->poll[unit], 0, image);
		if (image->stamp_ms > from_ms)
			return true;
		nap(5);
	}
	return false;
}

/* Whatever the server does for a while, nothing but the truth is taken; and then it works again. */
static void survives(enum mood mood)
{
	struct rig rig;
	struct modbus_image image;
	bool truth = true;

	rig_start(&rig, 2);
	CU_ASSERT_TRUE(fresh_within(&rig, 1, 3000, &image));
	rig.server.mood[1] = mood;
	for (int i = 0; i < 60; i++) {
		for (unsigned unit = 1; unit <= 2; unit++) {
			modbus_poll_read(rig.poll[unit], 0, &image);
			for (unsigned r = 0; r < 4 && image.stamp_ms; r++)
				truth = truth && image.value[r] == 100 + r + 1000 * unit;
		}
		nap(10);
	}
	CU_ASSERT_TRUE(truth);
	rig.server.mood[1] = ANSWER;
	CU_ASSERT_TRUE(fresh_within(&rig, 1, 8000, &image));
	rig_stop(&rig, 2);
}

static void late_answers_are_thrown_away(void)
{
	survives(LATE);
}

static void answers_to_another_transaction_are_thrown_away(void)
{
	survives(WRONG_TRANSACTION);
}

static void answers_of_another_function_are_thrown_away(void)
{
	survives(WRONG_FUNCTION);
}

static void torn_answers_are_thrown_away(void)
{
	survives(TORN);
}

static void a_lost_connection_is_opened_again(void)
{
	struct rig rig;
	struct modbus_image image;

	rig_start(&rig, 1);
	CU_ASSERT_TRUE(fresh_within(&rig, 1, 3000, &image));
	rig.server.mood[1] = HANG_UP;
	nap(300);
	rig.server.mood[1] = ANSWER;
	CU_ASSERT_TRUE(fresh_within(&rig, 1, 8000, &image));
	CU_ASSERT_TRUE(atomic_load(&rig.server.connections) >= 2);
	rig_stop(&rig, 1);
}

static void a_silent_unit_costs_its_neighbour_no_more_than_its_timeout(void)
{
	struct rig rig;
	struct modbus_image image;
	int64_t worst_ms = 0, last_ms, until_ms;

	rig_start(&rig, 2);
	CU_ASSERT_TRUE(fresh_within(&rig, 2, 3000, &image));
	rig.server.mood[1] = SILENT;
	last_ms = modbus_clock_ms();
	until_ms = last_ms + 1500;
	while (modbus_clock_ms() < until_ms) {
		modbus_poll_read(rig.poll[2], 0, &image);
		if (image.stamp_ms > last_ms) {
			if (image.stamp_ms - last_ms > worst_ms)
				worst_ms = image.stamp_ms - last_ms;
			last_ms = image.stamp_ms;
		}
		nap(2);
	}
	/* Timeout 100, period 50, and a slow machine. */
	CU_ASSERT_TRUE(worst_ms > 0 && worst_ms < 400);
	CU_ASSERT_EQUAL(atomic_load(&rig.server.connections), 1);
	rig_stop(&rig, 2);
}

static void what_is_urgent_is_still_sent_at_the_end(void)
{
	struct rig rig;
	struct modbus_image image;

	rig_start(&rig, 1);
	CU_ASSERT_TRUE(fresh_within(&rig, 1, 3000, &image));
	modbus_poll_write(rig.poll[1], 0, MODBUS_WRITE_ONE, 40, 1, (const uint16_t[]){4711});
	rig_stop(&rig, 1);
	CU_ASSERT_EQUAL(atomic_load(&rig.server.last_written), 4711);
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("modbus_bus", NULL, NULL);
	CU_ADD_TEST(suite, late_answers_are_thrown_away);
	CU_ADD_TEST(suite, answers_to_another_transaction_are_thrown_away);
	CU_ADD_TEST(suite, answers_of_another_function_are_thrown_away);
	CU_ADD_TEST(suite, torn_answers_are_thrown_away);
	CU_ADD_TEST(suite, a_lost_connection_is_opened_again);
	CU_ADD_TEST(suite, a_silent_unit_costs_its_neighbour_no_more_than_its_timeout);
	CU_ADD_TEST(suite, what_is_urgent_is_still_sent_at_the_end);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
