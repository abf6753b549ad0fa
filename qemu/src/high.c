// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.high, under a task that sweeps through more than it: the task is slowed down, never killed and
 * never stopped; each time is counted; at rest usage can be brought back below.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define PATIENCE 100 /* times, 10 ms apart */

static char group[GROUP_PATH];
static struct tenant tenant;

static long long throttled(void)
{
	return group_get_key(group, "memory.events", "high");
}

static void set_high(long long bytes)
{
	int error = group_put_number(group, "memory.high", bytes);
	long long now = group_get(group, "memory.high");

	if (error || now != bytes)
		work_wrong("memory.high reads %lld after %lld, errno %d", now, bytes, -error);
}

/* False: the time was up. Any sweep through more than high goes over it: there is no limit to stop it below. */
static bool sweep_over(long long high)
{
	unsigned long from;
	long long before = throttled();

	if (!tenant_order(&tenant, TENANT_SWEEP, 0))
		return false;
	from = tenant_touched(&tenant);
	while (tenant_touched(&tenant) <= from + work.pages)
		if (usleep(1000) || !tenant.pid || !work_goes_on())
			return false;
	if (throttled() <= before)
		work_wrong("%zu pages were swept with memory.high at %lld and no event counted", work.pages, high);
	work_note("high_events", (unsigned long)(throttled() - before));
	return true;
}

/*
 * The task sleeps. A write to memory.high reclaims until usage is not above it, or 16 times nothing could be
 * (memory_high_write(), mm/memcontrol.c); all that this task has can be swapped out. 16 times are soon over where
 * pages are on their way to a busy disk, so it is asked again.
 */
static void come_back(long long high)
{
	long long usage = high + 1;

	group_list_pages();
	for (int times = 0; times < PATIENCE && usage > high; times++) {
		if (times)
			usleep(10000);
		set_high(high);
		usage = group_get(group, "memory.current");
	}
	if (usage > high)
		work_wrong("usage is %lld at rest after memory.high was set to %lld", usage, high);
	work_note("brought_back", 1);
}

static void turn(void)
{
	long long high = (long long)(work.pages / 2 + work_random(work.pages / 4)) * PAGE;

	set_high(high);
	if (sweep_over(high) && tenant_rest(&tenant))
		come_back(high);
	work.did.rounds++;
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	group_make(group, "high");
	tenant_keep(&tenant, group, work.pages);
	if (!tenant_do(&tenant, TENANT_FILL, work.pages))
		work_wrong("a task was killed below the limit");
	while (work_goes_on() && !work.did.verify_errors && tenant.pid)
		turn();
	tenant_rest(&tenant);
	if (!tenant.pid)
		work_wrong("a task was killed over memory.high, which must only slow it down");
	tenant_end(&tenant);
	work_end();
}
