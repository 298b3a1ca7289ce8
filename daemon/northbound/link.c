#include "northbound/link.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library buffers whatever arrives; a command is at most 4 KiB, and topics and properties come
 * on top. The broker keeps larger packets from a client that says so (MQTT 5). */
enum { PACKET_MAX_BYTES = 16384 };

struct link {
	struct mosquitto *client;
	struct link_owner owner;
	enum link_phase phase;
	bool v5, wrong_version;
	char problem[128];
};

static void set_down(struct link *link, const char *problem)
{
	if (link->phase != LINK_DOWN)
		snprintf(link->problem, sizeof link->problem, "%s", problem);
	link->phase = LINK_DOWN;
}

static void on_connect(struct mosquitto *client, void *context, int code, int flags,
		       const mosquitto_property *properties)
{
	struct link *link = context;

	(void)client;
	(void)flags;
	(void)properties;
	if (code == 0) {
		link->phase = LINK_UP;
		return;
	}
	link->wrong_version = link->v5 ? code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION
				       : code == CONNACK_REFUSED_PROTOCOL_VERSION;
	set_down(link, link->v5 ? mosquitto_reason_string(code) : mosquitto_connack_string(code));
}

static void on_disconnect(struct mosquitto *client, void *context, int code,
			  const mosquitto_property *properties)
{
	(void)client;
	(void)properties;
	set_down(context, code == MOSQ_ERR_KEEPALIVE ? "broker does not answer"
						     : "broker closed the connection");
}

static void on_publish(struct mosquitto *client, void *context, int mid, int code,
		       const mosquitto_property *properties)
{
	struct link *link = context;

	(void)client;
	(void)properties;
	if (code >= 0x80) /* sending it again would be refused again */
		fprintf(stderr, "mqtt: broker refused a message: %s; check its access rules\n",
			mosquitto_reason_string(code));
	link->owner.delivered(link->owner.context, mid);
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *m,
		       const mosquitto_property *properties)
{
	struct link *link = context;
	char *response_topic = NULL;
	void *correlation = NULL;
	uint16_t size = 0;
	struct link_message message = {
		.topic = m->topic,
		.payload = m->payload ? m->payload : "",
		.length = m->payloadlen > 0 ? (size_t)m->payloadlen : 0,
		.retained = m->retain,
	};

	(void)client;
	mosquitto_property_read_string(properties, MQTT_PROP_RESPONSE_TOPIC, &response_topic,
				       false);
	mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &correlation, &size,
				       false);
	message.response_topic = response_topic;
	message.correlation = correlation;
	message.correlation_size = size;
	link->owner.message(link->owner.context, &message);
	free(response_topic);
	free(correlation);
}

static void on_subscribe(struct mosquitto *client, void *context, int mid, int count,
			 const int *granted, const mosquitto_property *properties)
{
	(void)client;
	(void)context;
	(void)mid;
	(void)properties;
	for (int i = 0; i < count; i++)
		if (granted[i] >= 0x80)
			fprintf(stderr, "mqtt: broker refused a subscription: check its access "
					"rules\n");
}

/* First line of the file, read anew for every connection: passwords may be rotated. */
static bool read_password(const char *path, char *password, size_t size)
{
	FILE *file = fopen(path, "re");
	bool read = file && fgets(password, (int)size, file);

	if (file)
		fclose(file);
	if (read)
		password[strcspn(password, "\r\n")] = '\0';
	return read;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static int set_login(struct link *link, const struct mqtt_config *config)
{
	char password[256] = "";
	int rc;

	if (!*config->username)
		return MOSQ_ERR_SUCCESS;
	if (*config->password_file &&
	    !read_password(config->password_file, password, sizeof password)) {
		snprintf(link->problem, sizeof link->problem, "cannot read password_file %.90s",
			 config->password_file);
		return MOSQ_ERR_ERRNO;
	}
	rc = mosquitto_username_pw_set(link->client, config->username, or_null(password));
	explicit_bzero(password, sizeof password);
	return rc;
}

static int set_tls(struct link *link, const struct mqtt_config *config)
{
	int rc;

	if (!config->tls)
		return MOSQ_ERR_SUCCESS;
	rc = mosquitto_tls_set(link->client, or_null(config->ca_file),
			       *config->ca_file ? NULL : "/etc/ssl/certs",
			       or_null(config->cert_file), or_null(config->key_file), NULL);
	if (rc != MOSQ_ERR_SUCCESS)
		snprintf(link->problem, sizeof link->problem,
			 "ca_file, cert_file or key_file cannot be used: %s",
			 mosquitto_strerror(rc));
	return rc;
}

/*
 * The call that connects without blocking takes no properties. The one that takes them keeps them
 * for every later connection of this client before it looks at the host; without a host it goes no
 * further. A library that looks first only forgets them: then the broker's own limit has to do.
 */
static void set_packet_limit(struct link *link)
{
	mosquitto_property *properties = NULL;

	if (!link->v5 || mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
						      PACKET_MAX_BYTES) != MOSQ_ERR_SUCCESS)
		return;
	mosquitto_connect_bind_v5(link->client, NULL, 0, 0, NULL, properties);
	mosquitto_property_free_all(&properties);
}

static int set_up(struct link *link, const struct mqtt_config *config, const char *will_topic,
		  const char *will)
{
	int rc;

	mosquitto_connect_v5_callback_set(link->client, on_connect);
	mosquitto_disconnect_v5_callback_set(link->client, on_disconnect);
	mosquitto_publish_v5_callback_set(link->client, on_publish);
	mosquitto_message_v5_callback_set(link->client, on_message);
	mosquitto_subscribe_v5_callback_set(link->client, on_subscribe);
	mosquitto_int_option(link->client, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_int_option(link->client, MOSQ_OPT_PROTOCOL_VERSION,
			     link->v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	rc = set_login(link, config);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = set_tls(link, config);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_will_set(link->client, will_topic, (int)strlen(will), will, 1, true);
	if (rc == MOSQ_ERR_SUCCESS)
		set_packet_limit(link);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_connect_async(link->client, config->host, config->port,
					     (int)config->keepalive_s);
	return rc;
}

struct link *link_open(const struct mqtt_config *config, bool v5, const char *will_topic,
		       const char *will, const struct link_owner *owner, char *problem, size_t size)
{
	struct link *link = calloc(1, sizeof *link);
	int rc = MOSQ_ERR_NOMEM;

	if (link) {
		link->owner = *owner;
		link->v5 = v5;
		link->client = mosquitto_new(config->client_id, true, link);
	}
	if (link && link->client)
		rc = set_up(link, config, will_topic, will);
	if (rc == MOSQ_ERR_SUCCESS)
		return link;
	if (link && *link->problem)
		snprintf(problem, size, "%s", link->problem);
	else if (rc == MOSQ_ERR_ERRNO)
		snprintf(problem, size, "cannot connect: %m");
	else if (rc == MOSQ_ERR_EAI)
		snprintf(problem, size, "host name cannot be resolved");
	else
		snprintf(problem, size, "%s", mosquitto_strerror(rc));
	if (link)
		link_close(link, false);
	return NULL;
}

void link_close(struct link *link, bool orderly)
{
	if (orderly && link->client && link->phase == LINK_UP)
		mosquitto_disconnect(link->client);
	if (link->client)
		mosquitto_destroy(link->client);
	free(link);
}

int link_fd(const struct link *link)
{
	return mosquitto_socket(link->client);
}

bool link_wants_write(const struct link *link)
{
	return mosquitto_want_write(link->client);
}

enum link_phase link_serve(struct link *link, bool readable)
{
	int rc = MOSQ_ERR_SUCCESS;

	if (readable)
		rc = mosquitto_loop_read(link->client, 1);
	if (rc == MOSQ_ERR_SUCCESS && mosquitto_want_write(link->client))
		rc = mosquitto_loop_write(link->client, 1);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_loop_misc(link->client);
	if (rc == MOSQ_ERR_ERRNO) {
		char text[96];

		snprintf(text, sizeof text, "connection failed: %m");
		set_down(link, text);
	} else if (rc != MOSQ_ERR_SUCCESS) {
		set_down(link, mosquitto_strerror(rc));
	}
	return link->phase;
}

const char *link_problem(const struct link *link)
{
	return link->problem;
}

bool link_wrong_version(const struct link *link)
{
	return link->wrong_version;
}

static mosquitto_property *properties_of(const struct link_publication *p)
{
	mosquitto_property *properties = NULL;

	if (p->expiry_s > 0)
		mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
					     p->expiry_s);
	if (p->correlation)
		mosquitto_property_add_binary(&properties, MQTT_PROP_CORRELATION_DATA,
					      p->correlation, (uint16_t)p->correlation_size);
	mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE, "application/json");
	return properties;
}

int link_publish(struct link *link, const struct link_publication *p)
{
	mosquitto_property *properties;
	int mid = -1, rc;

	/* QoS 1 while disconnected would be queued without bound by the library. */
	if (link->phase != LINK_UP)
		return -1;
	properties = link->v5 ? properties_of(p) : NULL;
	rc = mosquitto_publish_v5(link->client, &mid, p->topic, (int)strlen(p->text), p->text,
				  p->qos, p->retain, properties);
	mosquitto_property_free_all(&properties);
	return rc == MOSQ_ERR_SUCCESS ? mid : -1;
}

bool link_subscribe(struct link *link, const char *filter, bool commands)
{
	int options = commands ? MQTT_SUB_OPT_SEND_RETAIN_NEVER | MQTT_SUB_OPT_RETAIN_AS_PUBLISHED
			       : MQTT_SUB_OPT_NO_LOCAL;

	return mosquitto_subscribe_v5(link->client, NULL, filter, 1, link->v5 ? options : 0,
				      NULL) == MOSQ_ERR_SUCCESS;
}
