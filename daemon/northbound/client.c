#include "northbound/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20, ANSWER_MS = 5000 };

int client_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	int fd;

	if (length >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, length + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int send_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -1;
		text += sent;
		length -= (size_t)sent;
	}
	return 0;
}

int client_send(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int rc;

	if (!text) {
		errno = EINVAL;
		return -1;
	}
	rc = send_all(fd, text, strlen(text));
	if (rc == 0)
		rc = send_all(fd, "\n", 1);
	free(text);
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for bytes until `deadline_ms` (negative: for ever). */
static int wait_readable(int fd, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd item = {.fd = fd, .events = POLLIN};
		int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
		int ready = poll(&item, 1, deadline_ms < 0 ? -1 : left > 0 ? (int)left : 0);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -1;
		if (ready == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

/*
 * Appends what has arrived, up to and including the end of the line and not a byte further, so that
 * no state is needed between calls: peek first, then take. 1: line complete, 0: more to come.
 */
static int take_line_part(int fd, char **line, size_t *length)
{
	char chunk[4096];
	ssize_t got = recv(fd, chunk, sizeof chunk, MSG_PEEK);
	const char *end;
	char *grown;
	size_t take;

	if (got == 0)
		errno = ECONNRESET;
	if (got <= 0)
		return -1;
	end = memchr(chunk, '\n', (size_t)got);
	take = end ? (size_t)(end - chunk) + 1 : (size_t)got;
	if (*length + take > LINE_MAX_BYTES) {
		errno = EPROTO;
		return -1;
	}
	grown = realloc(*line, *length + take);
	if (!grown)
		return -1;
	*line = grown;
	got = recv(fd, *line + *length, take, 0);
	if (got < 0)
		return -1;
	*length += (size_t)got;
	return end != NULL && (size_t)got == take;
}

json_t *client_read(int fd, int timeout_ms)
{
	int64_t deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	char *line = NULL;
	size_t length = 0;
	json_t *document = NULL;
	int rc = 0;

	while (rc == 0) {
		rc = wait_readable(fd, deadline_ms);
		if (rc == 0)
			rc = take_line_part(fd, &line, &length);
		if (rc < 0 && errno == EINTR)
			rc = 0;
	}
	if (rc > 0) {
		document = json_loadb(line, length, 0, NULL);
		if (!json_is_object(document)) {
			json_decref(document);
			document = NULL;
			errno = EPROTO;
		}
	}
	if (line) {
		int error = errno;

		free(line);
		errno = error;
	}
	return document;
}

json_t *client_request(int fd, json_t *request)
{
	int rc = client_send(fd, request);

	json_decref(request);
	return rc == 0 ? client_read(fd, ANSWER_MS) : NULL;
}
