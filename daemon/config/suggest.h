/* What was meant by an unknown key. */
#ifndef REBANK_CONFIG_SUGGEST_H
#define REBANK_CONFIG_SUGGEST_H

#include "config/key.h"

/* ": did you mean ...?", ": it belongs in ..." or "". */
void suggest(const struct group *group, const char *name, char *hint, size_t size);

#endif
