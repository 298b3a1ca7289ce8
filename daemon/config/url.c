/* Broker address: mqtt://host[:port] or mqtts://host[:port]. */
#include <stdlib.h>
#include <string.h>

#include "config/key.h"

enum { PORT_PLAIN = 1883, PORT_TLS = 8883 };

/* "" -> 0, ":1883" -> 1883, anything else -> -1. */
static long port_parse(const char *text)
{
	char *end;
	long port;

	if (*text == '\0')
		return 0;
	if (text[0] != ':' || text[1] < '0' || text[1] > '9')
		return -1;
	port = strtol(text + 1, &end, 10);
	return *end == '\0' && port > 0 && port <= UINT16_MAX ? port : -1;
}

const char *url_parse(struct mqtt_config *mqtt, const char *url)
{
	bool tls = strncmp(url, "mqtts://", 8) == 0;
	const char *host = url + (tls ? 8 : 7), *rest;
	size_t n;
	long port;

	if (!tls && strncmp(url, "mqtt://", 7) != 0)
		return "must begin with mqtts:// or mqtt://";
	if (strchr(host, '@'))
		return "must not carry a user: use username and password_file";
	if (*host == '[') {
		n = strcspn(++host, "]");
		rest = host[n] == ']' ? host + n + 1 : "?";
	} else {
		n = strcspn(host, ":/");
		rest = host + n;
	}
	port = port_parse(rest);
	if (n == 0)
		return "names no host";
	if (n >= sizeof(mqtt->host))
		return "has too long a host name";
	if (port < 0)
		return "must end with the host or with :port, a port of 1 to 65535";
	memcpy(mqtt->host, host, n);
	mqtt->host[n] = '\0';
	mqtt->port = (uint16_t)(port ? port : tls ? PORT_TLS : PORT_PLAIN);
	mqtt->tls = tls;
	return NULL;
}

bool url_is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

bool config_set_mqtt_url(struct config *config, const char *url, FILE *errors)
{
	struct mqtt_config mqtt = config->mqtt;
	const char *wrong = url_parse(&mqtt, url);

	if (!wrong && strlen(url) >= sizeof(mqtt.url))
		wrong = "is too long";
	else if (!wrong && mqtt.tls && !*mqtt.ca_file)
		wrong = "needs mqtt.ca_file in the site file";
	else if (!wrong && !mqtt.tls && !url_is_loopback(mqtt.host) && !mqtt.allow_plain)
		wrong = "is not encrypted: use mqtts://, or mqtt.allow_plain in the site file";
	if (wrong) {
		fprintf(errors, "--mqtt-url \"%s\" %s\n", url, wrong);
		return false;
	}
	memcpy(mqtt.url, url, strlen(url) + 1);
	if (*mqtt.client_id == '\0')
		snprintf(mqtt.client_id, sizeof(mqtt.client_id), "rebank-%s", config->site.id);
	mqtt.enabled = true;
	config->mqtt = mqtt;
	return true;
}
