#include "northbound/sunspec_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void sunspec_client_open(struct sunspec_client *client, int fd, int64_t now_ms)
{
	memset(client, 0, sizeof *client);
	client->fd = fd;
	client->active_ms = now_ms;
}

void sunspec_client_close(struct sunspec_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

void sunspec_client_read(struct sunspec_client *client)
{
	ssize_t n;

	if (client->in_n == sizeof client->in)
		return; /* it waits for answers: so do its next requests */
	n = recv(client->fd, client->in + client->in_n, sizeof client->in - client->in_n,
		 MSG_DONTWAIT);
	if (n > 0)
		client->in_n += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		client->broken = true;
}

void sunspec_client_flush(struct sunspec_client *client, int64_t now_ms)
{
	ssize_t n;

	if (client->out_n == 0)
		return;
	n = send(client->fd, client->out, client->out_n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		client->broken = true;
	if (n > 0) {
		client->out_n -= (size_t)n;
		memmove(client->out, client->out + n, client->out_n);
		client->stuck_ms = 0;
	}
	if (client->out_n > 0 && client->stuck_ms == 0)
		client->stuck_ms = now_ms;
}

size_t sunspec_client_request(struct sunspec_client *client, uint8_t request[MODBUS_ADU_MAX],
			      int64_t now_ms)
{
	int length = modbus_request_length(client->in, client->in_n);

	if (length < 0)
		client->broken = true;
	if (length <= 0 || client->wait_id[0] ||
	    client->out_n > sizeof client->out - MODBUS_ADU_MAX)
		return 0;
	memcpy(request, client->in, (size_t)length);
	client->in_n -= (size_t)length;
	memmove(client->in, client->in + length, client->in_n);
	client->active_ms = now_ms;
	return (size_t)length;
}

void sunspec_client_answer(struct sunspec_client *client, const uint8_t *answer, size_t n)
{
	memcpy(client->out + client->out_n, answer, n);
	client->out_n += n;
}

void sunspec_client_hold(struct sunspec_client *client, const uint8_t *answer, size_t n,
			 const char *id, int64_t until_ms)
{
	memcpy(client->held, answer, n);
	client->held_n = n;
	client->wait_ms = until_ms;
	snprintf(client->wait_id, sizeof client->wait_id, "%s", id);
}

void sunspec_client_settle(struct sunspec_client *client, bool accepted)
{
	uint8_t refusal[MODBUS_ADU_MAX];

	client->wait_id[0] = '\0';
	if (accepted)
		sunspec_client_answer(client, client->held, client->held_n);
	else
		sunspec_client_answer(
			client, refusal,
			modbus_request_refuse(client->held, EXCEPTION_FAILURE, refusal));
}
