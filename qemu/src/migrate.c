// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anonymous memory that is moved from node to node (move_pages) while its group is charged for it;
 * the same pages are written between the moves, and read back and checked.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work.h"

/* include/linux/mempolicy.h: only pages that this task alone maps. */
#define MPOL_MF_MOVE 2
#define NODES 2

static char *memory;
static uint32_t *generation;

/* How many of the pages are on @node afterwards. */
static unsigned long move(size_t first, size_t count, int node)
{
	void *pages[MAX_CHUNK];
	int nodes[MAX_CHUNK], status[MAX_CHUNK];
	unsigned long there = 0;

	for (size_t i = 0; i < count; i++) {
		pages[i] = memory + (first + i) * PAGE;
		nodes[i] = node;
		status[i] = -EAGAIN;
	}
	if (syscall(SYS_move_pages, 0, count, pages, nodes, status, MPOL_MF_MOVE) < 0) {
		if (errno == ENOSYS)
			work_skip("move_pages: the kernel has no such system call; CONFIG_MIGRATION, CONFIG_NUMA");
		if (errno == ENODEV || errno == EINVAL)
			work_skip("move_pages: there is no second node; guest: {nodes: 2} in the plan");
		if (errno == ENOENT) /* before 2.6.29: nothing to move, since all of it is there already or swapped out */
			return 0;
		work_fail("move_pages");
	}
	for (size_t i = 0; i < count; i++)
		there += status[i] == node;
	return there;
}

static void check(size_t first, size_t count)
{
	for (size_t page = first; page < first + count; page++)
		page_check(memory + page * PAGE, work.worker, page, generation[page]);
	work.did.bytes_read += count * PAGE;
}

static void fill(size_t first, size_t count)
{
	for (size_t page = first; page < first + count; page++)
		page_fill(memory + page * PAGE, work.worker, page, ++generation[page]);
}

int main(int argc, char **argv)
{
	size_t first, count;

	work_begin(argc, argv);
	memory = work_map(work.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	generation = work_map(work.pages * sizeof(*generation) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	while (work_goes_on() && !work.did.verify_errors) {
		first = work_chunk(work.pages, &count);
		fill(first, count);
		work.did.pages_moved += move(first, count, (int)work_random(NODES));
		check(first, count);
		work.did.rounds++;
	}
	work_end();
}
