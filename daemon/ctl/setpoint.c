/* rebankctl setpoint: power for a while, as the local operator. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "ctl/remote.h"

struct setpoint {
	struct remote remote;
	double p_w, valid_s, ramp_w_s;
	bool reject;
};

static int parse_option(const struct subcommand *self, struct setpoint *setpoint, int option)
{
	switch (option) {
	case 'f':
		if (!ctl_parse_duration(optarg, &setpoint->valid_s) || setpoint->valid_s <= 0.0)
			return ctl_usage(self, "--for %s: a time such as 60s or 15min", optarg);
		return CTL_OK;
	case 'r':
		if (!ctl_parse_ramp(optarg, &setpoint->ramp_w_s) || setpoint->ramp_w_s <= 0.0)
			return ctl_usage(self, "--ramp %s: a ramp such as 500W/s", optarg);
		return CTL_OK;
	case 'R':
		setpoint->reject = true;
		return CTL_OK;
	default:
		return remote_option(&setpoint->remote, option, optarg)
			       ? CTL_OK
			       : ctl_usage(self, "unknown option or value");
	}
}

static int parse_words(const struct subcommand *self, struct setpoint *setpoint, int argc,
		       char **argv)
{
	double sign;

	if (argc != 2)
		return ctl_usage(self, "say discharge or charge, and the power");
	if (strcmp(argv[0], "discharge") == 0)
		sign = 1.0;
	else if (strcmp(argv[0], "charge") == 0)
		sign = -1.0;
	else
		return ctl_usage(self, "\"%s\": say discharge or charge", argv[0]);
	if (!ctl_parse_power(argv[1], &setpoint->p_w))
		return ctl_usage(self, "\"%s\": a power with its unit, such as 5kW or 800W",
				 argv[1]);
	setpoint->p_w *= sign;
	if (isnan(setpoint->valid_s))
		return ctl_usage(self, "say how long: --for 60s");
	return CTL_OK;
}

static json_t *request_of(const struct setpoint *setpoint)
{
	/* -0.0 would read as a charge of nothing */
	double p_w = setpoint->p_w == 0.0 ? 0.0 : setpoint->p_w;
	json_t *request = json_pack("{s:s, s:f, s:f}", "do", "setpoint", "p_w", p_w, "valid_s",
				    setpoint->valid_s);

	if (!isnan(setpoint->ramp_w_s))
		json_object_set_new(request, "ramp_w_s", json_real(setpoint->ramp_w_s));
	if (setpoint->reject)
		json_object_set_new(request, "limit", json_string("reject"));
	return request;
}

int ctl_setpoint(const struct subcommand *self, int argc, char **argv)
{
	static const struct option options[] = {{"for", required_argument, NULL, 'f'},
						{"ramp", required_argument, NULL, 'r'},
						{"reject", no_argument, NULL, 'R'},
						REMOTE_OPTIONS,
						{NULL, 0, NULL, 0}};
	struct setpoint setpoint = {.valid_s = NAN, .ramp_w_s = NAN};
	json_t *answer;
	int option, fd, status;

	remote_init(&setpoint.remote);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		status = parse_option(self, &setpoint, option);
		if (status != CTL_OK)
			return status;
	}
	status = parse_words(self, &setpoint, argc - optind, argv + optind);
	if (status != CTL_OK)
		return status;
	fd = remote_open(&setpoint.remote, &status);
	if (fd < 0)
		return status;
	answer = remote_ask(fd, &setpoint.remote, request_of(&setpoint), &status);
	if (answer)
		status = remote_print_answer(answer);
	json_decref(answer);
	close(fd);
	return status;
}
