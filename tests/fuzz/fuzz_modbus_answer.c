/*
 * libFuzzer harness of the Modbus client: any bytes as the answer to a request on TCP. Only what
 * libmodbus matched to the request may be called an answer. The port is taken in whole, to give it
 * a socket of ours.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Idaemon -I. -D_GNU_SOURCE \
 *     tests/fuzz/fuzz_modbus_answer.c drivers/modbus/poll.c drivers/worker/ -lmodbus \
 *     -o fuzz_modbus_answer
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/modbus/poll.h"
/* struct modbus_port is known here only so. */
#include "drivers/modbus/port.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The transaction id that libmodbus counts from its first request on. */
static void transaction_put(int fd, const uint8_t *data, size_t size, uint16_t transaction)
{
	uint8_t answer[512];

	if (size < 2 || size > sizeof answer)
		return;
	memcpy(answer, data, size);
	if (data[0] & 1) { /* half of the answers belong to the request */
		answer[0] = (uint8_t)(transaction >> 8);
		answer[1] = (uint8_t)transaction;
	}
	if (send(fd, answer, size, MSG_NOSIGNAL) < 0)
		return;
}

/* Waits until the request is there: what arrived before it is thrown away. */
struct peer {
	int fd;
	const uint8_t *data;
	size_t size;
};

static void *peer_run(void *context)
{
	struct peer *peer = context;
	uint8_t request[300];

	if (recv(peer->fd, request, sizeof request, 0) >= 12)
		transaction_put(peer->fd, peer->data, peer->size,
				(uint16_t)(request[0] << 8 | request[1]));
	shutdown(peer->fd, SHUT_WR);
	return NULL;
}

static void check(const struct modbus_request *request, const struct modbus_answer *answer)
{
	if ((unsigned)answer->result > MODBUS_BROKEN)
		abort();
	if (answer->result == MODBUS_ANSWERED)
		return;
	for (unsigned i = 0; i < request->count; i++)
		if (answer->value[i] != 0)
			abort();
}

#include <pthread.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct modbus_block block = {MODBUS_READ_HOLDING, 40000, 10, 100};
	struct modbus_address address = {.tcp = true, .host = "127.0.0.1", .port = 502};
	struct modbus_poll *poll = modbus_poll_new(&(struct modbus_poll_setup){
		.unit = 1, .timeout_ms = 20, .n_blocks = 1, .block = &block});
	struct modbus_device device = modbus_poll_device(poll);
	struct modbus_port *port = modbus_port_new(&address);
	struct modbus_request request = {.unit = 1};
	struct modbus_answer answer;
	struct peer peer = {.data = data, .size = size};
	pthread_t thread;
	int pair[2];

	if (!poll || !port || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		abort();
	peer.fd = pair[1];
	modbus_set_socket(port->context, pair[0]);
	device.connected(device.self, 1000);
	device.next(device.self, 1000, &request);
	if (pthread_create(&thread, NULL, peer_run, &peer) != 0)
		abort();
	modbus_port_ask(port, 20, &request, &answer);
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(thread, NULL);
	check(&request, &answer);
	device.done(device.self, &request, &answer);
	modbus_set_socket(port->context, -1);
	modbus_port_free(port);
	modbus_poll_free(poll);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
