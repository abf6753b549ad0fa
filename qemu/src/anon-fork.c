// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy on write: each round forks, and both sides write to the memory that they shared, at the same
 * time, and check that neither sees what the other wrote.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define CHILD_TAG 0x100u /* apart from any worker's number */
#define CHUNKS 8	 /* a side's work in one round */

static char *memory;
static uint32_t *generation;
static unsigned char *childs; /* 1: written by the child since its fork; all 0 in the parent */

static bool side(uint64_t tag)
{
	size_t first, count;

	for (size_t turn = 0; turn < CHUNKS && work_goes_on(); turn++) {
		first = work_chunk(work.pages, &count);
		for (size_t page = first; page < first + count; page++) {
			char *at = memory + page * PAGE;

			if (!page_check(at, childs[page] ? tag : work.worker, page, generation[page]))
				return false;
			if (page % 4 == 3)
				continue; /* some stay shared to the end */
			childs[page] = tag != work.worker;
			page_fill(at, tag, page, ++generation[page]);
		}
		work.did.bytes_read += count * PAGE;
	}
	return true;
}

static void run_child(void)
{
	work_reseed(work.did.forks * 1000 + work.worker);
	if (side(CHILD_TAG + work.worker))
		_exit(0);
	work_say_wrong();
	_exit(1);
}

static void wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		work.did.children_killed++; /* out of memory at the limit: the group's right */
	else if (status)
		work.did.verify_errors++;
}

int main(int argc, char **argv)
{
	pid_t pid;

	work_begin(argc, argv);
	memory = work_map(work.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	generation = work_map(work.pages * sizeof(*generation) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	childs = work_map(work.pages / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t page = 0; page < work.pages && work_goes_on(); page++)
		page_fill(memory + page * PAGE, work.worker, page, ++generation[page]);
	while (work_goes_on() && !work.did.verify_errors) {
		pid = fork();
		if (pid < 0)
			work_fail("fork");
		work.did.forks++;
		if (!pid)
			run_child();
		/* The parent's pages keep the worker's tag, also those that it wrote. */
		side(work.worker);
		wait_for(pid);
		work.did.rounds++;
	}
	work_end();
}
