// SPDX-License-Identifier: GPL-2.0-only
#include "work-child.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

pid_t child_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		work_fail("fork");
	work.did.forks++;
	if (!pid)
		work_reseed(work.did.forks * 1000 + work.worker);
	return pid;
}

_Noreturn void child_end(void)
{
	work_say_wrong();
	_exit(work.did.verify_errors ? 1 : 0);
}

bool child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		work.did.children_killed++;
		return false;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		work_wrong("a child ended with signal %d", WTERMSIG(status));
	else if (status)
		work.did.verify_errors++;
	return true;
}
