/* The text of a place in a register map: "holding 30775 s32 [unit 100] [low-first] [single]". */
#ifndef REBANK_CONFIG_MAP_PLACE_H
#define REBANK_CONFIG_MAP_PLACE_H

#include "drivers/pcs/map.h"

/* Fills the place but for low_first, which is the file's unless the text says so; `writes`: of a
 * register that is written. NULL, or what is wrong, to follow the text. */
const char *map_place_read(struct map_place *place, const char *text, bool writes);

/* Index of a word of that length among n, of which some may be NULL; -1: none of them. */
int map_word_index(const char *const *words, int n, const char *word, size_t length);

#endif
