/* CRC-32 of IEEE 802.3 (reflected, 0xEDB88320): tells a torn or rotten record from a whole one. */
#ifndef REBANK_STORE_CRC32_H
#define REBANK_STORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0 at first, then the result so far. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t size);

#endif
