// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that go and come back while tasks charge. The first worker takes the last CPU away; each has a
 * task on that CPU in a group of its own. What a CPU had charged ahead must not stay with a dead one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define PATIENCE 300 /* looks, 10 ms apart: page tables and slab objects are freed late */

enum { GO_THERE = TENANT_OWN };

static char group[GROUP_PATH], online[64];
static struct tenant tenant;
static int last_cpu;

/* 0 or -errno. */
static int switch_cpu(bool on)
{
	int fd = open(online, O_WRONLY), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1" : "0", 1) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* Refused where it is on already. */
static void switch_on(void)
{
	switch_cpu(true);
}

/* The kernel takes the pinning away with the CPU. */
static void job(int order, size_t value)
{
	cpu_set_t one;

	if (order != GO_THERE) {
		tenant_obey(order, value);
		return;
	}
	CPU_ZERO(&one);
	CPU_SET((size_t)last_cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) && errno != EINVAL)
		work_wrong("a task cannot be pinned: %s", strerror(errno));
}

/* The charges of a CPU's stock go back, of all that are online: memory_high_write() and force_empty, 6.1. */
static void drain(void)
{
	if (!work.v2) {
		group_put(group, "memory.force_empty", "1");
		return;
	}
	group_put(group, "memory.high", "0");
	group_put(group, "memory.high", "max");
}

/* Nobody is in the group, and the CPU on which the task charged is off: nothing can be left but kernel memory. */
static void check_nothing_left(void)
{
	long long usage = 0, kernel = 0;

	for (int look = 0; look < PATIENCE; look++) {
		drain();
		usage = group_get(group, group_usage_file());
		kernel = group_kernel(group);
		if (kernel < 0) /* v2 before 5.18 does not say */
			return;
		if (usage <= kernel) {
			work_note("emptied_without_cpu", 1);
			return;
		}
		usleep(10000);
	}
	work_wrong("CPU %d is off and no task is in the group: usage %lld, of it kernel memory %lld", last_cpu, usage, kernel);
}

static void take_away(void)
{
	int error;

	if (work_random(2))
		tenant_order(&tenant, TENANT_SWEEP, 0);
	error = switch_cpu(false);
	if (error == -EBUSY)
		return; /* somebody holds it; the next round tries again */
	if (error) {
		work_wrong("CPU %d cannot be taken away: %s", last_cpu, strerror(-error));
		return;
	}
	tenant_do(&tenant, TENANT_CHECK, 0);
	tenant_end(&tenant);
	check_nothing_left();
	error = switch_cpu(true);
	if (error)
		work_wrong("CPU %d does not come back: %s", last_cpu, strerror(-error));
	work_note("cpu_cycles", 1);
}

static void turn(void)
{
	if (!tenant.pid)
		tenant_start(&tenant, group, work.pages, job);
	tenant_do(&tenant, GO_THERE, 0);
	tenant_do(&tenant, TENANT_FILL, 1 + work_random(work.pages));
	if (work.worker == 0) {
		take_away();
	} else {
		tenant_order(&tenant, TENANT_SWEEP, 0);
		usleep((useconds_t)work_random(200000));
		tenant_do(&tenant, TENANT_CHECK, 0);
		if (work_random(4) == 0)
			tenant_end(&tenant);
	}
	work.did.rounds++;
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	last_cpu = group_cpus() - 1;
	snprintf(online, sizeof(online), "/sys/devices/system/cpu/cpu%d/online", last_cpu);
	if (last_cpu < 1 || access(online, W_OK))
		work_skip("no CPU can be taken away: CONFIG_HOTPLUG_CPU");
	if (work.worker == 0)
		work_cleanup = switch_on;
	group_make(group, "hotplug");
	while (work_goes_on() && !work.did.verify_errors)
		turn();
	tenant_end(&tenant);
	work_end();
}
