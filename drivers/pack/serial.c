/* Digest of a serial number: FNV-1a, finished with the mixer of SplitMix64. */
#include "drivers/pack/wire.h"

uint64_t wire_serial_digest(const char *text, size_t length)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	if (length == 0)
		return 0;
	for (size_t i = 0; i < length; i++)
		digest = (digest ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	digest = (digest ^ (digest >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	digest = (digest ^ (digest >> 27)) * UINT64_C(0x94d049bb133111eb);
	digest ^= digest >> 31;
	return digest ? digest : 1;
}
