#include "store/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/crc32.h"
#include "store/recorder.h"

void recording_header_fill(struct recording_header *header)
{
	memset(header, 0, sizeof *header);
	memcpy(header->magic, RECORDING_MAGIC, sizeof header->magic);
	header->order = 0x01020304;
	header->bank_size = sizeof(struct bank);
	header->inputs_size = sizeof(struct bank_inputs);
	header->outputs_size = sizeof(struct bank_outputs);
	build_id(header->build);
}

struct record recording_end(void)
{
	struct record end = {.kind = RECORD_END};

	end.crc = crc32_add(0, &end.kind, sizeof end - sizeof end.crc);
	return end;
}

/* Ranges that share a word are cut at its end: the first one to touch a word takes all of it. */
static void ranges_align(struct range *at, unsigned n)
{
	size_t done = 0;

	for (unsigned i = 0; i < n; i++) {
		at[i].begin = at[i].begin & ~(size_t)7;
		at[i].end = (at[i].end + 7) & ~(size_t)7;
		if (at[i].begin < done)
			at[i].begin = done;
		if (at[i].end < at[i].begin)
			at[i].end = at[i].begin;
		done = at[i].end;
	}
}

void recording_input_ranges(unsigned n_packs, unsigned n_commands, struct range at[INPUT_RANGES])
{
	const size_t pack = offsetof(struct bank_inputs, pack);
	const size_t contacts = offsetof(struct bank_inputs, contacts);
	const size_t pcs = offsetof(struct bank_inputs, pcs);
	const size_t command = offsetof(struct bank_inputs, command);

	at[0] = (struct range){0, pack};
	at[1] = (struct range){pack, pack + n_packs * sizeof(struct pack_sample)};
	at[2] = (struct range){contacts, contacts + n_packs * sizeof(struct pack_contacts)};
	at[3] = (struct range){pcs, command};
	at[4] = (struct range){command, command + n_commands * sizeof(struct command)};
	ranges_align(at, INPUT_RANGES);
}

void recording_output_ranges(unsigned n_packs, unsigned n_events, unsigned n_acks,
			     struct range at[OUTPUT_RANGES])
{
	const size_t pack = offsetof(struct bank_outputs, pack);
	const size_t pcs = offsetof(struct bank_outputs, pcs);
	const size_t event = offsetof(struct bank_outputs, event);
	const size_t n = offsetof(struct bank_outputs, n_acks);
	const size_t ack = offsetof(struct bank_outputs, ack);

	at[0] = (struct range){0, pack + n_packs * sizeof(struct pack_output)};
	at[1] = (struct range){pcs, event};
	at[2] = (struct range){event, event + n_events * sizeof(struct event)};
	at[3] = (struct range){n, ack};
	at[4] = (struct range){ack, ack + n_acks * sizeof(struct ack)};
	ranges_align(at, OUTPUT_RANGES);
}

static int write_all(int fd, const uint8_t *at, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_and_sync(int fd, const struct iovec *part, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int error = write_all(fd, part[i].iov_base, part[i].iov_len);

		if (error)
			return error;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

/* The new name is on the disk only when its directory is. */
static int sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	int fd, error = 0;

	snprintf(copy, sizeof copy, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		error = -errno;
	close(fd);
	return error;
}

int recording_write_parts(const char *path, const struct iovec *part, unsigned n)
{
	char temporary[PATH_MAX];
	int fd, error;

	if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary)
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	error = write_and_sync(fd, part, n);
	if (close(fd) != 0 && !error)
		error = -errno;
	if (!error && rename(temporary, path) != 0)
		error = -errno;
	if (error)
		unlink(temporary);
	return error ? error : sync_directory_of(path);
}

int recording_write(const char *path, const void *buffer, size_t size)
{
	/* iovec has no const; nothing is written through it. */
	union {
		const void *in;
		void *out;
	} base = {buffer};
	struct iovec part = {base.out, size};

	return recording_write_parts(path, &part, 1);
}
