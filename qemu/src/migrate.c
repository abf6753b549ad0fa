// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is moved from node to node while its group is charged for it, in every way there is:
 * move_pages, mbind with MPOL_MF_MOVE, migrate_pages of the whole process, and compaction (worker 0; 2.6.35)
 * beside the others' moves. Between the moves pages are written, and read back and checked.
 *
 * migrate [file]: anonymous memory, or the shared mapping of a file in --dir (of a disk, or of a tmpfs).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work-region.h"
#include "work.h"

/* include/uapi/linux/mempolicy.h */
#define MPOL_DEFAULT 0
#define MPOL_BIND 2
#define MPOL_MF_MOVE 2 /* only pages that this task alone maps */
#define NODES 2
#define MAX_NODE (8 * sizeof(unsigned long))

static struct region memory;
static char path[512];

static void remove_file(void)
{
	if (*path)
		unlink(path);
}

/* How many pages of the run are on @node. @to: ask the kernel to move them there first. */
static unsigned long count_on(size_t first, size_t count, int node, bool to)
{
	void *pages[MAX_CHUNK];
	int nodes[MAX_CHUNK], status[MAX_CHUNK];
	unsigned long there = 0;

	for (size_t i = 0; i < count; i++) {
		pages[i] = memory.memory + (first + i) * PAGE;
		nodes[i] = node;
		status[i] = -EAGAIN;
	}
	if (syscall(SYS_move_pages, 0, count, pages, to ? nodes : NULL, status, MPOL_MF_MOVE) < 0) {
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

static void bind_pages(size_t first, size_t count, int node)
{
	unsigned long mask = 1ul << node, before = count_on(first, count, node, false), after;
	char *at = memory.memory + first * PAGE;

	/* EIO: some of it did not move. */
	if (syscall(SYS_mbind, at, count * PAGE, MPOL_BIND, &mask, MAX_NODE, MPOL_MF_MOVE) && errno != EIO)
		work_fail("mbind");
	after = count_on(first, count, node, false);
	if (syscall(SYS_mbind, at, count * PAGE, MPOL_DEFAULT, NULL, 0, 0))
		work_fail("mbind");
	work_note("pages_bound", after > before ? after - before : 0);
}

static void migrate_all(size_t first, size_t count, int node)
{
	unsigned long from = 1ul << !node, to = 1ul << node, before = count_on(first, count, node, false), after;

	/* What did not move is counted in the result; 2.6.27 leaves a few behind. */
	if (syscall(SYS_migrate_pages, 0, MAX_NODE, &from, &to) < 0)
		work_fail("migrate_pages");
	after = count_on(first, count, node, false);
	work_note("pages_migrated", after > before ? after - before : 0);
	work_note("migrations", 1);
}

static void compact(void)
{
	int control = open("/proc/sys/vm/compact_memory", O_WRONLY);

	if (control < 0)
		return; /* before 2.6.35, or without CONFIG_COMPACTION */
	if (write(control, "1", 1) == 1)
		work_note("compactions", 1);
	close(control);
}

static void turn(void)
{
	size_t count, first = work_chunk(memory.pages, &count), what = work_kind(64);
	int node = (int)work_random(NODES);

	region_fill(&memory, first, count);
	if (what == 0)
		migrate_all(first, count, node);
	else if (what == 1 && !work.worker)
		compact();
	else if (what < 20)
		bind_pages(first, count, node);
	else
		work.did.pages_moved += count_on(first, count, node, true);
	region_check(&memory, first, count);
	if (what % 8 == 0) {
		first = work_chunk(memory.pages, &count);
		region_check(&memory, first, count);
	}
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	work_cleanup = remove_file;
	if (optind < argc && !strcmp(argv[optind], "file"))
		region_map_file(&memory, work.pages, path, "migrate");
	else
		region_map(&memory, work.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1, work.worker);
	work_note("isolated", memory.pages); /* at most, at once: migrate_pages begins with all of them */
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
