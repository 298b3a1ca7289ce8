/*
 * A stand-in for the control thread, so that the northbound side can be tested against a real
 * broker without a bank behind it: answers every command at once, reports what was asked for as
 * measured.
 *
 *   northbound_peer PORT RUN_DIR [RATE] [synced|unsynced] [USER PASSWORD_FILE]
 *
 * Ends orderly on SIGTERM. SIGUSR1 makes 100 events.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "northbound/northbound.h"

enum { PACKS = 8, STOP_MS = 3000, BURST = 100 };

static volatile sig_atomic_t stopping, burst;

struct peer {
	struct config config;
	struct bank_report report;
	struct bank_outputs out;
	struct command active;
	uint32_t event_seq;
};

static void on_signal(int number)
{
	if (number == SIGUSR1)
		burst = 1;
	else
		stopping = 1;
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void make_source(struct peer *peer, const char *id, unsigned priority)
{
	unsigned i = peer->config.site.n_sources++;
	struct source_site *source = &peer->config.site.source[i];

	snprintf(source->id, sizeof source->id, "%s", id);
	source->priority = (uint8_t)priority;
	source->may_setpoint = true;
	source->may_command = i != 2;
	source->valid_max_s = 300.0;
	source->stale_s = 5.0;
	source->future_s = 2.0;
}

static void make_config(struct peer *peer, unsigned port, const char *run_dir)
{
	struct config *config = &peer->config;
	struct mqtt_config *mqtt = &config->mqtt;

	snprintf(config->site.id, sizeof config->site.id, "peer");
	config->site.mixed_chemistry = true;
	config->site.grid.p_max_w = 30000.0;
	config->site.grid.export_max_w = (double)INFINITY;
	config->site.grid.import_max_w = 20000.0;
	config->site.grid.measured_at_ac = true;
	make_source(peer, "local", 0);
	make_source(peer, "utility", 10);
	make_source(peer, "home", 20);
	peer->config.mqtt.n_sources = peer->config.site.n_sources;
	config->site.n_packs = PACKS;
	for (unsigned i = 0; i < PACKS; i++) {
		struct pack_site *pack = &config->site.pack[i];

		snprintf(pack->id, sizeof pack->id, "pack-%u", i + 1);
		snprintf(pack->profile, sizeof pack->profile, "nissan-leaf-aze0");
		pack->model.chemistry = i % 2 ? CHEMISTRY_NMC_SDI : CHEMISTRY_LMO;
		pack->model.cells_series = 96;
		pack->model.nominal_ah = 66.0;
		pack->model.capacity_ah = 48.0 + i;
		pack->limit.dis_max_a = 120.0;
		pack->limit.cha_max_a = 60.0;
	}
	mqtt->enabled = port != 0;
	snprintf(mqtt->host, sizeof mqtt->host, "127.0.0.1");
	mqtt->port = (uint16_t)port;
	snprintf(mqtt->prefix, sizeof mqtt->prefix, "rebank/v1");
	snprintf(mqtt->client_id, sizeof mqtt->client_id, "rebank-peer");
	mqtt->keepalive_s = 5;
	mqtt->telemetry_s = 1.0;
	mqtt->pack_telemetry_s = 5.0;
	snprintf(config->run_dir, sizeof config->run_dir, "%s", run_dir);
	snprintf(config->digest, sizeof config->digest, "%064d", 7);
}

static void make_pack_report(struct pack_report *pack, const struct pack_site *site, double p_w)
{
	*pack = (struct pack_report){
		.state = "closed",
		.reason = REASON_OK,
		.reason_value = (double)NAN,
		.reason_threshold = (double)NAN,
		.v = 362.4,
		.a = p_w / PACKS / 362.4,
		.soc = 0.5,
		.soc_sigma = 0.02,
		.soh = 0.72,
		.r_ohm = 0.093,
		.e_v = 362.5,
		.cell_min_v = 3.761,
		.cell_max_v = (double)NAN,
		.t_min_c = 18.5,
		.t_max_c = 21.0,
		.lim_dis_a = 120.0,
		.lim_cha_a = 60.0,
		.capacity_ah = 48.0,
		.wh_dis = 1000.0,
		.wh_cha = 1100.0,
		.efc = 12.5,
		.operations = 321,
		.wear = 0.04,
		.connected = true,
	};
	memcpy(pack->id, site->id, sizeof pack->id);
}

static void make_report(struct peer *peer, bool synced)
{
	struct bank_report *report = &peer->report;
	bool live = peer->active.kind == COMMAND_SETPOINT;
	double p_w = live ? peer->active.p_w : 0.0;

	*report = (struct bank_report){
		.now_ms = clock_ms(CLOCK_MONOTONIC),
		.utc_ms = clock_ms(CLOCK_REALTIME),
		.clock_synced = synced,
		.state = live ? BANK_RUNNING : BANK_READY,
		.p_w = p_w,
		.p_target_w = p_w,
		.p_ramped_w = p_w,
		.dc_v = 362.0,
		.dc_a = p_w / 362.0,
		.soc = 0.5,
		.soc_sigma = 0.01,
		.soc_min = 0.1,
		.soc_max = 0.9,
		.soh = (double)NAN,
		.t_min_c = 18.5,
		.t_max_c = 21.0,
		.packs_connected = PACKS,
		.packs_total = PACKS,
		.wh_dis = 8000.0,
		.wh_cha = 8800.0,
		.must_w = (double)NAN,
		.e_dis_wh = 60000.0,
		.e_cha_wh = 55000.0,
		.ramp_w_s = 3000.0,
		.cha_reason = REASON_TEMPERATURE,
		.dis_pack = -1,
		.cha_pack = 3,
		.winner = live ? peer->active.source : -1,
		.mode = live ? MODE_SETPOINT : MODE_DEFAULT,
		.reason = live ? REASON_OK : REASON_NO_SETPOINT,
		.n_packs = PACKS,
	};
	if (live) {
		memcpy(report->command_id, peer->active.id, sizeof report->command_id);
		report->expires_ms =
			peer->active.received_ms + (int64_t)(1000.0 * peer->active.valid_s);
	}
	for (int h = 0; h < HORIZON_COUNT; h++) {
		report->dis_w[h] = 30000.0;
		report->cha_w[h] = 18000.0;
	}
	for (unsigned i = 0; i < PACKS; i++)
		make_pack_report(&report->pack[i], &peer->config.site.pack[i], p_w);
}

static void add_event(struct peer *peer, enum reason reason, int pack, double value)
{
	struct event *event = &peer->out.event[peer->out.n_events++];

	*event = (struct event){
		.at_ms = clock_ms(CLOCK_MONOTONIC),
		.seq = ++peer->event_seq,
		.kind = EVENT_RAISED,
		.reason = reason,
		.pack = (int16_t)pack,
		.value = value,
		.threshold = pack >= 0 ? value - 1.0 : (double)NAN,
	};
}

static void add_ack(struct peer *peer, const struct command *command, enum ack_status status)
{
	struct ack *ack = &peer->out.ack[peer->out.n_acks++];

	*ack = (struct ack){
		.status = status,
		.source = command->source,
		.seq = command->seq,
		.received_ms = command->received_ms,
		.p_req_w = command->p_w,
		.p_set_w = command->p_w,
	};
	if (command->kind == COMMAND_SETPOINT)
		ack->expires_ms = command->received_ms + (int64_t)(1000.0 * command->valid_s);
	memcpy(ack->id, command->id, sizeof ack->id);
}

static void obey(struct peer *peer, const struct command *command)
{
	if (command->boot_given && !command->boot_matches) {
		add_ack(peer, command, ACK_REJECTED);
		peer->out.ack[peer->out.n_acks - 1].reason = REASON_STALE_BOOT;
		return;
	}
	if (!peer->report.clock_synced && !command->n_fresh) {
		add_ack(peer, command, ACK_REJECTED);
		peer->out.ack[peer->out.n_acks - 1].reason = REASON_CLOCK_UNSYNCED;
		return;
	}
	if (command->kind == COMMAND_SETPOINT || command->kind == COMMAND_RELEASE) {
		if (peer->active.kind == COMMAND_SETPOINT)
			add_ack(peer, &peer->active,
				command->kind == COMMAND_RELEASE ? ACK_CANCELLED : ACK_SUPERSEDED);
		peer->active = *command;
	}
	add_ack(peer, command, command->kind == COMMAND_RELEASE ? ACK_COMPLETED : ACK_ACCEPTED);
	if (command->kind == COMMAND_SETPOINT)
		add_ack(peer, command, ACK_STARTED);
	if (command->kind == COMMAND_PACK_DISABLE)
		add_event(peer, REASON_DISABLED, command->pack, 5.0);
}

static void expire(struct peer *peer)
{
	if (peer->active.kind == COMMAND_SETPOINT &&
	    peer->report.now_ms >=
		    peer->active.received_ms + (int64_t)(1000.0 * peer->active.valid_s)) {
		add_ack(peer, &peer->active, ACK_EXPIRED);
		peer->out.ack[peer->out.n_acks - 1].reason = REASON_EXPIRED;
		add_event(peer, REASON_EXPIRED, -1, peer->active.p_w);
		peer->active.kind = COMMAND_NONE;
	}
}

static void step(struct peer *peer, struct northbound *northbound, bool synced)
{
	struct command command[COMMAND_MAX];
	unsigned n = northbound_take(northbound, command, COMMAND_MAX);

	peer->out.n_acks = 0;
	peer->out.n_events = 0;
	make_report(peer, synced);
	expire(peer);
	for (unsigned i = 0; i < n; i++)
		obey(peer, &command[i]);
	for (int i = 0; burst && i < BURST; i++)
		add_event(peer, REASON_TEMP_WARN, i % PACKS, 45.0 + i);
	burst = 0;
	make_report(peer, synced);
	northbound_give(northbound, &peer->report, &peer->out);
}

static void say_recording(void *context)
{
	(void)context;
	fprintf(stderr, "peer: recording requested\n");
}

int main(int argc, char **argv)
{
	static struct peer peer;
	struct sigaction action = {.sa_handler = on_signal};
	struct northbound *northbound;
	char boot[SESSION_SIZE];
	bool synced = argc <= 4 || strcmp(argv[4], "unsynced") != 0;

	if (argc < 3) {
		fprintf(stderr,
			"usage: northbound_peer PORT RUN_DIR [RATE] [synced|unsynced] [USER "
			"PASSWORD_FILE]\n");
		return 2;
	}
	make_config(&peer, (unsigned)atoi(argv[1]), argv[2]);
	for (unsigned i = 1; argc > 3 && i < peer.config.site.n_sources; i++)
		peer.config.mqtt.rate_per_s[i] = atof(argv[3]);
	if (argc > 6) {
		snprintf(peer.config.mqtt.username, sizeof peer.config.mqtt.username, "%s",
			 argv[5]);
		snprintf(peer.config.mqtt.password_file, sizeof peer.config.mqtt.password_file,
			 "%s", argv[6]);
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	snprintf(boot, sizeof boot, "boot-%lld", (long long)clock_ms(CLOCK_REALTIME));
	northbound = northbound_new(&peer.config, boot, say_recording, NULL);
	if (!northbound)
		return 1;
	while (!stopping) {
		struct pollfd item = {.fd = northbound_fd(northbound), .events = POLLIN};

		poll(&item, 1, 100);
		step(&peer, northbound, synced);
	}
	northbound_stop(northbound, STOP_MS);
	return 0;
}
