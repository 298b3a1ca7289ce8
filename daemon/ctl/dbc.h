/*
 * Messages and signals of a DBC file -> the `can` group of a profile, to be finished by hand: what
 * a signal is for, its invalid codes and checksums are not in a DBC. Periods are taken from
 * GenMsgCycleTime. Floating-point signals and pages within pages are named and left out. Reads
 * untrusted text.
 */
#ifndef REBANK_CTL_DBC_H
#define REBANK_CTL_DBC_H

#include <stdio.h>

/* Says each line of a message or signal that is not understood; returns their number. */
unsigned dbc_import(const char *path, FILE *dbc, FILE *out, FILE *errors);

#endif
