// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that move between the lists of the LRU while the group reclaims: a file's, read twice
 * (marked accessed, made active) or once, and anonymous ones that mlock takes off the lists that can be
 * reclaimed and munlock puts back. What is locked has to be in memory at all times.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work-child.h"
#include "work-region.h"
#include "work.h"

#define BLOCK 32 /* pages; what is locked or unlocked in one go */

static struct region file, anon;
static unsigned char *locked; /* 1 for each block of anon that is */
static size_t locked_count;
static char path[512];
static int fd;

static void remove_file(void)
{
	if (*path)
		unlink(path);
}

static void read_pages(size_t first, size_t count)
{
	static char buffer[MAX_CHUNK * PAGE];

	if (pread(fd, buffer, count * PAGE, (off_t)(first * PAGE)) != (ssize_t)(count * PAGE))
		work_fail("pread");
	for (size_t i = 0; i < count; i++)
		page_check(buffer + i * PAGE, file.tag, first + i, file.generation[first + i]);
	work.did.bytes_read += count * PAGE;
}

static void read_twice(void)
{
	size_t count, first = work_chunk(file.pages, &count);

	read_pages(first, count);
	read_pages(first, count);
	work_note("pages_read_twice", count);
	first = work_chunk(file.pages, &count);
	read_pages(first, count);
}

static void check_locked(size_t block)
{
	size_t out = region_out(&anon, block * BLOCK, BLOCK);

	if (locked[block] && out)
		work_wrong("%zu of %d locked pages are not in memory", out, BLOCK);
	work_note("locked_pages_seen", locked[block] * BLOCK);
}

/* At most a quarter of it: the group has to be able to reclaim the rest. */
static void toggle(size_t block)
{
	char *memory = anon.memory + block * BLOCK * PAGE;

	if (locked[block]) {
		if (munlock(memory, BLOCK * PAGE))
			work_fail("munlock");
		locked_count--;
		work_note("pages_unlocked", BLOCK);
	} else if (locked_count < anon.pages / BLOCK / 4) {
		if (mlock(memory, BLOCK * PAGE))
			work_fail("mlock");
		locked_count++;
		work_note("pages_locked", BLOCK);
	} else {
		return;
	}
	locked[block] = !locked[block];
}

static void unlock_some(void)
{
	for (size_t block = 0; block < anon.pages / BLOCK; block++)
		if (locked[block] && work_random(2))
			toggle(block);
}

/* A fork inherits the pages but not the lock: what the child unmaps stays locked for us. */
static void share_locked(size_t block)
{
	pid_t pid = child_fork();

	if (!pid) {
		region_check(&anon, block * BLOCK, BLOCK);
		child_end();
	}
	check_locked(block);
	child_wait(pid);
}

static void turn(void)
{
	size_t block = work_random(anon.pages / BLOCK), what = work_kind(16);

	if (what < 5)
		read_twice();
	else if (what < 7)
		toggle(block);
	else if (what == 7)
		unlock_some();
	else if (what == 8)
		region_fill(&file, block % (file.pages / BLOCK) * BLOCK, BLOCK);
	else if (what == 9)
		share_locked(block);
	else if (region_check(&anon, block * BLOCK, BLOCK) && what < 13)
		region_fill(&anon, block * BLOCK, BLOCK);
	for (block = 0; block < anon.pages / BLOCK; block++)
		if (locked[block] && work_random(4) == 0)
			check_locked(block);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	work_cleanup = remove_file;
	work.pages = work.pages < 4 * BLOCK ? 4 * BLOCK : work.pages;
	fd = region_map_file(&file, work.pages / 2, path, "lru");
	region_map(&anon, work.pages / 2 / BLOCK * BLOCK, MAP_PRIVATE | MAP_ANONYMOUS, -1, work.worker);
	locked = work_map(work.pages / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		region_grow(&file);
		region_grow(&anon);
		work.did.rounds++;
	}
	work_end();
}
