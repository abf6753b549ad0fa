// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups in groups: top/mid/leaf and top/side. What is charged below counts above, a limit above holds
 * below, and what a removed group leaves stays charged to those above it. The groups are there at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define PATIENCE 300 /* looks, 10 ms apart: what RCU gives back late may come between two reads */
#define UNLISTED 31  /* pages that each CPU may hold back: PAGEVEC_SIZE of 6.9; 14 or 15 before */

static char top[GROUP_PATH], mid[GROUP_PATH], leaf[GROUP_PATH], side[GROUP_PATH];
static struct tenant in_leaf, in_side;

static long long usage(const char *path)
{
	return group_get(path, group_usage_file());
}

static long long hits(const char *path)
{
	return work.v2 ? group_get_key(path, "memory.events", "max") : group_get(path, "memory.failcnt");
}

/* Nobody charges meanwhile: each group has at least what the groups below it have. */
static void check_sums(size_t leaf_pages, size_t side_pages)
{
	long long at_top = 0, at_mid = 0, at_leaf = 0, at_side = 0;

	for (int look = 0; look < PATIENCE; look++) {
		at_leaf = usage(leaf);
		at_side = usage(side);
		at_mid = usage(mid);
		at_top = usage(top);
		if (at_leaf >= (long long)leaf_pages * PAGE && at_side >= (long long)side_pages * PAGE &&
		    at_mid >= at_leaf && at_top >= at_mid + at_side) {
			work_note("sums_checked", 1);
			return;
		}
		usleep(10000);
	}
	work_wrong("%zu and %zu pages in use; usage: leaf %lld, above it %lld, beside it %lld, above all %lld", leaf_pages,
		   side_pages, at_leaf, at_mid, at_side, at_top);
}

/* Anonymous memory as the statistics of a group and all below it have it. */
static long long anon(const char *path)
{
	if (!work.v2)
		return group_get_key(path, "memory.stat", "total_rss");
	group_get(path, "cpu.stat"); /* flushes memory.stat: cgroup_base_stat_cputime_show(), 6.1 */
	return group_get_key(path, "memory.stat", "anon");
}

/* The same of the statistics, two levels up; without a flush it takes up to 2 s (flush_memcg_stats_dwork(), 6.1). */
static void check_statistics(size_t pages)
{
	long long at_top = 0, at_leaf = 0, at_side = 0;

	for (int look = 0; look < PATIENCE && in_leaf.pid && in_side.pid; look++) {
		at_leaf = anon(leaf);
		at_side = anon(side);
		at_top = anon(top);
		if (at_leaf >= (long long)pages * PAGE && at_top >= at_leaf + at_side) {
			work_note("statistics_checked", 1);
			return;
		}
		usleep(10000);
	}
	if (in_leaf.pid && in_side.pid)
		work_wrong("%zu pages in use; in the statistics: two levels below %lld, one level below %lld, above both %lld",
			   pages, at_leaf, at_side, at_top);
}

/* v1 refuses what it cannot reclaim down to at once, but has reclaimed some of it. */
static bool lower(long long limit)
{
	int error = -EBUSY;

	for (int tries = 0; tries < 50 && error == -EBUSY && work_goes_on(); tries++)
		error = group_put_number(top, group_limit_file(), limit);
	return !error;
}

/* The task below uses more than the group two levels up may: that one meets its limit, the others have none. */
static void check_limit(size_t pages)
{
	long long limit = (long long)(pages / 2) * PAGE, above, below;
	unsigned long from = tenant_touched(&in_leaf);

	if (!in_leaf.pid || !lower(limit))
		return;
	above = hits(top);
	below = hits(leaf);
	if (!tenant_order(&in_leaf, TENANT_SWEEP, 0))
		return;
	while (in_leaf.pid && work_goes_on() && tenant_touched(&in_leaf) <= from + pages)
		usleep(1000);
	if (!tenant_rest(&in_leaf) || tenant_touched(&in_leaf) <= from + pages)
		return;
	if (usage(top) > limit || usage(leaf) > limit)
		work_wrong("limit %lld: usage there is %lld, two levels below %lld", limit, usage(top), usage(leaf));
	if (hits(top) <= above || hits(leaf) != below)
		work_wrong("charges that met the limit above: %lld, then %lld; below, without one: %lld, then %lld", above,
			   hits(top), below, hits(leaf));
	work_note("limits_met", 1);
}

/* v2: what happened to the group itself stands in events.local (5.2), what happened below it too in events. */
static void check_events(void)
{
	if (!work.v2 || !group_has(top, "memory.events.local"))
		return;
	if (group_get_key(top, "memory.events.local", "max") != hits(top) || hits(work.group) < hits(top))
		work_wrong("events of its own %lld, with those below %lld, one level up %lld",
			   group_get_key(top, "memory.events.local", "max"), hits(top), hits(work.group));
}

/* Pages of a tmpfs file, charged to the side group, which is then removed. */
static void leave_behind(const char *file, size_t pages)
{
	long long before, after = 0, slack = (long long)UNLISTED * group_cpus() * PAGE;
	long long held = (long long)pages * PAGE;

	if (group_drop(side, 1)) {
		work_wrong("a group without tasks cannot be removed");
		return;
	}
	group_list_pages();
	before = usage(top);
	if (before < held)
		work_wrong("%zu pages of a removed group are in use, the one above it has %lld", pages, before);
	unlink(file);
	for (int look = 0; look < PATIENCE; look++) {
		after = usage(top);
		if (after <= before - held + slack) {
			work_note("groups_removed", 1);
			return;
		}
		usleep(10000);
	}
	work_wrong("%zu pages of a removed group are freed, the one above it has %lld, before %lld", pages, after, before);
}

static char name[512];
static size_t file_pages;

static void side_job(int order, size_t value)
{
	static char page[PAGE];
	int fd;

	if (order != TENANT_OWN) {
		tenant_obey(order, value);
		return;
	}
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (size_t at = 0; fd >= 0 && at < value; at++) {
		page_fill(page, work.worker, at, 1);
		if (write(fd, page, PAGE) != PAGE)
			work_wrong("write to tmpfs: %s", strerror(errno));
	}
	close(fd);
}

static void turn(void)
{
	size_t pages = work.pages / 2 + work_random(work.pages / 2), beside = 16 + work_random(work.pages / 4);

	group_put_number(top, group_limit_file(), 1LL << 40);
	tenant_keep(&in_leaf, leaf, work.pages);
	tenant_start(&in_side, side, work.pages, side_job);
	if (tenant_do(&in_leaf, TENANT_FILL, pages) && tenant_do(&in_side, TENANT_FILL, beside)) {
		check_sums(pages, beside);
		check_statistics(pages);
	}
	file_pages = 64 + work_random(128);
	if (tenant_do(&in_side, TENANT_OWN, file_pages))
		check_sums(pages, beside + file_pages);
	tenant_end(&in_side);
	leave_behind(name, file_pages);
	group_make_below(side, top, "side");
	check_limit(pages);
	check_events();
	tenant_end(&in_leaf);
	work.did.rounds++;
}

static void remove_file(void)
{
	unlink(name);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	if (snprintf(name, sizeof(name), "%s/hierarchy-%u", work.dir, work.worker) < (int)sizeof(name))
		work_cleanup = remove_file;
	group_make(top, "top");
	group_open(top);
	group_make_below(mid, top, "mid");
	group_open(mid);
	group_make_below(leaf, mid, "leaf");
	group_make_below(side, top, "side");
	while (work_goes_on() && !work.did.verify_errors)
		turn();
	work_end();
}
