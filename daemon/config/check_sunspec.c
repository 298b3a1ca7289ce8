/* Our own SunSpec server: where it listens, what may be written, and as whom. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/key.h"

#define MISTAKE(name, ...)                                                                         \
	mistake_at(&reader->mistakes, setting_of_site(reader, "sunspec", name), "sunspec",         \
		   __VA_ARGS__)

/* "127.0.0.1:1502" or "[::1]:1502" -> host and port. */
static bool listen_parse(struct sunspec_config *sunspec)
{
	bool bracket = sunspec->listen[0] == '[';
	const char *host = sunspec->listen + bracket;
	size_t n = strcspn(host, bracket ? "]" : ":");
	const char *rest = host + n + (bracket && host[n] == ']');
	unsigned char address[sizeof(struct in6_addr)];
	char *end;
	long port;

	if (n == 0 || n >= sizeof sunspec->host || rest[0] != ':' || rest[1] < '0' || rest[1] > '9')
		return false;
	port = strtol(rest + 1, &end, 10);
	memcpy(sunspec->host, host, n);
	sunspec->host[n] = '\0';
	sunspec->port = (uint16_t)port;
	return *end == '\0' && port > 0 && port <= UINT16_MAX &&
	       inet_pton(bracket ? AF_INET6 : AF_INET, sunspec->host, address) == 1;
}

static const struct {
	const char *word;
	unsigned allow;
} words[] = {
	{"setpoint", ALLOW_SETPOINT},
	{"operate", ALLOW_OPERATE},
	{"packs", ALLOW_PACKS},
	{"clear", ALLOW_CLEAR},
};

static bool allow_parse(struct sunspec_config *sunspec)
{
	const char *text = sunspec->allow;

	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");
		unsigned allow = 0;

		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			if (strlen(words[i].word) == n && strncmp(text, words[i].word, n) == 0)
				allow = words[i].allow;
		if (!allow)
			return false;
		sunspec->allowed |= allow;
		text += n;
	}
	return true;
}

static void check_writer(struct reader *reader)
{
	const struct config *config = reader->config;
	const struct sunspec_config *sunspec = &config->sunspec;

	if (!*sunspec->writer)
		MISTAKE("allow", "writer is missing: name the source that writes here");
	for (unsigned i = 0; i < config->mqtt.n_sources; i++) {
		const struct source_site *other = &config->site.source[i];

		if (*sunspec->writer && strcmp(other->id, sunspec->writer) == 0)
			MISTAKE("writer", "writer \"%s\" is %s", sunspec->writer,
				i ? "a source of mqtt.sources: give it a name of its own"
				  : "reserved for the board itself");
		if (other->priority == sunspec->priority)
			MISTAKE("writer_priority",
				"writer_priority %u is also that of \"%s\": who wins would be "
				"chance",
				(unsigned)sunspec->priority, other->id);
	}
	if (*sunspec->writer && config->mqtt.n_sources >= SOURCE_MAX)
		MISTAKE("writer",
			"writer \"%s\" is one source too many: at most %d, those of mqtt.sources "
			"included",
			sunspec->writer, SOURCE_MAX - 1);
	if (sunspec->hold_s > sunspec->valid_max_s)
		MISTAKE("hold_s", "hold_s %g is above writer_valid_max_s %g", sunspec->hold_s,
			sunspec->valid_max_s);
}

void check_sunspec(struct reader *reader)
{
	struct sunspec_config *sunspec = &reader->config->sunspec;

	if (!sunspec->enabled)
		return;
	if (!listen_parse(sunspec))
		MISTAKE("listen", "listen \"%s\" is no address and port: \"127.0.0.1:1502\"",
			sunspec->listen);
	else if (!sunspec->allow_network && !url_is_loopback(sunspec->host))
		MISTAKE("listen",
			"listen \"%s\" is open to other machines, without password or encryption: "
			"use 127.0.0.1, or say allow_network = true",
			sunspec->listen);
	if (!allow_parse(sunspec))
		MISTAKE("allow",
			"allow \"%s\" has a word that is not of setpoint operate packs "
			"clear",
			sunspec->allow);
	if (sunspec->allowed)
		check_writer(reader);
	else if (*sunspec->writer)
		MISTAKE("writer", "writer \"%s\" may write nothing: say what in allow",
			sunspec->writer);
}

/* The writer becomes a source like any other, after those of the broker. */
void derive_sunspec(struct reader *reader)
{
	struct config *config = reader->config;
	struct sunspec_config *sunspec = &config->sunspec;
	struct site *site = &config->site;

	sunspec->enabled =
		setting_find(config_root_setting(&reader->tree), NULL, "sunspec") != NULL;
	site->n_sources = config->mqtt.n_sources;
	if (!sunspec->enabled || !*sunspec->writer || !*sunspec->allow ||
	    site->n_sources >= SOURCE_MAX)
		return;
	sunspec->source = site->n_sources;
	site->source[site->n_sources++] = (struct source_site){
		.priority = sunspec->priority,
		.may_setpoint = strstr(sunspec->allow, "setpoint") != NULL,
		.may_command = strcmp(sunspec->allow, "setpoint") != 0,
		.valid_max_s = sunspec->valid_max_s,
		.stale_s = 5.0,
		.future_s = 2.0,
	};
	memcpy(site->source[sunspec->source].id, sunspec->writer, sizeof sunspec->writer);
}
