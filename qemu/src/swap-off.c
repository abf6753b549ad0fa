// SPDX-License-Identifier: GPL-2.0-only
/*
 * swapoff, which reads in all that is out: anonymous memory, and pages of a tmpfs (--dir). Worker 0
 * pushes both out with ballast, gives the ballast back, and turns swap off and on; the others go on
 * with theirs meanwhile, which then comes in by their own faults or by swapoff, whoever is first.
 *
 * Without the ballast all workers together stay well below the limit: while swap goes off nothing can be
 * reclaimed, and a group that does not fit would rightly be out of memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#include "work-region.h"
#include "work.h"

#define FEW_WORKERS 2 /* --bytes is for so many */
#define BALLAST 6     /* times what a worker has, at most */

static struct region anon, shared;
static char path[512], area[256];
static bool is_off;

static void clean_up(void)
{
	if (is_off)
		swapon(area, 0);
	if (*path)
		unlink(path);
}

static void find_area(void)
{
	char line[512];
	FILE *swaps = fopen("/proc/swaps", "r");

	while (swaps && !*area && fgets(line, sizeof(line), swaps))
		if (*line == '/')
			snprintf(area, sizeof(area), "%.*s", (int)strcspn(line, " \t"), line);
	if (swaps)
		fclose(swaps);
	if (!*area)
		work_skip("no swap is in use: CONFIG_SWAP; guest: {swap: true} in the plan");
}

static size_t anon_out(void)
{
	return region_swapped(&anon, 0, anon.pages);
}

static size_t shared_out(void)
{
	return region_out(&shared, 0, shared.pages);
}

/* Some of both kinds: which of them the kernel takes first is its own affair. */
static void push_out(void)
{
	size_t pages = work.pages * BALLAST;
	char *ballast = work_map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (size_t page = 0; page < pages && work_goes_on(); page++) {
		ballast[page * PAGE] = 1;
		if (page % 512 == 511 && anon_out() > anon.pages / 4 && shared_out() > shared.pages / 4)
			break;
	}
	munmap(ballast, pages * PAGE);
}

static void off_and_on(void)
{
	size_t anon_pages = anon_out(), shared_pages = shared_out();

	if (swapoff(area)) {
		if (errno != EINTR)
			work_fail("swapoff");
		return;
	}
	is_off = true;
	work_note("swapoffs", 1);
	work_note("anon_pages_out", anon_pages);
	work_note("tmpfs_pages_out", shared_pages);
	anon_pages = anon_out();
	shared_pages = shared_out();
	if (anon_pages || shared_pages)
		work_wrong("%zu pages are in swap while there is none", anon_pages + shared_pages);
	if (swapon(area, 0))
		work_fail("swapon");
	is_off = false;
}

static void use(struct region *region)
{
	size_t count, first = work_chunk(region->pages, &count);

	if (region_check(region, first, count) && work_random(2))
		region_fill(region, first, count);
}

static void check_all(const struct region *region)
{
	size_t part;

	for (size_t first = 0; first < region->pages && work_goes_on(); first += part) {
		part = region->pages - first < MAX_CHUNK ? region->pages - first : MAX_CHUNK;
		region_check(region, first, part);
	}
}

static void turn(void)
{
	if (work.worker) {
		use(work_random(2) ? &anon : &shared);
		return;
	}
	push_out();
	if (!work_goes_on())
		return;
	off_and_on();
	check_all(&anon);
	check_all(&shared);
	for (size_t i = 0; i < 8 && work_goes_on(); i++)
		use(i % 2 ? &anon : &shared);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	find_area();
	if (work.workers > FEW_WORKERS)
		work.pages = work.pages * FEW_WORKERS / work.workers + 8;
	work_cleanup = clean_up;
	region_map(&anon, work.pages / 2, MAP_PRIVATE | MAP_ANONYMOUS, -1, work.worker);
	region_map_file(&shared, work.pages / 2, path, "swapoff");
	region_fill_all(&anon);
	region_fill_all(&shared);
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
