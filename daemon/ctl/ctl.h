/*
 * rebankctl: a table of subcommands, one file each. Every one answers --help with everything there
 * is to know about it.
 */
#ifndef REBANK_CTL_CTL_H
#define REBANK_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit codes; scripts rely on them. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,       /* it ran and the answer is no */
	CTL_USAGE = 64,       /* the command line does not make sense */
	CTL_UNREACHABLE = 69, /* no daemon answers on the local socket */
	CTL_CONFIG = 78,      /* a file has mistakes */
};

struct subcommand {
	const char *name;
	const char *arguments; /* after the name, in the usage line */
	const char *brief;     /* one line, in the list of all */
	const char *help;      /* all the rest */
	int (*run)(const struct subcommand *self, int argc, char **argv);
};

/* Prints the whole help of one subcommand. */
void ctl_help(const struct subcommand *self, FILE *out);

/* Prints "rebankctl NAME: what" and how to get help; returns CTL_USAGE. */
int ctl_usage(const struct subcommand *self, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int ctl_check(const struct subcommand *self, int argc, char **argv);
int ctl_gpio(const struct subcommand *self, int argc, char **argv);
int ctl_safe(const struct subcommand *self, int argc, char **argv);
int ctl_pcs(const struct subcommand *self, int argc, char **argv);
int ctl_preflight(const struct subcommand *self, int argc, char **argv);
int ctl_simulate(const struct subcommand *self, int argc, char **argv);
int ctl_replay(const struct subcommand *self, int argc, char **argv);
int ctl_setpoint(const struct subcommand *self, int argc, char **argv);
int ctl_command(const struct subcommand *self, int argc, char **argv); /* release, start, stop... */
int ctl_proof(const struct subcommand *self, int argc, char **argv);
int ctl_record(const struct subcommand *self, int argc, char **argv);
int ctl_decode(const struct subcommand *self, int argc, char **argv);
int ctl_profile(const struct subcommand *self, int argc, char **argv);
int ctl_status(const struct subcommand *self, int argc, char **argv);
int ctl_watch(const struct subcommand *self, int argc, char **argv);

/*
 * Quantities as people type them. The unit of a power is required: 5 could be watts or kilowatts.
 * "5kW", "800W", "0.3 MW"; "60", "90s", "15min", "1h"; "500W/s", "2kW/s". Finite, >= 0. False on
 * anything else; the value is then untouched.
 */
bool ctl_parse_power(const char *text, double *power_w);
bool ctl_parse_duration(const char *text, double *duration_s);
bool ctl_parse_ramp(const char *text, double *ramp_w_s);

#endif
