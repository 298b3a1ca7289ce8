#include "northbound/local.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "northbound/peer.h"
#include "northbound/render.h"
#include "northbound/thread.h"

enum { PEERS = 16, OUT_SLOTS = 256, WATCH_MS = 1000, SOCKET_MODE = 0660 };

struct local {
	/* shared with the control thread */
	const struct config *config;
	char boot[SESSION_SIZE];
	struct local_owner owner;
	struct queue *out;
	struct mailbox *reports;
	int stop_fd, listen_fd;
	atomic_uint peers;
	_Atomic(const struct commission *) commission; /* NULL: not told yet */
	pthread_t thread;
	/* the local thread's own */
	struct sockaddr_un address;
	unsigned group; /* of the socket */
	int64_t next_seq, watch_ms, n;
	bool has_report;
	struct bank_report report;
	struct peer peer[PEERS];
};

/* ---- lines --------------------------------------------------------------------------------- */

static json_t *render_packs(const struct bank_report *report)
{
	json_t *packs = json_array();

	for (unsigned i = 0; i < report->n_packs; i++)
		json_array_append_new(packs,
				      json_pack("{ss so so}", "id", report->pack[i].id, "telemetry",
						render_pack_telemetry(report, i), "state",
						render_pack_state(report, i)));
	return packs;
}

static json_t *render_status_line(struct local *local)
{
	const struct bank_report *report = &local->report;
	const struct site *site = &local->config->site;
	bool connected = local->owner.mqtt && mqtt_connected(local->owner.mqtt);
	struct telemetry_view view = {.n = local->n};
	const struct commission *commission = atomic_load(&local->commission);
	bool has;

	if (mailbox_take(local->reports, &local->report))
		local->has_report = true;
	has = local->has_report;
	local->n++;
	return json_pack(
		"{si ss sI ss ss sb sb ss so so so so so so}", "v", 1, "type", "status", "ts",
		(json_int_t)report->utc_ms, "bank", site->id, "boot", local->boot, "connected",
		connected, "commissioned", commission && commission->holds, "commissioning",
		commission ? commission->text : "", "telemetry", has ? render_telemetry(report, &view) : json_null(),
		"limits", has ? render_limits(report, site) : json_null(), "active",
		has ? render_active(report, site) : json_null(), "standing",
		render_standing(report, site), "proofs", render_proofs(report), "packs", render_packs(report));
}

static json_t *render_error(enum reason reason, const char *detail)
{
	return json_pack("{si ss ss ss}", "v", 1, "type", "error", "reason",
			 reason_text(reason)->word, "detail", detail);
}

static json_t *render_ack_line(const struct local *local, const struct outgoing *item, bool final)
{
	struct ack_view view = {
		.source = local->config->site.source[0].id,
		.boot = local->boot,
		.utc_offset_ms = item->utc_offset_ms,
		.ts_utc_ms = clock_utc_ms(),
	};

	return json_pack("{si ss sb so}", "v", 1, "type", "ack", "final", final, "ack",
			 render_ack(&item->ack, &view));
}

/* ---- requests ------------------------------------------------------------------------------ */

static void take_command(struct local *local, struct peer *peer, struct parsed *parsed)
{
	struct command *command = &parsed->command;

	command->source = 0;
	command->seq = ++local->next_seq;
	command->ts_utc_ms = clock_utc_ms();
	command->received_ms = clock_monotonic_ms();
	command->boot_given = true;
	command->boot_matches = true;
	command->n_fresh = true;
	memcpy(command->session, local->boot, sizeof command->session);
	if (!command->id[0])
		snprintf(command->id, sizeof command->id, "local-%" PRId64, command->seq);
	peer_wait_for(peer, command->id,
		      command->kind == COMMAND_SETPOINT || command->kind == COMMAND_RELEASE);
	if (!queue_push(local->owner.commands, command))
		peer_send(peer,
			  render_error(REASON_INTERNAL, "the control loop does not take commands"));
}

static void take_line(struct local *local, struct peer *peer, const char *line, size_t length)
{
	struct parsed parsed;

	switch (parse_local(line, length, &local->config->site, local->boot, &parsed)) {
	case LOCAL_REFUSED:
		peer_send(peer, render_error(parsed.reason, parsed.detail));
		break;
	case LOCAL_STATUS:
		peer_send(peer, render_status_line(local));
		break;
	case LOCAL_WATCH:
		peer->watching = true;
		peer_send(peer, render_status_line(local));
		break;
	case LOCAL_RECORD:
		if (local->owner.request_recording) {
			local->owner.request_recording(local->owner.context);
			peer_send(peer,
				  json_pack("{si ss ss}", "v", 1, "type", "ok", "do", "record"));
		} else {
			peer_send(peer, render_error(REASON_NOT_READY, "there is no recorder"));
		}
		break;
	case LOCAL_COMMAND:
		take_command(local, peer, &parsed);
		break;
	}
}

static void serve_peer(struct local *local, struct peer *peer, short events)
{
	char line[PARSE_BYTES_MAX + 1];
	size_t length;
	bool alive = true;

	if (events & POLLOUT)
		peer_flush(peer);
	if (events & (POLLIN | POLLHUP | POLLERR))
		alive = peer_read(peer);
	while (peer_line(peer, line, &length))
		take_line(local, peer, line, length);
	if (!alive && peer->in_length == sizeof peer->in)
		peer_send(peer, render_error(REASON_MALFORMED, "line is longer than 4096 bytes"));
	if (!alive)
		peer->broken = true;
}

static void take_peer(struct local *local)
{
	int fd = accept4(local->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < PEERS && peer_may(fd, local->group); i++) {
		if (local->peer[i].fd < 0) {
			peer_open(&local->peer[i], fd);
			atomic_fetch_add(&local->peers, 1);
			return;
		}
	}
	close(fd);
}

/* ---- what the control thread gave ------------------------------------------------------------ */

/* Setpoints live on after their first answer, and a release says when it is done. */
static bool is_final(const struct ack *ack, const struct peer_wait *wait)
{
	return !wait->lives || !(ack->status == ACK_ACCEPTED || ack->status == ACK_LIMITED ||
				 ack->status == ACK_STARTED);
}

static void pass_ack(struct local *local, const struct outgoing *item)
{
	for (unsigned i = 0; i < PEERS; i++) {
		struct peer *peer = &local->peer[i];
		struct peer_wait *wait = peer->fd >= 0 ? peer_find_wait(peer, item->ack.id) : NULL;
		bool final;

		if (!wait)
			continue;
		final = is_final(&item->ack, wait);
		peer_send(peer, render_ack_line(local, item, final));
		if (final)
			wait->id[0] = '\0';
	}
}

static void pass_event(struct local *local, const struct outgoing *item)
{
	for (unsigned i = 0; i < PEERS; i++)
		if (local->peer[i].fd >= 0 && local->peer[i].watching)
			peer_send(&local->peer[i],
				  json_pack("{si ss so}", "v", 1, "type", "event", "event",
					    render_event(&item->event, &local->config->site,
							 item->utc_offset_ms)));
}

static void pass_given(struct local *local)
{
	struct outgoing item;

	while (queue_pop(local->out, &item)) {
		if (item.kind == OUTGOING_ACK)
			pass_ack(local, &item);
		else
			pass_event(local, &item);
	}
}

/* ---- the loop ------------------------------------------------------------------------------ */

static int watch(struct local *local, int64_t now_ms)
{
	bool any = false, due = now_ms >= local->watch_ms;

	for (unsigned i = 0; i < PEERS; i++) {
		struct peer *peer = &local->peer[i];

		if (peer->fd < 0 || !peer->watching)
			continue;
		any = true;
		if (due)
			peer_send(peer, render_status_line(local));
	}
	if (due)
		local->watch_ms = now_ms + WATCH_MS;
	return any ? (int)(local->watch_ms - now_ms) : -1;
}

static void close_broken(struct local *local)
{
	for (unsigned i = 0; i < PEERS; i++) {
		if (local->peer[i].fd >= 0 && local->peer[i].broken) {
			peer_close(&local->peer[i]);
			atomic_fetch_sub(&local->peers, 1);
		}
	}
}

static void *run(void *context)
{
	struct local *local = context;

	for (;;) {
		struct pollfd item[3 + PEERS] = {
			{.fd = local->stop_fd, .events = POLLIN},
			{.fd = queue_fd(local->out), .events = POLLIN},
			{.fd = local->listen_fd, .events = POLLIN},
		};
		int timeout_ms = watch(local, clock_monotonic_ms());

		close_broken(local);
		for (unsigned i = 0; i < PEERS; i++) {
			struct peer *peer = &local->peer[i];

			item[3 + i].fd = peer->fd;
			item[3 + i].events = peer->out_length > 0 ? POLLIN | POLLOUT : POLLIN;
		}
		poll(item, 3 + PEERS, timeout_ms);
		pass_given(local);
		if (item[0].revents)
			return NULL;
		for (unsigned i = 0; i < PEERS; i++)
			if (local->peer[i].fd >= 0 && item[3 + i].revents)
				serve_peer(local, &local->peer[i], item[3 + i].revents);
		if (item[2].revents)
			take_peer(local);
	}
}

/* ---- start and stop ------------------------------------------------------------------------ */

static bool listen_at(struct local *local)
{
	struct stat status;
	int length = snprintf(local->address.sun_path, sizeof local->address.sun_path, "%s/%s.sock",
			      local->config->run_dir, local->config->site.id);

	if (length < 0 || (size_t)length >= sizeof local->address.sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	local->address.sun_family = AF_UNIX;
	local->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (local->listen_fd < 0)
		return false;
	/* A socket left by a crash; that no second daemon runs is the lock file's matter. */
	unlink(local->address.sun_path);
	fchmod(local->listen_fd, SOCKET_MODE); /* the mode it is created with: no moment too open */
	if (bind(local->listen_fd, (const struct sockaddr *)&local->address,
		 sizeof local->address) != 0 ||
	    chmod(local->address.sun_path, SOCKET_MODE) != 0 ||
	    stat(local->address.sun_path, &status) != 0 || listen(local->listen_fd, PEERS) != 0)
		return false;
	local->group = status.st_gid;
	return true;
}

static void release(struct local *local)
{
	for (unsigned i = 0; i < PEERS; i++)
		peer_close(&local->peer[i]);
	if (local->listen_fd >= 0) {
		unlink(local->address.sun_path);
		close(local->listen_fd);
	}
	if (local->stop_fd >= 0)
		close(local->stop_fd);
	queue_free(local->out);
	mailbox_free(local->reports);
	free(local);
}

struct local *local_new(const struct config *config, const char *boot,
			const struct local_owner *owner)
{
	struct local *local = calloc(1, sizeof *local);

	if (!local)
		return NULL;
	local->config = config;
	snprintf(local->boot, sizeof local->boot, "%s", boot);
	local->owner = *owner;
	local->listen_fd = -1;
	for (unsigned i = 0; i < PEERS; i++)
		local->peer[i].fd = -1;
	local->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	local->out = queue_new(OUT_SLOTS, sizeof(struct outgoing));
	local->reports = mailbox_new(sizeof(struct bank_report));
	if (local->stop_fd >= 0 && local->out && local->reports && listen_at(local) &&
	    thread_start(&local->thread, "local", run, local))
		return local;
	fprintf(stderr, "local socket %s: %m; check that run_dir exists and is writable\n",
		local->address.sun_path);
	release(local);
	return NULL;
}

void local_tell_commission(struct local *local, const struct commission *commission)
{
	atomic_store(&local->commission, commission);
}

void local_give_report(struct local *local, const struct bank_report *report, size_t report_size)
{
	mailbox_put_part(local->reports, report, report_size);
}

void local_give(struct local *local, const struct outgoing *item)
{
	if (atomic_load(&local->peers) > 0)
		queue_push(local->out, item);
}

bool local_stop(struct local *local, int timeout_ms)
{
	bool ended;

	eventfd_write(local->stop_fd, 1);
	ended = thread_join(local->thread, timeout_ms);
	if (ended)
		release(local);
	return ended;
}
