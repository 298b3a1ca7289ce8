#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "ctl/remote.h"
#include "northbound/client.h"

static const char demo_dir[] = ".demo/run", run_dir[] = "/run/rebank";

void remote_init(struct remote *remote)
{
	*remote = (struct remote){.timeout_ms = 5000};
}

bool remote_option(struct remote *remote, int option, const char *value)
{
	double timeout_s;

	switch (option) {
	case OPTION_SOCKET:
		remote->socket = value;
		return true;
	case OPTION_CONFIG:
		remote->config = value;
		return true;
	case OPTION_BANK:
		remote->bank = value;
		return true;
	case OPTION_TIMEOUT:
		if (!ctl_parse_duration(value, &timeout_s) || timeout_s > 3600.0)
			return false;
		remote->timeout_ms = (int)(1000.0 * timeout_s);
		return true;
	default:
		return false;
	}
}

/* Where sockets are looked for: the demo's directory when we stand beside one. */
static const char *socket_dir(void)
{
	struct stat status;

	return stat(demo_dir, &status) == 0 && S_ISDIR(status.st_mode) ? demo_dir : run_dir;
}

static int from_config(const char *file, char *path, size_t size)
{
	struct config *config = calloc(1, sizeof(*config));
	int mistakes;

	if (!config)
		abort();
	mistakes = config_load(file, NULL, config, stderr);
	if (mistakes == 0)
		snprintf(path, size, "%s/%s.sock", config->run_dir, config->site.id);
	config_free(config);
	free(config);
	return mistakes == 0 ? CTL_OK : CTL_CONFIG;
}

static int from_directory(char *path, size_t size)
{
	const char *dir = socket_dir();
	char pattern[64];
	glob_t found;
	int status = CTL_OK;

	snprintf(pattern, sizeof(pattern), "%s/*.sock", dir);
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr,
			"rebankctl: no bank in %s: is rebankd running? Name its socket with "
			"--socket or --config\n",
			dir);
		return CTL_UNREACHABLE;
	}
	if (found.gl_pathc > 1) {
		fprintf(stderr, "rebankctl: %zu banks in %s: choose one with --bank\n",
			found.gl_pathc, dir);
		status = CTL_USAGE;
	}
	snprintf(path, size, "%s", found.gl_pathv[0]);
	globfree(&found);
	return status;
}

static int find_socket(const struct remote *remote, char *path, size_t size)
{
	if (remote->socket)
		snprintf(path, size, "%s", remote->socket);
	else if (remote->config)
		return from_config(remote->config, path, size);
	else if (remote->bank)
		snprintf(path, size, "%s/%s.sock", socket_dir(), remote->bank);
	else
		return from_directory(path, size);
	return CTL_OK;
}

int remote_open(const struct remote *remote, int *status)
{
	char path[2 * PATH_SIZE];
	int fd;

	*status = find_socket(remote, path, sizeof(path));
	if (*status != CTL_OK)
		return -1;
	fd = client_open(path);
	if (fd < 0) {
		fprintf(stderr, "rebankctl: %s: %s%s\n", path, strerror(errno),
			errno == EACCES ? ": join the socket's group or use sudo"
					: ": is rebankd running?");
		*status = CTL_UNREACHABLE;
	}
	return fd;
}

json_t *remote_ask(int fd, const struct remote *remote, json_t *request, int *status)
{
	int rc = client_send(fd, request);
	json_t *answer = rc == 0 ? client_read(fd, remote->timeout_ms) : NULL;

	json_decref(request);
	if (!answer) {
		fprintf(stderr, "rebankctl: no answer from rebankd: %s\n", strerror(errno));
		*status = CTL_UNREACHABLE;
	}
	return answer;
}

const char *power_text(const json_t *value, char *text, size_t size)
{
	double power_w = json_number_value(value);

	if (!json_is_number(value))
		snprintf(text, size, "unknown");
	else if (power_w > -1000.0 && power_w < 1000.0)
		snprintf(text, size, "%.0f W", power_w);
	else
		snprintf(text, size, "%.2f kW", power_w / 1000.0);
	return text;
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *direction(double power_w)
{
	return power_w > 0.0 ? "discharge " : power_w < 0.0 ? "charge " : "";
}

/* Beside the word of the direction a sign would say it twice. */
static const char *magnitude_text(const json_t *value, char *text, size_t size)
{
	power_text(value, text, size);
	return text[0] == '-' ? text + 1 : text;
}

static int print_ack(const json_t *ack)
{
	const json_t *set = json_object_get(ack, "p_set_w");
	const char *status = string_of(ack, "status"), *detail = string_of(ack, "detail");
	char power[32], asked[32];
	bool limited = strcmp(status, "limited") == 0;

	if (strcmp(status, "rejected") == 0) {
		fprintf(stderr, "rejected: %s (%s)\n", detail, string_of(ack, "reason"));
		return CTL_FAILED;
	}
	printf("%s", status);
	if (json_is_number(set) && json_is_number(json_object_get(ack, "p_req_w")))
		printf(": %s%s%s%s", direction(json_number_value(set)),
		       magnitude_text(set, power, sizeof(power)), limited ? " of " : "",
		       limited ? magnitude_text(json_object_get(ack, "p_req_w"), asked,
						sizeof(asked))
			       : "");
	if (strcmp(string_of(ack, "reason"), "ok") != 0)
		printf(": %s (%s)", detail, string_of(ack, "reason"));
	putchar('\n');
	return CTL_OK;
}

int remote_print_answer(const json_t *answer)
{
	const char *type = string_of(answer, "type");

	if (strcmp(type, "ack") == 0)
		return print_ack(json_object_get(answer, "ack"));
	if (strcmp(type, "ok") == 0) {
		printf("ok: %s\n", string_of(answer, "do"));
		return CTL_OK;
	}
	fprintf(stderr, "refused: %s (%s)\n", string_of(answer, "detail"),
		string_of(answer, "reason"));
	return CTL_FAILED;
}
