/* rebankctl status: the bank at one instant. */
#include <string.h>
#include <unistd.h>

#include "ctl/remote.h"

static int print(const json_t *answer, bool json)
{
	const char *type = json_string_value(json_object_get(answer, "type"));

	if (!type || strcmp(type, "status") != 0)
		return remote_print_answer(answer);
	if (json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		table_print(answer, stdout);
	}
	return CTL_OK;
}

int ctl_status(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, REMOTE_OPTIONS, {NULL, 0, NULL, 0}};
	struct remote remote;
	json_t *answer;
	bool json = false;
	int option, fd, status;

	remote_init(&remote);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (!remote_option(&remote, option, optarg))
			return ctl_usage(self, "unknown option or value");
	}
	if (optind != argc)
		return ctl_usage(self, "\"%s\" is too much", argv[optind]);
	fd = remote_open(&remote, &status);
	if (fd < 0)
		return status;
	answer = remote_ask(fd, &remote, json_pack("{s:s}", "do", "status"), &status);
	if (answer)
		status = print(answer, json);
	json_decref(answer);
	close(fd);
	return status;
}
