#include "northbound/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "northbound/render.h"

enum { OUT_MAX = 1 << 20, GROUPS_MAX = 256 };

bool peer_may(int fd, unsigned socket_group)
{
	struct ucred who;
	socklen_t size = sizeof who;
	gid_t groups[GROUPS_MAX];
	socklen_t groups_size = sizeof groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid() || who.gid == socket_group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) != 0)
		return false;
	for (size_t i = 0; i < groups_size / sizeof groups[0]; i++)
		if (groups[i] == socket_group)
			return true;
	return false;
}

void peer_open(struct peer *peer, int fd)
{
	*peer = (struct peer){.fd = fd};
}

void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	free(peer->out);
	peer->out = NULL;
	peer->fd = -1;
}

bool peer_read(struct peer *peer)
{
	ssize_t got = recv(peer->fd, peer->in + peer->in_length, sizeof peer->in - peer->in_length,
			   MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	peer->in_length += (size_t)got;
	return got > 0 &&
	       (peer->in_length < sizeof peer->in || memchr(peer->in, '\n', peer->in_length));
}

bool peer_line(struct peer *peer, char *line, size_t *length)
{
	const char *end = memchr(peer->in, '\n', peer->in_length);
	size_t used;

	if (!end)
		return false;
	*length = (size_t)(end - peer->in);
	memcpy(line, peer->in, *length);
	used = *length + 1;
	memmove(peer->in, peer->in + used, peer->in_length - used);
	peer->in_length -= used;
	return true;
}

void peer_flush(struct peer *peer)
{
	while (peer->out_length > 0 && !peer->broken) {
		ssize_t sent =
			send(peer->fd, peer->out, peer->out_length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0 && errno != EINTR)
			peer->broken = true;
		if (sent > 0) {
			peer->out_length -= (size_t)sent;
			memmove(peer->out, peer->out + sent, peer->out_length);
		}
	}
}

void peer_send(struct peer *peer, json_t *document)
{
	char *text = document ? render_text(document) : NULL;
	size_t length = text ? strlen(text) : 0;
	char *grown = NULL;

	json_decref(document);
	if (text && peer->out_length + length + 1 <= OUT_MAX)
		grown = realloc(peer->out, peer->out_length + length + 1);
	if (grown) {
		memcpy(grown + peer->out_length, text, length);
		grown[peer->out_length + length] = '\n';
		peer->out = grown;
		peer->out_length += length + 1;
		peer_flush(peer);
	} else {
		peer->broken = true; /* a missing line would be worse than a lost connection */
	}
	free(text);
}

void peer_wait_for(struct peer *peer, const char *id, bool lives)
{
	struct peer_wait *wait = &peer->wait[peer->next_wait++ % PEER_WAITS];

	snprintf(wait->id, sizeof wait->id, "%s", id);
	wait->lives = lives;
}

struct peer_wait *peer_find_wait(struct peer *peer, const char *id)
{
	for (unsigned i = 0; i < PEER_WAITS; i++)
		if (peer->wait[i].id[0] && strcmp(peer->wait[i].id, id) == 0)
			return &peer->wait[i];
	return NULL;
}
