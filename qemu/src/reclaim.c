// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.reclaim: what it says it has taken back is gone from usage, and what a task has stays right.
 * Asked for at rest, when the sums are exact, and under use.
 */
#include <errno.h>
#include <string.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define ASKED 3 /* times in a row that took back too little */

static char group[GROUP_PATH];
static struct tenant tenant;

/*
 * Nobody charges meanwhile. memory_reclaim(), mm/memcontrol.c 5.19, comes back without an error once
 * that many pages were freed. Up to 6.3 slabs count that an RCU callback happens to free on top of the task that
 * reclaims (reclaimed_slab in __free_slab(), mm/slub.c), anybody's: one time too little tells nothing, each time does.
 */
static void ask_at_rest(size_t pages)
{
	static unsigned too_little;
	long long before = group_get(group, "memory.current"), after, asked = (long long)pages * PAGE;
	int error = group_put_number(group, "memory.reclaim", asked);

	after = group_get(group, "memory.current");
	too_little = !error && after > before - asked ? too_little + 1 : 0;
	if (error && error != -EAGAIN)
		work_wrong("memory.reclaim of %lld: %s", asked, strerror(-error));
	if (after > before || too_little == ASKED)
		work_wrong("memory.reclaim of %lld gave errno %d: usage was %lld, is %lld", asked, -error, before, after);
	if (!error)
		work_note("reclaims", 1);
	work_note("pages_reclaimed", (unsigned long)((before - after) / PAGE));
}

/* More than there is cannot be taken back. */
static void ask_too_much(void)
{
	long long before = group_get(group, "memory.current");
	int error = group_put_number(group, "memory.reclaim", before + 64 * PAGE);

	if (error != -EAGAIN)
		work_wrong("memory.reclaim of more than usage, %lld, gave errno %d", before, -error);
	work_note("reclaims_refused", 1);
}

static void ask_under_use(void)
{
	int error;

	if (!tenant_order(&tenant, TENANT_SWEEP, 0))
		return;
	for (int times = 0; times < 4 && work_goes_on(); times++) {
		error = group_put_number(group, "memory.reclaim", (long long)(1 + work_random(work.pages / 4)) * PAGE);
		if (error && error != -EAGAIN)
			work_wrong("memory.reclaim under use: %s", strerror(-error));
	}
}

static void turn(void)
{
	size_t pages = work.pages / 2 + work_random(work.pages / 2);

	if (!tenant_do(&tenant, TENANT_FILL, pages))
		return;
	group_list_pages();
	ask_at_rest(1 + work_random(pages / 2));
	if (work_random(4) == 0)
		ask_too_much();
	tenant_do(&tenant, TENANT_CHECK, 0);
	ask_under_use();
	tenant_do(&tenant, TENANT_DROP, 0);
	work.did.rounds++;
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	group_make(group, "reclaim");
	while (work_goes_on() && !work.did.verify_errors) {
		if (!tenant.pid)
			tenant_keep(&tenant, group, work.pages);
		turn();
	}
	tenant_end(&tenant);
	work_end();
}
