#include "northbound/operation.h"

#include <string.h>

#include "core/proof.h"

static const struct operation operations[] = {
	{"start", COMMAND_START, OF_BANK, true},
	{"stop", COMMAND_STOP, OF_BANK, true},
	{"lock", COMMAND_LOCK, OF_BANK, true},
	{"unlock", COMMAND_UNLOCK, OF_BANK, true},
	{"enable", COMMAND_PACK_ENABLE, OF_PACK, true},
	{"disable", COMMAND_PACK_DISABLE, OF_PACK, true},
	{"clear", COMMAND_CLEAR, OF_ANY, true},
	{"release", COMMAND_RELEASE, OF_BANK, false}, /* remote: p_w null */
	{"proof", COMMAND_PROOF, OF_ANY, false},      /* only who stands before it has seen it */
};

const struct operation *operation_find(const char *word, bool remote)
{
	for (size_t i = 0; word && i < sizeof operations / sizeof operations[0]; i++)
		if (strcmp(operations[i].word, word) == 0 && (operations[i].remote || !remote))
			return &operations[i];
	return NULL;
}

bool proof_parse(const char *word, enum proof_test *test)
{
	for (int i = 0; word && i < PROOF_TESTS; i++)
		if (strcmp(proof_word((enum proof_test)i), word) == 0) {
			*test = (enum proof_test)i;
			return true;
		}
	return false;
}
