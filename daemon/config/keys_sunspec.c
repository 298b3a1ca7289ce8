/* The keys of our own SunSpec server. */
#include <stddef.h>

#include "config/key.h"

static const struct key sunspec_keys[] = {
	{"listen", KEY_TEXT, AT_OWN(config, sunspec.listen), STANDARD_TEXT("127.0.0.1:1502"),
	 .help = "address and port, \"127.0.0.1:1502\" or \"[::1]:1502\""},
	{"allow_network", KEY_BOOL, AT_OWN(config, sunspec.allow_network), STANDARD(0),
	 .help = "listening to other machines is meant: Modbus knows neither passwords nor "
		 "encryption"},
	{"unit", KEY_COUNT, AT_OWN(config, sunspec.unit), RANGE(1, 247), STANDARD(1),
	 .help = "Modbus unit that answers"},
	{"allow", KEY_TEXT, AT_OWN(config, sunspec.allow), WITHOUT("nothing: it can only be read"),
	 .help = "what may be written, words of \"setpoint operate packs clear\" "
		 "(docs/sunspec.md)"},
	{"writer", KEY_ID, AT_OWN(config, sunspec.writer), WITHOUT("needed with `allow`"),
	 .help = "name of the source that writes here, as in acks and reports"},
	{"writer_priority", KEY_COUNT, AT_OWN(config, sunspec.priority), RANGE(1, 250),
	 STANDARD(100), .help = "of that source; lower wins, every source has its own"},
	{"writer_valid_max_s", KEY_REAL, AT_OWN(config, sunspec.valid_max_s), RANGE(1.0, 3600.0),
	 STANDARD(300.0), .help = "longest lifetime a setpoint may be given (WSetRvrtTms)"},
	{"hold_s", KEY_REAL, AT_OWN(config, sunspec.hold_s), RANGE(1.0, 3600.0), STANDARD(60.0),
	 .help = "lifetime of a setpoint whose reversion timer is not enabled: write it again "
		 "within"},
	{"rate_per_s", KEY_REAL, AT_OWN(config, sunspec.rate_per_s), RANGE(0.0, 1000.0),
	 STANDARD(10.0), .help = "commands per second; 0: unlimited"},
};

const struct group sunspec_group = {"sunspec", "",
				    "The bank as SunSpec registers over Modbus TCP. Without this "
				    "group nothing listens.",
				    GROUP_KEYS(sunspec_keys)};
