/* The sockets of a pack. */
#ifndef TESTS_VM_PACKS_LINK_H
#define TESTS_VM_PACKS_LINK_H

#include "packs.h"

/* False with errno. */
bool link_open(struct pack *pack);
void link_hear(struct pack *pack, int64_t t);
void link_answer(struct pack *pack);

#endif
