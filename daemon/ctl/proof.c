/* rebankctl proof: the operator has seen something work that is only needed in an emergency. */
#include <string.h>
#include <unistd.h>

#include "ctl/remote.h"
#include "northbound/operation.h"

int ctl_proof(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {REMOTE_OPTIONS, {NULL, 0, NULL, 0}};
	struct remote remote;
	json_t *request, *answer;
	enum proof_test test;
	int option, fd, status;

	remote_init(&remote);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!remote_option(&remote, option, optarg))
			return ctl_usage(self, "unknown option or value");
	if (optind == argc)
		return ctl_usage(self, "name what was seen working");
	if (!proof_parse(argv[optind], &test))
		return ctl_usage(self,
				 "\"%s\" is not estop, heartbeat, dead-man, insulation or weld",
				 argv[optind]);
	if (argc - optind != (test == PROOF_WELD ? 2 : 1))
		return ctl_usage(self, test == PROOF_WELD ? "name the pack, and only one"
							  : "only weld names a pack");
	fd = remote_open(&remote, &status);
	if (fd < 0)
		return status;
	request = json_pack("{s:s,s:s}", "do", "proof", "proof", argv[optind]);
	if (test == PROOF_WELD)
		json_object_set_new(request, "pack", json_string(argv[optind + 1]));
	answer = remote_ask(fd, &remote, request, &status);
	if (answer)
		status = remote_print_answer(answer);
	json_decref(answer);
	close(fd);
	return status;
}
