// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit, set again and again under a task that uses more than it: reclaim at the limit, a limit
 * that is lowered below what is used, and (v1) one that cannot be met.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define TRIES 20
#define PATIENCE 100 /* looks, 10 ms apart */
#define MAX_OLD_PAGES 128

static char group[GROUP_PATH];
static struct tenant tenant;

/* Charges that met the limit: they only ever rise. */
static long long hits(void)
{
	return work.v2 ? group_get_key(group, "memory.events", "max") : group_get(group, "memory.failcnt");
}

/* v1 refuses what it cannot reclaim down to, and keeps the old limit; v2 takes it. */
static bool set_limit(long long bytes)
{
	long long before = group_get(group, group_limit_file()), now;
	int error = group_put_number(group, group_limit_file(), bytes);

	if (error && (work.v2 || error != -EBUSY))
		work_wrong("the limit %lld was refused: %s", bytes, strerror(-error));
	now = group_get(group, group_limit_file());
	if (now != (error ? before : bytes))
		work_wrong("the limit reads %lld after %lld, was %lld, errno %d", now, bytes, before, -error);
	work_note(error ? "limits_refused" : bytes < before ? "limits_lowered" : "limits_raised", 1);
	return !error;
}

/*
 * One whole sweep: the group holds less than the task has, so that some of it has to be charged again,
 * and usage cannot but meet the limit.
 */
static void meet_limit(size_t pages)
{
	unsigned long from = tenant_touched(&tenant);
	long long before = hits(), after;

	while (tenant_touched(&tenant) <= from + work.pages)
		if (usleep(1000) || !tenant.pid || !work_goes_on())
			return;
	after = hits();
	if (after < before || (pages < work.pages && after == before))
		work_wrong("%zu pages swept under a limit of %zu: %lld charges met it, before %lld", work.pages, pages,
			   after, before);
	else if (after > before)
		work_note("limits_met", 1);
}

/* What the kernel charges although it meets the limit, since it must not fail, is given back, but late. */
static void check_usage(void)
{
	long long limit = group_get(group, group_limit_file()), usage = limit + 1;

	for (int look = 0; look < PATIENCE && usage > limit; look++) {
		if (look)
			usleep(10000);
		usage = group_get(group, group_usage_file());
	}
	if (usage > limit)
		work_wrong("usage is %lld at rest, the limit %lld", usage, limit);
}

/*
 * Kernel memory of a task that sleeps cannot be reclaimed: page tables and stack. It lives on. What ended tasks had
 * may be in the number still, and gone when it is written: then the limit is kept to.
 */
static void set_too_low(void)
{
	long long before = group_get(group, group_limit_file()), want = group_kernel(group) / 2 / PAGE * PAGE;
	int error;

	if (work.v2 || want < PAGE)
		return;
	error = group_put_number(group, group_limit_file(), want);
	if (!error && group_kernel(group) <= want) {
		group_put_number(group, group_limit_file(), before);
		return;
	}
	if (error != -EBUSY || group_get(group, group_limit_file()) != before)
		work_wrong("the limit %lld, below kernel memory of %lld, gives errno %d and reads %lld", want,
			   group_kernel(group), -error, group_get(group, group_limit_file()));
	work_note("limits_refused", 1);
}

/* Under use first; where v1 refuses, again while the task sleeps and nothing comes back meanwhile. */
static bool lower(long long bytes)
{
	bool set = set_limit(bytes);

	if (!set && tenant_rest(&tenant))
		for (int tries = 0; tries < TRIES && !set && work_goes_on(); tries++)
			set = set_limit(bytes);
	return set;
}

static bool turn(void)
{
	size_t pages = work.pages / 4 + work_random(work.pages);

	if (!tenant_order(&tenant, TENANT_SWEEP, 0))
		return false;
	if (lower((long long)pages * PAGE) && tenant_order(&tenant, TENANT_SWEEP, 0))
		meet_limit(pages);
	if (!tenant_rest(&tenant))
		return false;
	check_usage();
	if (work_random(4) == 0)
		set_too_low();
	work.did.rounds++;
	return true;
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	if (group_is_old()) /* reclaim of 2.6.27 waits 0.1 s again and again: more would take seconds to sweep */
		work.pages = work.pages < MAX_OLD_PAGES ? work.pages : MAX_OLD_PAGES;
	group_make(group, "limits");
	while (work_goes_on() && !work.did.verify_errors) {
		group_put_number(group, group_limit_file(), 1LL << 40); /* 2.6.27 knows no word for "none" */
		tenant_keep(&tenant, group, work.pages);
		if (!tenant_do(&tenant, TENANT_FILL, work.pages))
			continue; /* out of memory at a limit is the group's right */
		while (turn() && work_goes_on() && !work.did.verify_errors)
			;
	}
	tenant_end(&tenant);
	work_end();
}
