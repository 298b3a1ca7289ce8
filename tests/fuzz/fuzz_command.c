/*
 * libFuzzer harness of the command parser: any bytes, all three documents. The first byte chooses.
 *
 *   tests/fuzz/fuzz_command.c daemon/northbound/parse.c daemon/northbound/json_scan.c
 *   daemon/northbound/json_value.c daemon/northbound/operation.c daemon/core/ -ljansson -lm
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "northbound/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct site site = {.n_packs = 1, .pack = {{.id = "leaf-a"}}};

/* What the rest of the program relies on, whatever was sent. */
static void check(const struct parsed *parsed, bool is_command)
{
	const struct command *command = &parsed->command;

	if ((unsigned)parsed->reason >= REASON_COUNT)
		abort();
	for (const char *c = parsed->detail; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
	if (parsed->reason != REASON_OK || !is_command)
		return;
	if (command->kind == COMMAND_NONE || command->pack >= (int)site.n_packs)
		abort();
	if (command->kind == COMMAND_SETPOINT &&
	    !(isfinite(command->p_w) && command->valid_s > 0.0 && command->valid_s <= 3600.0))
		abort();
	if (memchr(command->id, '\0', sizeof command->id) == NULL ||
	    memchr(command->session, '\0', sizeof command->session) == NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsed parsed;
	bool is_command = true;
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size); /* exactly as large: reading past the end is seen */
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	if (data[0] % 3 == 0)
		parse_setpoint(text, size - 1, &site, "boot-1", &parsed);
	else if (data[0] % 3 == 1)
		parse_cmd(text, size - 1, &site, "boot-1", &parsed);
	else
		is_command = parse_local(text, size - 1, &site, "boot-1", &parsed) == LOCAL_COMMAND;
	check(&parsed, is_command);
	free(text);
	return 0;
}
