// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that follows its cpuset: the set's nodes are changed while it is used, and with memory_migrate
 * the kernel moves every page of the tasks in it, and what page cache they map alone.
 *
 * v2: the controller is enabled beside memory, and worker 0 changes the nodes of the case's own group, which all
 * workers are in. v1: each worker has a set of its own in a hierarchy of cpusets, mounted for it alone.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work-group.h"
#include "work-region.h"
#include "work.h"

#define TURNS 32 /* between two moves */
#define MOUNT_POINT "cpusets"

static struct region memory;
static char hierarchy[GROUP_PATH], set[GROUP_PATH + 32];
static int node;

static void leave_v1(void)
{
	if (*set) {
		group_put(hierarchy, "tasks", "0");
		group_drop(set, 2);
	}
	umount2(hierarchy, MNT_DETACH);
	rmdir(hierarchy);
}

/* "+" or "-": the cpuset controller for the groups beside the case's own and for that. */
static int switch_v2(const char *to)
{
	char mount[GROUP_PATH], word[16];

	snprintf(mount, sizeof(mount), "%.*s", (int)(strrchr(work.group, '/') - work.group), work.group);
	snprintf(word, sizeof(word), "%scpuset", to);
	return group_put(mount, "cgroup.subtree_control", word);
}

static void leave_v2(void)
{
	switch_v2("-");
}

/* Mounted in a name space of our own: should we be killed, nobody else has it mounted. */
static void enter_v1(void)
{
	char cpus[32];
	cpu_set_t mine;
	int error;

	snprintf(cpus, sizeof(cpus), "0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	sched_getaffinity(0, sizeof(mine), &mine);
	snprintf(hierarchy, sizeof(hierarchy), "%s/" MOUNT_POINT "-%u", work.dir, work.worker);
	if (unshare(CLONE_NEWNS) || (mkdir(hierarchy, 0700) && errno != EEXIST))
		work_fail(hierarchy);
	work_cleanup = leave_v1;
	if (mount("cpuset", hierarchy, "cgroup", 0, "cpuset"))
		work_skip("no hierarchy of cpusets: CONFIG_CPUSETS, CONFIG_CPUSETS_V1");
	snprintf(set, sizeof(set), "%s/memcg-harness-%u", hierarchy, work.worker);
	if (mkdir(set, 0700))
		work_fail(set);
	error = group_put(set, "cpuset.cpus", cpus);
	error = error ? error : group_put(set, "cpuset.mems", "0");
	error = error ? error : group_put(set, "cpuset.memory_migrate", "1");
	error = error ? error : group_put(set, "tasks", "0");
	sched_setaffinity(0, sizeof(mine), &mine); /* which entering the set has widened to all of its CPUs */
	errno = -error;
	if (error)
		work_fail(set);
}

static void enter_v2(void)
{
	snprintf(set, sizeof(set), "%s", work.group);
	if (work.worker)
		return; /* worker 0 does it for all */
	if (switch_v2("+"))
		work_skip("no cpusets beside the memory controller: CONFIG_CPUSETS");
	work_cleanup = leave_v2;
}

static unsigned long count_on(size_t first, size_t count)
{
	void *pages[MAX_CHUNK];
	int status[MAX_CHUNK];
	unsigned long there = 0;

	for (size_t i = 0; i < count; i++) {
		pages[i] = memory.memory + (first + i) * PAGE;
		status[i] = -1;
	}
	if (syscall(SYS_move_pages, 0, count, pages, NULL, status, 0) < 0)
		work_skip("move_pages: CONFIG_MIGRATION, CONFIG_NUMA");
	for (size_t i = 0; i < count; i++)
		there += status[i] == node;
	return there;
}

static void change_nodes(void)
{
	size_t count, first = work_chunk(memory.pages, &count), before, after;
	int error;

	node = !node;
	before = count_on(first, count);
	error = group_put_number(set, "cpuset.mems", node);
	errno = -error;
	if (error)
		work_fail("cpuset.mems");
	work_note("sets_moved", 1);
	after = count_on(first, count);
	work_note("pages_followed", after > before ? after - before : 0);
}

static void turn(void)
{
	size_t count, first = work_chunk(memory.pages, &count);

	if (work.did.rounds % TURNS == TURNS - 1 && (!work.v2 || !work.worker))
		change_nodes();
	if (region_check(&memory, first, count))
		region_fill(&memory, first, count);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	if (!*work.group)
		work_skip("there is no group: --group");
	if (work.v2)
		enter_v2();
	else
		enter_v1();
	region_map(&memory, work.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1, work.worker);
	work_note("isolated", memory.pages); /* at most, at once: all of them are taken off their lists first */
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		region_grow(&memory);
		work.did.rounds++;
	}
	work_end();
}
