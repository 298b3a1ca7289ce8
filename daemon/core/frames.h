/*
 * Packs whose own BMS moves their contactors: one command, which coil[POLE_POSITIVE] stands for,
 * and what the pack reports. It pre-charges by itself; the bank supervises what it sees of that,
 * and believes neither "closed" nor "open" that it did not ask for.
 */
#ifndef REBANK_CORE_FRAMES_H
#define REBANK_CORE_FRAMES_H

#include "core/bank.h"

/* Command is out, the pack works: state CONTACTOR_PRECHARGE, onto a dead and a live bus alike. */
void frames_closing(struct bank *bank, unsigned k, struct bank_outputs *out);

/* The pack says that it is closed: state CONTACTOR_CLOSE_SECOND, until voltages agree. */
void frames_closed(struct bank *bank, unsigned k, struct bank_outputs *out);

/* Without a command: closed all the same, or again shown open. */
void frames_watch_open(struct bank *bank, unsigned k, struct bank_outputs *out);

/* After start: true when the pack is shown open, or what it is has been told. */
bool frames_start_settles(struct bank *bank, unsigned k, struct bank_outputs *out);

/* Commanded to open and silent: true when nothing more will be learnt. */
bool frames_silence_settles(struct bank *bank, unsigned k, struct bank_outputs *out);

/* Current may flow between this pack and the bus. */
bool frames_connected(const struct bank *bank, unsigned k);

/* Both poles are reported, and open. */
bool frames_isolated(const struct bank *bank, unsigned k);

/* A pack that did not open gets no more frames for a while: silence is the last command it has. */
bool frames_keep_silent(const struct bank *bank, unsigned k);

/* A pack is closing onto the live bus: power stands still until it is in or out. */
bool frames_joining(const struct bank *bank);

#endif
