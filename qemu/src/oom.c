// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory in the group: a task touches more than the limit where nothing can be swapped out, and
 * has to be killed before it has one page more than the limit; each kill is counted once.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define LEAST 256 /* pages; stacks, page tables and libc of the tasks take a part */
#define OTHERS 2
#define CROWD 3
#define MOST_PAUSE_US 150000
#define CHUNK 16 /* pages locked at a time */
#define AREA 512 /* pages of a huge page */

static char group[GROUP_PATH];
static bool lock; /* no swap accounting that could forbid swap: locked pages stay */
static volatile size_t *touched;

/* Swap would let the task go on; -1 where the kernel does not limit it. */
static int forbid_swap(size_t pages)
{
	if (work.v2)
		return group_put_number(group, "memory.swap.max", 0);
	/* memsw may never be below the limit, whichever of them is set first. */
	group_put_number(group, "memory.memsw.limit_in_bytes", 1LL << 40);
	if (group_put_number(group, group_limit_file(), (long long)pages * PAGE))
		return -1;
	return group_put_number(group, "memory.memsw.limit_in_bytes", (long long)pages * PAGE);
}

/* -1 where the kernel does not count them for a group (v1 before 4.13). */
static long long kills(void)
{
	return group_get_key(group, work.v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}

/* Room that begins where a huge page can, with an area more than it takes; where @huge, it asks for such pages. */
static char *map_room(size_t pages, bool huge)
{
	size_t size = (pages + 2 * AREA) * PAGE;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(3);
	memory += (AREA - (uintptr_t)memory / PAGE % AREA) % AREA * PAGE;
	if (huge)
		madvise(memory, (pages + AREA) / AREA * AREA * PAGE, MADV_HUGEPAGE); /* EINVAL: there are none */
	return memory;
}

/* A huge page that the limit has no room for is charged in vain, and small ones take its place. */
static _Noreturn void grow(size_t pages, bool huge)
{
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (group_enter(group))
		_exit(2);
	memory = map_room(pages, huge);
	for (size_t page = 0; page < pages; page++) {
		if (lock && page % CHUNK == 0 && mlock(memory + page * PAGE, CHUNK * PAGE))
			sleep(5), _exit(4); /* whoever is out of memory is killed on the way back from the system call */
		memory[page * PAGE] = 1;
		*touched = page + 1;
	}
	_exit(0);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	return status;
}

/* A task that grows beyond the limit. */
static pid_t start_growing(size_t limit)
{
	bool huge = !lock && work_random(2);
	pid_t pid = fork();

	if (pid < 0)
		work_fail("fork");
	if (!pid)
		grow((limit + 2 * CHUNK) / CHUNK * CHUNK, huge);
	work.did.forks++;
	return pid;
}

static void wait_for_kill(pid_t pid)
{
	int status = wait_for(pid);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		work_wrong("a task over the limit ended with status %#x", (unsigned)status);
}

static void exceed(size_t limit)
{
	*touched = 0;
	wait_for_kill(start_growing(limit));
	if (*touched > limit)
		work_wrong("%zu pages were touched under a limit of %zu, without swap", *touched, limit);
	work.did.pages_touched += *touched;
}

static void kill_one(size_t limit)
{
	long long before = kills();

	exceed(limit);
	if (before >= 0 && kills() != before + 1)
		work_wrong("one task was killed, the group counts %lld kills more", kills() - before);
	work_note("oom_kills", 1);
}

/* Several meet the limit together, each by itself wants more than it: one after the other has to be killed. */
static void kill_crowd(size_t limit)
{
	long long before = kills();
	pid_t pids[CROWD];

	for (int one = 0; one < CROWD; one++)
		pids[one] = start_growing(limit);
	for (int one = 0; one < CROWD; one++)
		wait_for_kill(pids[one]);
	if (before >= 0 && kills() != before + CROWD)
		work_wrong("%d tasks were killed, the group counts %lld kills more", CROWD, kills() - before);
	work_note("oom_kills", CROWD);
	work_note("crowds_killed", 1);
}

/*
 * memory.oom.group: all go with the one that is out of memory. oom_kill_process(), 6.1, kills and counts
 * the one that it chose, and then every task of the group, that one once more.
 */
static void kill_all(size_t limit)
{
	long long before = kills(), whole = group_get_key(group, "memory.events", "oom_group_kill"), counted;
	struct tenant others[OTHERS] = { 0 };
	int killed = 1;

	group_put(group, "memory.oom.group", "1");
	for (int other = 0; other < OTHERS; other++) {
		tenant_keep(&others[other], group, 8);
		tenant_do(&others[other], TENANT_FILL, 8);
	}
	exceed(limit);
	for (int other = 0; other < OTHERS; other++) {
		killed += !tenant_do(&others[other], TENANT_CHECK, 0);
		tenant_end(&others[other]);
		munmap(others[other].board, PAGE);
	}
	group_put(group, "memory.oom.group", "0");
	counted = kills() - before;
	if (killed != 1 + OTHERS || counted < killed || counted > killed + 1)
		work_wrong("memory.oom.group: %d of %d tasks were killed, the group counts %lld", killed, 1 + OTHERS, counted);
	if (whole >= 0 && group_get_key(group, "memory.events", "oom_group_kill") != whole + 1)
		work_wrong("oom_group_kill was %lld before a whole group was killed, is %lld", whole,
			   group_get_key(group, "memory.events", "oom_group_kill"));
	work_note("oom_kills", (unsigned long)counted);
	work_note("groups_killed", 1);
}

static void set_up(size_t limit)
{
	int error = group_put_number(group, group_limit_file(), (long long)limit * PAGE);

	if (error) {
		errno = -error;
		work_fail("limit");
	}
	lock = forbid_swap(limit) != 0;
}

int main(int argc, char **argv)
{
	size_t limit;

	work_begin(argc, argv);
	group_make(group, "oom");
	touched = work_map(1, MAP_SHARED | MAP_ANONYMOUS, -1);
	limit = LEAST + work_random(work.pages);
	set_up(limit);
	while (work_goes_on() && !work.did.verify_errors) {
		if (group_has(group, "memory.oom.group") && work_random(4) == 0)
			kill_all(limit);
		else if (!lock && work_random(3) == 0)
			kill_crowd(limit);
		else
			kill_one(limit);
		work.did.rounds++;
		usleep((useconds_t)work_random(MOST_PAUSE_US)); /* each kill is a line on the console, or many */
	}
	if (lock)
		work_note("pages_locked", 1);
	work_end();
}
