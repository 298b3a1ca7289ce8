#include "northbound/sunspec.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "northbound/sunspec_client.h"
#include "northbound/sunspec_fill.h"
#include "northbound/sunspec_write.h"
#include "northbound/thread.h"

enum { ACK_SLOTS = 64, LOOK_MS = 250, BACKLOG = 8 };

struct sunspec {
	/* shared with the control thread */
	const struct config *config;
	struct queue *commands, *acks;
	struct mailbox *views;
	struct sunspec_view given; /* put together here, by the control thread */
	int stop_fd, listen_fd;
	pthread_t thread;
	/* the server thread's own */
	bool has_view, filled;
	struct sunspec_view view;
	struct sunspec_image image;
	struct sunspec_writer writer;
	struct command commanded; /* by the request in hand; COMMAND_NONE: nothing */
	struct sunspec_client client[SUNSPEC_CLIENTS];
};

/* ---- registers ----------------------------------------------------------------------------- */

/* The image as of the latest report; false when there is none that is fresh. */
static bool image_is_fresh(struct sunspec *sunspec, int64_t now_ms)
{
	if (mailbox_take(sunspec->views, &sunspec->view)) {
		sunspec->has_view = true;
		sunspec->filled = false;
	}
	if (!sunspec->has_view || now_ms - sunspec->view.report.now_ms > SUNSPEC_STALE_MS)
		return false;
	if (!sunspec->filled)
		sunspec_fill(&sunspec->image, &sunspec->config->site, &sunspec->view);
	sunspec->filled = true;
	sunspec_writer_show(&sunspec->writer, &sunspec->image, now_ms);
	return true;
}

static enum modbus_exception registers_read(void *context, uint16_t address, uint16_t count,
					    uint16_t *value)
{
	struct sunspec *sunspec = context;

	if (address < SUNSPEC_BASE || address - SUNSPEC_BASE + count > (int)sunspec->image.n)
		return EXCEPTION_ADDRESS;
	if (!image_is_fresh(sunspec, clock_monotonic_ms()))
		return EXCEPTION_FAILURE;
	memcpy(value, &sunspec->image.value[address - SUNSPEC_BASE], count * sizeof *value);
	return EXCEPTION_NONE;
}

static enum modbus_exception registers_write(void *context, uint16_t address, uint16_t count,
					     const uint16_t *value)
{
	struct sunspec *sunspec = context;
	enum modbus_exception exception;

	if (address < SUNSPEC_BASE || address - SUNSPEC_BASE + count > (int)sunspec->image.n)
		return EXCEPTION_ADDRESS;
	exception = sunspec_write(&sunspec->writer, &sunspec->image, address - SUNSPEC_BASE, count,
				  value, clock_monotonic_ms(), clock_utc_ms(), &sunspec->commanded);
	if (exception == EXCEPTION_NONE && sunspec->commanded.kind != COMMAND_NONE &&
	    !queue_push(sunspec->commands, &sunspec->commanded))
		exception = EXCEPTION_BUSY;
	if (exception == EXCEPTION_NONE)
		sunspec_commit(&sunspec->writer, &sunspec->commanded);
	else
		sunspec->commanded.kind = COMMAND_NONE;
	return exception;
}

/* ---- requests and acks --------------------------------------------------------------------- */

static void serve_requests(struct sunspec *sunspec, struct sunspec_client *client, int64_t now_ms)
{
	const struct modbus_access access = {
		.context = sunspec,
		.read = registers_read,
		.write = sunspec->config->sunspec.source ? registers_write : NULL,
	};
	uint8_t request[MODBUS_ADU_MAX], answer[MODBUS_ADU_MAX];
	size_t n;

	while (!client->broken && (n = sunspec_client_request(client, request, now_ms)) > 0) {
		sunspec->commanded.kind = COMMAND_NONE;
		n = modbus_request_answer(request, n, sunspec->config->sunspec.unit, &access,
					  answer);
		if (sunspec->commanded.kind != COMMAND_NONE)
			sunspec_client_hold(client, answer, n, sunspec->commanded.id,
					    now_ms + SUNSPEC_ACK_MS);
		else
			sunspec_client_answer(client, answer, n);
	}
	sunspec_client_flush(client, now_ms);
}

static void serve_client(struct sunspec *sunspec, struct sunspec_client *client, short events,
			 int64_t now_ms)
{
	if (events & (POLLIN | POLLHUP | POLLERR))
		sunspec_client_read(client);
	if (events & POLLOUT)
		sunspec_client_flush(client, now_ms);
	serve_requests(sunspec, client, now_ms);
	if (client->stuck_ms && now_ms - client->stuck_ms > SUNSPEC_STUCK_MS)
		client->broken = true;
}

static void settle(struct sunspec *sunspec, struct sunspec_client *client, bool accepted,
		   int64_t now_ms)
{
	sunspec_client_settle(client, accepted);
	serve_requests(sunspec, client, now_ms);
}

static void pass_acks(struct sunspec *sunspec, int64_t now_ms)
{
	struct ack ack;

	while (queue_pop(sunspec->acks, &ack)) {
		sunspec_writer_ack(&sunspec->writer, &ack);
		for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++) {
			struct sunspec_client *client = &sunspec->client[i];

			if (client->fd >= 0 && client->wait_id[0] &&
			    strcmp(client->wait_id, ack.id) == 0)
				settle(sunspec, client, ack.status != ACK_REJECTED, now_ms);
		}
	}
}

static void give_up_waiting(struct sunspec *sunspec, int64_t now_ms)
{
	for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++) {
		struct sunspec_client *client = &sunspec->client[i];

		if (client->fd >= 0 && client->wait_id[0] && now_ms >= client->wait_ms)
			settle(sunspec, client, false, now_ms);
	}
}

/* ---- clients ------------------------------------------------------------------------------- */

/* A free place, or that of the client idle for longest when that is long enough. */
static struct sunspec_client *find_place(struct sunspec *sunspec, int64_t now_ms)
{
	struct sunspec_client *idle = &sunspec->client[0];

	for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++) {
		struct sunspec_client *client = &sunspec->client[i];

		if (client->fd < 0)
			return client;
		if (client->active_ms < idle->active_ms)
			idle = client;
	}
	if (now_ms - idle->active_ms < SUNSPEC_IDLE_MS)
		return NULL;
	sunspec_client_close(idle);
	return idle;
}

static void take_client(struct sunspec *sunspec, int64_t now_ms)
{
	int fd = accept4(sunspec->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), on = 1;
	struct sunspec_client *client = fd >= 0 ? find_place(sunspec, now_ms) : NULL;

	if (!client) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	sunspec_client_open(client, fd, now_ms);
}

static short events_of(const struct sunspec_client *client)
{
	bool room = client->in_n < sizeof client->in;

	return (short)((room ? POLLIN : 0) | (client->out_n > 0 ? POLLOUT : 0));
}

static void *run(void *context)
{
	struct sunspec *sunspec = context;

	for (;;) {
		struct pollfd item[3 + SUNSPEC_CLIENTS] = {
			{.fd = sunspec->stop_fd, .events = POLLIN},
			{.fd = queue_fd(sunspec->acks), .events = POLLIN},
			{.fd = sunspec->listen_fd, .events = POLLIN},
		};
		bool any = false;
		int64_t now_ms;

		for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++) {
			struct sunspec_client *client = &sunspec->client[i];

			if (client->fd >= 0 && client->broken)
				sunspec_client_close(client);
			item[3 + i].fd = client->fd;
			item[3 + i].events = client->fd >= 0 ? events_of(client) : 0;
			any = any || client->fd >= 0;
		}
		poll(item, 3 + SUNSPEC_CLIENTS, any ? LOOK_MS : -1);
		now_ms = clock_monotonic_ms();
		if (item[0].revents)
			return NULL;
		pass_acks(sunspec, now_ms);
		give_up_waiting(sunspec, now_ms);
		for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++)
			if (sunspec->client[i].fd >= 0)
				serve_client(sunspec, &sunspec->client[i], item[3 + i].revents,
					     now_ms);
		if (item[2].revents)
			take_client(sunspec, now_ms);
	}
}

/* ---- start and stop ------------------------------------------------------------------------ */

static bool listen_at(struct sunspec *sunspec)
{
	const struct sunspec_config *config = &sunspec->config->sunspec;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *found = NULL;
	char port[8];
	int on = 1;
	bool listening;

	snprintf(port, sizeof port, "%u", (unsigned)config->port);
	if (getaddrinfo(config->host, port, &hints, &found) != 0) {
		errno = EINVAL;
		return false;
	}
	sunspec->listen_fd =
		socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	listening = sunspec->listen_fd >= 0 &&
		    setsockopt(sunspec->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		    bind(sunspec->listen_fd, found->ai_addr, found->ai_addrlen) == 0 &&
		    listen(sunspec->listen_fd, BACKLOG) == 0;
	freeaddrinfo(found);
	return listening;
}

static void release(struct sunspec *sunspec)
{
	for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++)
		sunspec_client_close(&sunspec->client[i]);
	if (sunspec->listen_fd >= 0)
		close(sunspec->listen_fd);
	if (sunspec->stop_fd >= 0)
		close(sunspec->stop_fd);
	queue_free(sunspec->acks);
	mailbox_free(sunspec->views);
	free(sunspec);
}

struct sunspec *sunspec_new(const struct config *config, const char *boot, struct queue *commands)
{
	struct sunspec *sunspec = calloc(1, sizeof *sunspec);

	if (!sunspec)
		return NULL;
	sunspec->config = config;
	sunspec->commands = commands;
	sunspec->listen_fd = -1;
	for (unsigned i = 0; i < SUNSPEC_CLIENTS; i++)
		sunspec->client[i].fd = -1;
	sunspec_image_init(&sunspec->image, config);
	sunspec_writer_init(&sunspec->writer, config, boot);
	sunspec->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	sunspec->acks = queue_new(ACK_SLOTS, sizeof(struct ack));
	sunspec->views = mailbox_new(sizeof(struct sunspec_view));
	if (sunspec->stop_fd >= 0 && sunspec->acks && sunspec->views && listen_at(sunspec) &&
	    thread_start(&sunspec->thread, "sunspec", run, sunspec))
		return sunspec;
	fprintf(stderr, "sunspec: cannot listen at %s: %m\n", config->sunspec.listen);
	release(sunspec);
	return NULL;
}

void sunspec_give_report(struct sunspec *sunspec, const struct bank_report *report,
			 size_t report_size, const struct bank_outputs *out)
{
	struct sunspec_view *given = &sunspec->given;

	given->bus_dis_max_a = out->bus_dis_max_a;
	given->bus_cha_max_a = out->bus_cha_max_a;
	given->face = out->face;
	memcpy(&given->report, report, report_size);
	mailbox_put_part(sunspec->views, given,
			 offsetof(struct sunspec_view, report) + report_size);
}

void sunspec_give_ack(struct sunspec *sunspec, const struct ack *ack)
{
	queue_push_drop_oldest(sunspec->acks, ack);
}

bool sunspec_stop(struct sunspec *sunspec, int timeout_ms)
{
	bool ended;

	eventfd_write(sunspec->stop_fd, 1);
	ended = thread_join(sunspec->thread, timeout_ms);
	if (ended)
		release(sunspec);
	return ended;
}
