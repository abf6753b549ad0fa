// SPDX-License-Identifier: GPL-2.0-only
/*
 * Far more anonymous memory than the group may have: pages go out to swap and come in again, to be
 * read only (they keep their place in swap), written (they lose it) or dropped while they are out.
 * Now and then a fork has two tasks map the same swapped page, and both read it in and write to it.
 */
#include <sys/mman.h>

#include "work-child.h"
#include "work-region.h"
#include "work.h"

static struct region memory;

/* A random run, of several tried the first with pages that are out, if any is. */
static size_t pick(size_t *count, size_t *swapped)
{
	size_t first;

	for (size_t tries = 0; tries < 16; tries++) {
		first = work_chunk(memory.pages, count);
		*swapped = region_swapped(&memory, first, *count);
		if (*swapped)
			break;
	}
	return first;
}

static void both_read_in(size_t first, size_t count)
{
	struct region mine = memory;
	pid_t pid;

	pid = child_fork();
	if (!pid) {
		mine.tag += CHILD_TAG;
		if (region_check(&memory, first, count)) {
			region_fill(&mine, first, count);
			region_check(&mine, first, count);
		}
		child_end();
	}
	region_check(&memory, first, count);
	region_fill(&memory, first, count / 2); /* the rest stays shared */
	child_wait(pid);
	region_check(&memory, first, count);
}

static void turn(void)
{
	size_t count, swapped, first = pick(&count, &swapped);

	switch (work.did.rounds % 16) {
	case 0:
		work_note("pages_mapped_twice", swapped);
		both_read_in(first, count);
		return;
	case 1:
		work_note("pages_dropped_out", swapped);
		region_drop(&memory, first, count);
		return;
	}
	work_note("pages_swapped_in", swapped);
	if (region_check(&memory, first, count) && work_random(2))
		region_fill(&memory, first, count);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	region_map(&memory, work.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1, work.worker);
	region_fill_all(&memory);
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
