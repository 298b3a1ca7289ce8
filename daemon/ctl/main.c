/* rebankctl: the installer's and the operator's hand on one bank. */
#include <stdarg.h>
#include <string.h>

#include "ctl/ctl.h"

#define FIND_BANK                                                                                  \
	"Which daemon:\n"                                                                          \
	"  --socket PATH    its local socket\n"                                                    \
	"  --config FILE    the socket that this site file names (run_dir and bank.id)\n"          \
	"  --bank NAME      NAME.sock in .demo/run of this directory, else in /run/rebank\n"       \
	"Without any of them: the only *.sock in .demo/run, if there is such a directory, else "   \
	"in\n"                                                                                     \
	"/run/rebank.\n"

#define WAIT_HELP "  --timeout S      wait at most S seconds for the answer (default 5)\n"

#define COMMAND(word, args, text)                                                                  \
	{                                                                                          \
		word, args, text, WAIT_HELP "\n" FIND_BANK, ctl_command                            \
	}

static const struct subcommand subcommands[] = {
	{"check", "FILE", "read a site file: print the effective site, or every mistake",
	 "Exits 0 when the daemon would start with this file and prints every value in force, "
	 "what\n"
	 "hardware protects each pack without Rebank, and the digest of the configuration. Exits "
	 "78\n"
	 "and prints each mistake as file:line: where: what, remedy.\n"
	 "  --profiles DIR   read pack profiles from DIR (default: packs/ beside FILE, then the\n"
	 "                   installed ones)\n"
	 "  --quiet          print mistakes only\n",
	 ctl_check},
	{"gpio", "[FILE]", "list GPIO chips, their lines, who holds them, what FILE makes of them",
	 "The site file names a chip by the label in quotes, never by its number, and a line by "
	 "its\n"
	 "name or offset. Exits 1 when FILE names a line that this board does not have.\n"
	 "  --json           print one JSON object\n"
	 "  --profiles DIR   read pack profiles from DIR (see check)\n",
	 ctl_gpio},
	{"safe", "", "drive every output of a site inactive: converters first, then coils",
	 "The converters' enable falls first; when a coil was driven, at most 0.5 s pass for the\n"
	 "current to go; then every output is inactive. Needs no daemon, no state and no broker, "
	 "ends\n"
	 "within 5 s whatever happens, and may be run at any time: lines that a running daemon "
	 "holds\n"
	 "are left to it. Exits 0 when every output was driven inactive and reads so, 1 when one "
	 "was\n"
	 "not, which it names with its holder. A file with mistakes is used as far as it goes.\n"
	 "  --config FILE    the site (default /etc/rebank/site.conf)\n"
	 "  --profiles DIR   read pack profiles from DIR (see check)\n",
	 ctl_safe},
	{"pcs", "FILE | URL", "ask converters and meters on Modbus what they offer",
	 "Finds out about every converter and meter of the site file that hangs on Modbus, or about "
	 "the\n"
	 "SunSpec device at URL (tcp://HOST:502/1, rtu:///dev/ttyUSB0?unit=1), and prints it. Writes\n"
	 "nothing, unless told to prove the dead-man. The daemon of the site must not run.\n"
	 "Exits 1 when one does not answer, cannot be steered, or has not the dead-man asked for.\n"
	 "  --prove          write 0 W and off, program the dead-man and read it back\n"
	 "  --dead-man S     with a URL: how long the dead-man is to be (default 5)\n"
	 "  --for S          how long to ask (default 6)\n"
	 "  --profiles DIR   read pack profiles from DIR (see check)\n",
	 ctl_pcs},
	{"preflight", "FILE", "prove a site's wiring line by line, and commission it",
	 "Before the first start, and after every change of FILE, with the DC bus dead and the "
	 "daemon\n"
	 "stopped. Pulses every coil alone and watches every contact: what does not close, is "
	 "inverted,\n"
	 "or is swapped with another is named. Looks at the inputs, asks for the emergency stop to "
	 "be\n"
	 "pressed, and withholds the heartbeat until its relay lets go. Writes the report, and when\n"
	 "nothing failed the commissioning record without which the daemon closes no real "
	 "contactor,\n"
	 "into the state directory. Ctrl-C ends it with every output inactive. Exits 0 when "
	 "passed.\n"
	 "  --bus-dead       say so here instead of when asked\n"
	 "  --state-dir DIR  instead of the configured one\n"
	 "  --run-dir DIR    instead of the configured one: where the daemon's lock is\n"
	 "  --profiles DIR   read pack profiles from DIR (see check)\n",
	 ctl_preflight},
	{"simulate", "SCENARIO", "run a scenario or a site against its digital twin",
	 "Runs the controller against a simulated plant in virtual time: hours in seconds. "
	 "SCENARIO\n"
	 "is a scenario file (docs/simulate.md) or a site file; a site file gets one day of "
	 "dispatch,\n"
	 "charging at midday and discharging in the evening with half the site's rating.\n"
	 "Ends with the verdict. Exits 1 when an expectation or an invariant did not hold.\n"
	 "  --seed N         draw the truth of the packs and all noise from N (default: the "
	 "file's)\n"
	 "  --hours H        run so long instead of what the file says\n"
	 "  --json           print one JSON object and nothing else on stdout\n"
	 "  --record FILE    write a recording for `rebankctl replay`\n"
	 "  -v, --verbose    print every event and unusual ack as it happens\n"
	 "  --words          print every condition, fault and reason a scenario may name\n",
	 ctl_simulate},
	{"replay", "LOG", "run a recording through the controller again and compare",
	 "Feeds the recorded inputs to the controller and compares its outputs with the recorded\n"
	 "ones: byte for byte on the build that recorded them, else decisions and events exactly "
	 "and\n"
	 "numbers to 1e-9. Exits 0 when all agree, 1 at the first difference, which it shows; 78 "
	 "when\n"
	 "the file cannot be read or is torn.\n"
	 "  -v, --verbose    print the events on the way\n",
	 ctl_replay},
	{"setpoint", "discharge|charge POWER --for TIME",
	 "ask for power as the local operator and wait for the answer",
	 "POWER carries its unit: 5kW, 800W, 0.1MW. TIME is in seconds or with a unit: 90, 90s,\n"
	 "15min, 1h; when it has passed the bank goes back to 0 W.\n"
	 "  --for TIME       lifetime of the setpoint, at most 1h (required)\n"
	 "  --ramp RAMP      change power no faster than this: 500W/s, 2kW/s\n"
	 "  --reject         refuse rather than reduce when the bank cannot do it now\n"
	 "Exits 0 when accepted or limited, 1 when rejected.\n" WAIT_HELP "\n" FIND_BANK,
	 ctl_setpoint},
	COMMAND("release", "", "give power back: the local operator wants nothing any more"),
	COMMAND("start", "", "bring the packs onto the bus"),
	COMMAND("stop", "", "power to 0, open in order, stay open; survives a restart"),
	COMMAND("lock", "", "stop and refuse every remote command; survives a restart"),
	COMMAND("unlock", "", "end the lock"),
	COMMAND("enable", "PACK", "let a pack join again"),
	COMMAND("disable", "PACK", "take a pack off the bus in order and keep it off"),
	COMMAND("clear", "[PACK]", "clear latched faults of a pack, or of the bank"),
	{"proof", "NAME [PACK]", "say that a safety function was seen working",
	 "NAME: estop (pressed and released), heartbeat (the safety relay dropped without it),\n"
	 "dead-man (converters ended at 0 W), insulation (the monitor tested itself), weld (the\n"
	 "contactors of PACK open). What the daemon sees by itself it books by itself; `status` shows\n"
	 "what is due. Overdue, nothing new closes (proof.* in docs/configuration.md).\n" WAIT_HELP
	 "\n" FIND_BANK,
	 ctl_proof},
	{"record", "[--bus CAN [FILE]]",
	 "write out the recording of the last ten minutes, or the frames of a CAN bus",
	 "Without --bus the daemon writes the recording of its last ten minutes to its state "
	 "directory.\n"
	 "With --bus the frames of an interface are written as `candump -L` does, to FILE (which "
	 "must\n"
	 "not exist yet) or stdout, until Ctrl-C. The daemon may run meanwhile, and need not.\n"
	 "  --bus CAN        interface, for example can0\n"
	 "  --for TIME       end after TIME: 90, 90s, 15min\n" WAIT_HELP "\n" FIND_BANK,
	 ctl_record},
	{"profile", "show NAME | import FILE.dbc",
	 "what a pack profile reads and sends; a profile from a DBC file",
	 "show prints where the facts of a profile come from, what it reads and sends, and how "
	 "sure "
	 "each\n"
	 "signal is; or its mistakes, and exits 78. NAME is a profile or a file. import turns the "
	 "messages\n"
	 "and signals of a DBC file into a profile to be finished by hand, on stdout.\n"
	 "  --profiles DIR   find NAME in DIR (default: config/packs here, then the installed "
	 "ones)\n",
	 ctl_profile},
	{"decode", "--profile NAME LOG", "a candump log through a pack profile, as JSON lines",
	 "LOG is a file as `candump -L` or `rebankctl record --bus` write it; - reads stdin. One "
	 "line per\n"
	 "message says what it brought; ISO-TP answers in the log are put together. What was wrong "
	 "with\n"
	 "frames is counted on stderr, with the first broken lines, stamps that run backwards and "
	 "what\n"
	 "was never known. Exits 1 when nothing was taken or a line was broken.\n"
	 "  --profile NAME   a profile or a file\n"
	 "  --profiles DIR   find NAME in DIR (default: config/packs here, then the installed "
	 "ones)\n"
	 "  --bus BUS        only frames of this bus: equal ids on another bus mean other things; "
	 "a log of\n"
	 "                   several is refused without it\n"
	 "  --every TIME     the whole sample each TIME of the log (0.1s, 1s) instead of each "
	 "message\n"
	 "  --reversed       the current of this pack counts the other way round\n",
	 ctl_decode},
	{"status", "", "print the state of the bank once",
	 "  --json           print the document of the daemon as it is\n\n" FIND_BANK, ctl_status},
	{"watch", "", "watch the bank: a live table on a terminal, plain lines elsewhere",
	 "Redraws once a second. q or Ctrl-C ends it.\n\n" FIND_BANK, ctl_watch},
};

enum { N_SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static void print_overview(FILE *out)
{
	fprintf(out, "rebankctl " REBANK_VERSION ": look after one bank\n\n"
		     "usage: rebankctl COMMAND [ARGUMENTS]\n\n");
	for (int i = 0; i < N_SUBCOMMANDS; i++)
		fprintf(out, "  %-10s %s\n", subcommands[i].name, subcommands[i].brief);
	fprintf(out, "\n`rebankctl COMMAND --help` tells all about one of them.\n"
		     "exit status: 0 done, 1 it ran and the answer is no, 64 wrong command line,\n"
		     "69 no daemon answers, 78 a file has mistakes\n");
}

void ctl_help(const struct subcommand *self, FILE *out)
{
	fprintf(out, "usage: rebankctl %s%s%s\n%s\n\n%s", self->name, self->arguments[0] ? " " : "",
		self->arguments, self->brief, self->help);
}

int ctl_usage(const struct subcommand *self, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "rebankctl %s: ", self->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry `rebankctl %s --help`.\n", self->name);
	return CTL_USAGE;
}

static const struct subcommand *subcommand_find(const char *name)
{
	for (int i = 0; i < N_SUBCOMMANDS; i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct subcommand *self;

	if (argc < 2) {
		print_overview(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_overview(stdout);
		return CTL_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("rebankctl " REBANK_VERSION);
		return CTL_OK;
	}
	self = subcommand_find(argv[1]);
	if (!self) {
		fprintf(stderr, "rebankctl: no command \"%s\", `rebankctl --help` lists them\n",
			argv[1]);
		return CTL_USAGE;
	}
	if (asks_for_help(argc - 2, argv + 2)) {
		ctl_help(self, stdout);
		return CTL_OK;
	}
	return self->run(self, argc - 1, argv + 1);
}
