#include "core/reason.h"

#define REASON_ROW(name, word, severity, evt1, sentence, unit)                                     \
	[REASON_##name] = {word, SEVERITY_##severity, EVT1_##evt1, sentence, unit},
static const struct reason_text table[] = {REASON_TABLE(REASON_ROW)};
#undef REASON_ROW

_Static_assert(sizeof table / sizeof table[0] == REASON_COUNT, "one row per reason");

const struct reason_text *reason_text(enum reason reason)
{
	return &table[(unsigned)reason < REASON_COUNT ? reason : REASON_INTERNAL];
}
