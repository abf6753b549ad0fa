// SPDX-License-Identifier: GPL-2.0-only
#include "work-tenant.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work-group.h"
#include "work.h"

#define NAP_US 500
#define LEAVE -1

struct tenant_board {
	atomic_uint asked, done; /* equal: it sleeps */
	atomic_bool disturbed;
	int order;
	size_t value;
	atomic_ulong touched;
};

/* The tenant's own. */
static struct tenant_board *mine;
static char *memory;
static uint32_t *generation;
static size_t filled;

bool tenant_undisturbed(void)
{
	return !atomic_load(&mine->disturbed);
}

static bool renew(size_t page, bool check)
{
	char *at = memory + page * PAGE;

	if (check && !page_check(at, work.worker, page, generation[page]))
		return false;
	page_fill(at, work.worker, page, ++generation[page]);
	atomic_fetch_add(&mine->touched, 1);
	return true;
}

static void sweep(void)
{
	for (size_t page = 0; filled && tenant_undisturbed(); page = (page + 1) % filled)
		if (!renew(page, true))
			return;
}

static void drop(void)
{
	if (filled && madvise(memory, filled * PAGE, MADV_DONTNEED))
		work_wrong("madvise: %s", strerror(errno));
	memset(generation, 0, filled * sizeof(*generation));
	filled = 0;
}

void tenant_obey(int order, size_t value)
{
	switch (order) {
	case TENANT_FILL:
		for (size_t page = 0; page < value; page++)
			renew(page, page < filled);
		filled = value > filled ? value : filled;
		break;
	case TENANT_SWEEP: sweep(); break;
	case TENANT_CHECK:
		for (size_t page = 0; page < filled; page++)
			page_check(memory + page * PAGE, work.worker, page, generation[page]);
		break;
	case TENANT_DROP: drop(); break;
	}
}

/* In the child: SIGTERM is for the parent, which then has it leave; if the parent dies, so does this. */
static _Noreturn void live(const char *path, tenant_job job)
{
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_IGN);
	error = group_enter(path);
	if (error) {
		printf("error=enter %s: %s\n", path, strerror(-error));
		fflush(stdout);
		_exit(2);
	}
	atomic_fetch_add(&mine->done, 1);
	for (;;) {
		if (atomic_load(&mine->asked) == atomic_load(&mine->done)) {
			usleep(NAP_US);
			continue;
		}
		if (mine->order == LEAVE)
			break;
		job(mine->order, mine->value);
		atomic_fetch_add(&mine->done, 1);
	}
	work_say_wrong();
	_exit(work.did.verify_errors ? 1 : 0);
}

void tenant_start(struct tenant *tenant, const char *path, size_t pages, tenant_job job)
{
	/* Known to the child alone once it writes to it, and gone with it. */
	memory = work_map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	generation = work_map(pages * sizeof(*generation) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!tenant->board)
		tenant->board = work_map(1, MAP_SHARED | MAP_ANONYMOUS, -1);
	memset(tenant->board, 0, sizeof(*tenant->board));
	atomic_store(&tenant->board->asked, 1); /* to be there */
	mine = tenant->board;
	filled = 0;
	tenant->pid = fork();
	if (tenant->pid < 0)
		work_fail("fork");
	if (!tenant->pid)
		live(path, job);
	work.did.forks++;
	munmap(memory, pages * PAGE);
	munmap(generation, (pages * sizeof(*generation) / PAGE + 1) * PAGE);
	tenant_await(tenant);
}

void tenant_keep(struct tenant *tenant, const char *path, size_t pages)
{
	tenant_start(tenant, path, pages, tenant_obey);
}

/* What it came to, once it is gone. */
static void take(struct tenant *tenant, int status)
{
	tenant->pid = 0;
	work.did.pages_touched += atomic_load(&tenant->board->touched);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		work.did.children_killed++;
	else if (WIFSIGNALED(status))
		work_wrong("a task in the group ended with signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == 1)
		work.did.verify_errors++; /* it said what */
	else if (status)
		work_fail("a task in the group");
}

bool tenant_await(struct tenant *tenant)
{
	int status;

	while (tenant->pid && atomic_load(&tenant->board->done) != atomic_load(&tenant->board->asked)) {
		if (waitpid(tenant->pid, &status, WNOHANG) == tenant->pid)
			take(tenant, status);
		else
			usleep(NAP_US);
	}
	return tenant->pid;
}

bool tenant_rest(struct tenant *tenant)
{
	atomic_store(&tenant->board->disturbed, true);
	return tenant_await(tenant);
}

bool tenant_order(struct tenant *tenant, int order, size_t value)
{
	if (!tenant_rest(tenant))
		return false;
	tenant->board->order = order;
	tenant->board->value = value;
	atomic_store(&tenant->board->disturbed, false);
	atomic_fetch_add(&tenant->board->asked, 1);
	return true;
}

bool tenant_do(struct tenant *tenant, int order, size_t value)
{
	return tenant_order(tenant, order, value) && tenant_await(tenant);
}

unsigned long tenant_touched(const struct tenant *tenant)
{
	return atomic_load(&tenant->board->touched);
}

void tenant_end(struct tenant *tenant)
{
	int status;

	if (!tenant->pid || !tenant_order(tenant, LEAVE, 0))
		return;
	while (waitpid(tenant->pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	take(tenant, status);
}
