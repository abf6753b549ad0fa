// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages: areas that ask for them (MADV_HUGEPAGE, 2.6.38), written and read back, and split by what
 * is done to a part of them: dropped, unmapped and mapped anew, protected, copied after a fork, swapped out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "work-child.h"
#include "work-region.h"
#include "work.h"

#define AREA 512 /* pages of a huge page */
#define LOOK 16	 /* rounds from one look at smaps to the next */

static struct region memory;

static void ask_for_huge(void)
{
	if (!madvise(memory.memory, memory.pages * PAGE, MADV_HUGEPAGE))
		return;
	if (errno == EINVAL)
		work_skip("MADV_HUGEPAGE: CONFIG_TRANSPARENT_HUGEPAGE");
	work_fail("madvise, MADV_HUGEPAGE");
}

/* One area less than there is room for: it begins where a huge page can. */
static void make_memory(void)
{
	size_t areas = work.pages / AREA < 3 ? 3 : work.pages / AREA, before;

	region_map(&memory, (areas + 1) * AREA, MAP_PRIVATE | MAP_ANONYMOUS, -1, work.worker);
	before = (AREA - (uintptr_t)memory.memory / PAGE % AREA) % AREA;
	memory.memory += before * PAGE;
	memory.pages = areas * AREA;
	ask_for_huge();
}

/* Huge pages that this process maps whole at this moment. */
static unsigned long count_huge(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[256];
	unsigned long kib = 0, one;

	while (smaps && fgets(line, sizeof(line), smaps))
		if (sscanf(line, "AnonHugePages: %lu", &one) == 1)
			kib += one;
	if (smaps)
		fclose(smaps);
	return kib / (AREA * PAGE / 1024);
}

static void unmap_part(size_t first, size_t count)
{
	char *at = memory.memory + first * PAGE;

	munmap(at, count * PAGE);
	if (mmap(at, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
		work_fail("mmap");
	if (madvise(at, count * PAGE, MADV_HUGEPAGE))
		work_fail("madvise, MADV_HUGEPAGE");
	memset(memory.generation + first, 0, count * sizeof(*memory.generation));
	work_note("parts_unmapped", 1);
}

static void protect_part(size_t first, size_t count)
{
	char *at = memory.memory + first * PAGE;

	if (mprotect(at, count * PAGE, PROT_READ))
		work_fail("mprotect");
	region_check(&memory, first, count);
	if (mprotect(at, count * PAGE, PROT_READ | PROT_WRITE))
		work_fail("mprotect");
	work_note("parts_protected", 1);
}

static void copy_part(size_t first, size_t count)
{
	struct region mine = memory;
	pid_t pid = child_fork();

	if (!pid) {
		mine.tag += CHILD_TAG;
		if (region_check(&memory, first, count)) {
			region_fill(&mine, first, count);
			region_check(&mine, first, count);
		}
		child_end();
	}
	region_fill(&memory, first, count);
	region_check(&memory, first, count);
	child_wait(pid);
}

static void turn(void)
{
	size_t area = work_random(memory.pages / AREA) * AREA;
	size_t count, first = area + work_chunk(AREA, &count);

	switch (work_kind(8)) {
	case 0:
		region_drop(&memory, first, count);
		work_note("parts_dropped", 1);
		break;
	case 1: unmap_part(first, count); break;
	case 2: protect_part(first, count); break;
	case 3: copy_part(first, count); break;
	case 4:
	case 5: /* the whole of it anew, huge again */
		region_drop(&memory, area, AREA);
		region_fill(&memory, area, AREA);
		break;
	default:
		work_note("pages_swapped_in", region_swapped(&memory, area, AREA));
		region_check(&memory, area, AREA);
	}
	if (work.did.rounds % LOOK == 0)
		work_note("huge_pages_seen", count_huge());
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	make_memory();
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		region_grow(&memory);
		work.did.rounds++;
	}
	work_end();
}
