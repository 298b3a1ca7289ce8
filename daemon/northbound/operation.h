/* The operators' commands by their words: "start", "disable", "proof"... and what each names. */
#ifndef REBANK_NORTHBOUND_OPERATION_H
#define REBANK_NORTHBOUND_OPERATION_H

#include "core/types.h"

enum operation_of { OF_BANK = 0, OF_ANY, OF_PACK }; /* a pack must not, may, must be named */

struct operation {
	const char *word;
	enum command_kind kind;
	enum operation_of of;
	bool remote; /* may come over MQTT; otherwise only through the local socket */
};

/* NULL: there is no such word, or none for remote commands. */
const struct operation *operation_find(const char *word, bool remote);

/* False for an unknown word. */
bool proof_parse(const char *word, enum proof_test *test);

#endif
