// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anonymous memory: touched, written again, read back and checked, given back with MADV_DONTNEED.
 * With a working set above the group's limit it is charged, reclaimed, swapped out and in.
 */
#include <sys/mman.h>

#include "work.h"

static char *memory;
static uint32_t *generation;

static bool check(size_t first, size_t count)
{
	bool well = true;

	for (size_t page = first; page < first + count; page++)
		well &= page_check(memory + page * PAGE, work.worker, page, generation[page]);
	work.did.bytes_read += count * PAGE;
	return well;
}

static void fill(size_t first, size_t count)
{
	for (size_t page = first; page < first + count; page++)
		page_fill(memory + page * PAGE, work.worker, page, ++generation[page]);
}

static void drop(size_t first, size_t count)
{
	if (madvise(memory + first * PAGE, count * PAGE, MADV_DONTNEED))
		work_fail("madvise");
	for (size_t page = first; page < first + count; page++)
		generation[page] = 0;
	work.did.pages_dropped += count;
}

/* All of it once, so that the working set is what was asked for from the beginning. */
static void touch_all(void)
{
	for (size_t first = 0; first < work.pages && work_goes_on(); first += MAX_CHUNK)
		fill(first, work.pages - first < MAX_CHUNK ? work.pages - first : MAX_CHUNK);
}

int main(int argc, char **argv)
{
	size_t first, count;

	work_begin(argc, argv);
	memory = work_map(work.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	generation = work_map(work.pages * sizeof(*generation) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch_all();
	while (work_goes_on()) {
		first = work_chunk(work.pages, &count);
		if (!check(first, count))
			break;
		if (work_random(8) == 0)
			drop(first, count);
		else
			fill(first, count);
		work.did.rounds++;
	}
	work_end();
}
