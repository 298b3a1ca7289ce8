/* The one-word requests: release, start, stop, lock, unlock, enable, disable, clear, record. */
#include <string.h>
#include <unistd.h>

#include "ctl/remote.h"

/* Which of them name a pack. */
static bool takes_pack(const struct subcommand *self)
{
	return self->arguments[0] != '\0';
}

static bool needs_pack(const struct subcommand *self)
{
	return takes_pack(self) && self->arguments[0] != '[';
}

int ctl_command(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {REMOTE_OPTIONS, {NULL, 0, NULL, 0}};
	struct remote remote;
	json_t *request, *answer;
	int option, fd, status;

	remote_init(&remote);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!remote_option(&remote, option, optarg))
			return ctl_usage(self, "unknown option or value");
	if (argc - optind > (takes_pack(self) ? 1 : 0))
		return ctl_usage(self, "\"%s\" is too much", argv[argc - 1]);
	if (needs_pack(self) && optind == argc)
		return ctl_usage(self, "name the pack");
	fd = remote_open(&remote, &status);
	if (fd < 0)
		return status;
	request = json_pack("{s:s}", "do", self->name);
	if (optind < argc)
		json_object_set_new(request, "pack", json_string(argv[optind]));
	answer = remote_ask(fd, &remote, request, &status);
	if (answer)
		status = remote_print_answer(answer);
	json_decref(answer);
	close(fd);
	return status;
}
