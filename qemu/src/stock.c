// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each CPU keeps a stock of charges for the group that it charges last. A task charges all the time,
 * while this one, on another CPU, has the limit a little below usage, again and again, so that the stock
 * of all CPUs is given back (drain_all_stock(), mm/memcontrol.c) between two charges of the other. What
 * the task has is locked: there is nothing to reclaim, which would take most of the time.
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define PAGES 64 /* charged and given back in one go */
#define DRAINS 256

static char group[GROUP_PATH];
static struct tenant tenant;

static void charge(int order, size_t value)
{
	char *pages;

	if (order != TENANT_OWN) {
		tenant_obey(order, value);
		return;
	}
	while (tenant_undisturbed()) {
		/* As many as the limit has room for; the rest fails without a word. */
		pages = work_map(PAGES, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1);
		munmap(pages, PAGES * PAGE);
	}
}

/* memory.high kills nobody, nor does a limit without an OOM killer. */
static void make_group(void)
{
	group_make(group, "stock");
	if (!work.v2 && group_put(group, "memory.oom_control", "1"))
		work_fail("memory.oom_control");
}

static const char *limit_file(void)
{
	return work.v2 ? "memory.high" : group_limit_file();
}

static void drain(void)
{
	long long usage = group_get(group, group_usage_file());

	if (usage > PAGE) {
		group_put_number(group, limit_file(), usage - PAGE);
		work_note("drains", 1);
	}
	if (group_put(group, limit_file(), work.v2 ? "max" : "-1"))
		work_wrong("the limit cannot be taken back");
}

static void turn(void)
{
	if (!tenant_order(&tenant, TENANT_OWN, 0))
		return;
	for (int count = 0; count < DRAINS && work_goes_on() && !work.did.verify_errors; count++)
		drain();
	tenant_rest(&tenant);
	work.did.rounds++;
}

/* The task keeps the CPU of this worker. */
static void leave_cpu(void)
{
	cpu_set_t mine, others;

	sched_getaffinity(0, sizeof(mine), &mine);
	CPU_ZERO(&others);
	for (int cpu = 0; cpu < group_cpus(); cpu++)
		if (!CPU_ISSET(cpu, &mine))
			CPU_SET(cpu, &others);
	if (CPU_COUNT(&others))
		sched_setaffinity(0, sizeof(others), &others);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	make_group();
	tenant_start(&tenant, group, 1, charge);
	leave_cpu();
	while (work_goes_on() && !work.did.verify_errors && tenant.pid)
		turn();
	if (!tenant.pid)
		work_wrong("a task was killed, though no limit may kill it");
	tenant_end(&tenant);
	work_end();
}
