/*
 * Form of a recording, in memory and in the file: a header, then records. A snapshot record starts
 * a segment; step records follow. Numbers are those of the machine that recorded.
 */
#ifndef REBANK_STORE_RECORDING_H
#define REBANK_STORE_RECORDING_H

#include "core/bank.h"
#include "store/build.h"

#define RECORDING_MAGIC "rebank1\n"

struct recording_header {
	char magic[8];
	uint32_t order; /* 0x01020304 as the recording machine stores it */
	uint32_t bank_size, inputs_size, outputs_size;
	char build[BUILD_ID_SIZE];
};

enum record_kind {
	RECORD_SNAPSHOT = 0x534e4150, /* struct bank before the next step; struct bank_inputs */
	RECORD_STEP = 0x53544550,     /* changes of the inputs; changes of the outputs */
	RECORD_END = 0x454e4421,      /* empty: without it the file was cut, if only between records */
};

/* Two delta streams follow the record: size[0] bytes, then size[1] bytes. */
struct record {
	uint32_t crc; /* of all that follows it in this record */
	uint32_t kind;
	uint32_t size[2];
};

/* What of the inputs and outputs a bank of n_packs can read and write; ascending byte ranges. */
struct range {
	size_t begin, end;
};
enum { INPUT_RANGES = 5, OUTPUT_RANGES = 5 };
void recording_input_ranges(unsigned n_packs, unsigned n_commands, struct range at[INPUT_RANGES]);
void recording_output_ranges(unsigned n_packs, unsigned n_events, unsigned n_acks,
			     struct range at[OUTPUT_RANGES]);

void recording_header_fill(struct recording_header *header);

/* The last record of every recording. */
struct record recording_end(void);

/* Writes parts to `path` through a temporary file, fsync and rename. 0 or -errno. */
struct iovec;
int recording_write_parts(const char *path, const struct iovec *part, unsigned n);

/* The first field in which outputs differ, as text; false when they do not. `exact`: bit by bit,
 * else numbers may differ by 1e-9 of their size. */
bool outputs_differ(const struct bank_outputs *recorded, const struct bank_outputs *replayed,
		    unsigned n_packs, bool exact, char *text, size_t size);

#endif
