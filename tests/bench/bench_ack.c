/*
 * Setpoint published -> ack received, beside a plain echo (client -> broker -> echo client -> broker
 * -> client) through the same broker, interleaved one by one. QoS 1 and TCP_NODELAY everywhere.
 *   bench_ack PORT TOPIC-ROOT SOURCE COUNT
 */
#include <inttypes.h>
#include <mosquitto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t arrived;
	char want[64]; /* text the message must contain */
	bool seen;
};

static struct waiter waiter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, "", false };

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *m)
{
	(void)client;
	(void)context;
	pthread_mutex_lock(&waiter.mutex);
	if (memmem(m->payload, (size_t)m->payloadlen, waiter.want, strlen(waiter.want))) {
		waiter.seen = true;
		pthread_cond_signal(&waiter.arrived);
	}
	pthread_mutex_unlock(&waiter.mutex);
}

static void on_echo(struct mosquitto *client, void *context, const struct mosquitto_message *m)
{
	(void)context;
	mosquitto_publish(client, NULL, "bench/echo/back", m->payloadlen, m->payload, 1, false);
}

static struct mosquitto *join(int port, const char *topic,
			      void (*handle)(struct mosquitto *, void *,
					     const struct mosquitto_message *))
{
	struct mosquitto *client = mosquitto_new(NULL, true, NULL);

	mosquitto_message_callback_set(client, handle);
	mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
	if (mosquitto_connect(client, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS ||
	    mosquitto_loop_start(client) != MOSQ_ERR_SUCCESS) {
		fprintf(stderr, "bench_ack: no broker on port %d\n", port);
		exit(1);
	}
	mosquitto_subscribe(client, NULL, topic, 1);
	return client;
}

/* Publishes and waits for a message that contains `want`; microseconds, or -1 after 2 s. */
static int64_t round_trip(struct mosquitto *client, const char *topic, const char *payload,
			  const char *want)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2;
	pthread_mutex_lock(&waiter.mutex);
	snprintf(waiter.want, sizeof waiter.want, "%s", want);
	waiter.seen = false;
	int64_t from = clock_us(CLOCK_MONOTONIC);
	mosquitto_publish(client, NULL, topic, (int)strlen(payload), payload, 1, false);
	while (!waiter.seen)
		if (pthread_cond_timedwait(&waiter.arrived, &waiter.mutex, &until) != 0)
			break;
	int64_t took = waiter.seen ? clock_us(CLOCK_MONOTONIC) - from : -1;
	pthread_mutex_unlock(&waiter.mutex);
	return took;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: bench_ack PORT TOPIC-ROOT SOURCE COUNT\n");
		return 64;
	}
	int port = atoi(argv[1]);
	size_t count = strtoul(argv[4], NULL, 10), lost = 0;
	char set[128], ack[128], payload[256], id[32];
	int64_t *echo_us = calloc(count, sizeof *echo_us), *ack_us = calloc(count, sizeof *ack_us);

	mosquitto_lib_init();
	snprintf(set, sizeof set, "%s/setpoint/%s/set", argv[2], argv[3]);
	snprintf(ack, sizeof ack, "%s/setpoint/%s/ack", argv[2], argv[3]);
	struct mosquitto *echo = join(port, "bench/echo/there", on_echo);
	struct mosquitto *client = join(port, ack, on_message);
	mosquitto_subscribe(client, NULL, "bench/echo/back", 1);
	struct timespec settle = { 1, 0 };
	nanosleep(&settle, NULL);
	for (size_t i = 0; i < count && lost < 5; i++) {
		snprintf(id, sizeof id, "bench-%zu-%d", i, port);
		snprintf(payload, sizeof payload, "{\"id\":\"%s\"}", id);
		echo_us[i] = round_trip(client, "bench/echo/there", payload, id);
		int64_t utc_ms = clock_us(CLOCK_REALTIME) / 1000;
		snprintf(id, sizeof id, "ack-%zu-%d", i, port);
		snprintf(payload, sizeof payload,
			 "{\"v\":1,\"id\":\"%s\",\"seq\":%" PRId64 ",\"ts\":%" PRId64
			 ",\"p_w\":%zu,\"valid_s\":10}",
			 id, clock_us(CLOCK_REALTIME), utc_ms, 1000 + i % 100);
		ack_us[i] = round_trip(client, set, payload, id);
		lost += echo_us[i] < 0 || ack_us[i] < 0;
	}
	qsort(echo_us, count, sizeof *echo_us, by_size);
	qsort(ack_us, count, sizeof *ack_us, by_size);
	printf("setpoint -> ack beside an echo, %zu each, %zu lost (target: p50 <= 3x, p99 <= 5x)\n",
	       count, lost);
	const size_t p50 = count / 2, p99 = count - 1 - count / 100;
	printf("  echo us  p50 %" PRId64 "  p99 %" PRId64 "\n", echo_us[p50], echo_us[p99]);
	printf("  ack us   p50 %" PRId64 "  p99 %" PRId64 "\n", ack_us[p50], ack_us[p99]);
	printf("  ratio    p50 %.2f  p99 %.2f\n", (double)ack_us[p50] / (double)echo_us[p50],
	       (double)ack_us[p99] / (double)echo_us[p99]);
	mosquitto_disconnect(client);
	mosquitto_disconnect(echo);
	mosquitto_loop_stop(client, true);
	mosquitto_loop_stop(echo, true);
	free(echo_us);
	free(ack_us);
	return lost ? 1 : 0;
}
