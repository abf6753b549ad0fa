// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task is moved to and fro between two groups, asleep and while it touches memory. Its charges go
 * with it where move_charge_at_immigrate says so (v1, 2.6.34 to 6.10), and stay where they are else.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define STOCK 64 /* pages that a CPU charges ahead: MEMCG_CHARGE_BATCH, include/linux/memcontrol.h 6.1 */

static char groups[2][GROUP_PATH];
static struct tenant tenant;
static int home; /* index of the group that it is in */
static long long slack;

static long long usage(int which)
{
	return group_get(groups[which], group_usage_file());
}

/* False where the kernel does not move charges at all. */
static bool set_moving(bool moving)
{
	bool can = group_has(groups[0], "memory.move_charge_at_immigrate");

	for (int which = 0; which < 2 && can; which++)
		can = !group_put(groups[which], "memory.move_charge_at_immigrate", moving ? "3" : "0");
	return can && moving;
}

static void move(void)
{
	int error = group_put_number(groups[!home], work.v2 ? "cgroup.procs" : "tasks", tenant.pid);

	if (error)
		work_wrong("a task cannot be moved: %s", strerror(-error));
	else
		home = !home;
	work_note("moves", 1);
}

/* The task sleeps, and was moved often: what is charged to both together has not changed. */
static void move_at_rest(size_t pages, bool moving)
{
	long long held = (long long)pages * PAGE, from, to, both;
	int old = home;

	group_list_pages();
	from = usage(home);
	to = usage(!home);
	both = from + to;
	for (unsigned times = 1 + 2 * (unsigned)work_random(8); times--;)
		move();
	if (moving && (usage(old) > from - held + slack || usage(home) < to + held - slack))
		work_wrong("%zu pages went along: source %lld, then %lld; target %lld, then %lld", pages, from, usage(old), to,
			   usage(home));
	if (!moving && (usage(old) < from - slack || usage(home) > to + slack))
		work_wrong("charges were to stay: source %lld, then %lld; target %lld, then %lld", from, usage(old), to,
			   usage(home));
	if (usage(0) + usage(1) > both + slack || usage(0) + usage(1) < both - slack)
		work_wrong("together %lld, after moving %lld", both, usage(0) + usage(1));
	if (moving)
		work_note("charges_moved", pages);
	else
		work_note("charges_stayed", pages);
}

/* What a moved task touches next is charged where it is now. */
static void touch_here(size_t pages)
{
	long long before;

	tenant_do(&tenant, TENANT_DROP, 0);
	group_list_pages();
	before = usage(home);
	tenant_do(&tenant, TENANT_FILL, pages);
	if (usage(home) < before + (long long)pages * PAGE - slack)
		work_wrong("%zu pages touched after a move: usage was %lld, is %lld", pages, before, usage(home));
}

static void move_under_use(void)
{
	if (!tenant_order(&tenant, TENANT_SWEEP, 0))
		return;
	for (unsigned times = 0; times < 10 && work_goes_on(); times++) {
		move();
		usleep(2000);
	}
	tenant_rest(&tenant);
}

static void turn(void)
{
	size_t pages = work.pages / 2 + work_random(work.pages / 2);
	bool moving = set_moving(work_random(2));

	touch_here(pages);
	move_at_rest(pages, moving);
	move_under_use();
	tenant_do(&tenant, TENANT_CHECK, 0);
	work.did.rounds++;
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	group_make(groups[0], "one");
	group_make(groups[1], "two");
	slack = group_is_old() ? 0 : (long long)STOCK * group_cpus() * PAGE;
	tenant_keep(&tenant, groups[0], work.pages);
	while (work_goes_on() && !work.did.verify_errors && tenant.pid)
		turn();
	tenant_end(&tenant);
	work_end();
}
