// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that live for a moment, one after the other: made, entered by tasks that touch anonymous
 * memory and a tmpfs file and fork, left, and removed, with the file's pages still charged or not, and
 * while another task sets their limit or not. On v1 the first worker has half of its groups removed by
 * the release agent, which is this program too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "work-group.h"
#include "work.h"

#define MOUNT "/cg" /* where init.c puts it */
#define MOST_CHILDREN 6
#define MOST_PAGES 48
#define AGENT_SECONDS 20 /* a work queue, fork and exec, emulated */
#define ANY_LIMIT "67108864" /* more than a group here ever has */

static char group[GROUP_PATH], file[512], page[PAGE], agent_before[256];
static bool with_agent;
static size_t file_pages;
static volatile char *limit_was_set; /* by the task of another */

static void touch(size_t pages)
{
	char *memory = work_map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (size_t at = 0; at < pages; at++)
		memory[at * PAGE] = 1;
}

static void write_file(void)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		_exit(3);
	for (size_t at = 0; at < file_pages; at++) {
		page_fill(page, work.worker, at, 1);
		if (write(fd, page, PAGE) != PAGE)
			_exit(3);
	}
	close(fd);
}

static void check_file(void)
{
	int fd = open(file, O_RDONLY);

	for (size_t at = 0; fd >= 0 && at < file_pages && read(fd, page, PAGE) == PAGE; at++)
		page_check(page, work.worker, at, 1);
	close(fd);
}

/* In the group: some short tasks, a file, and memory; all of it is gone when this has been waited for. */
static _Noreturn void live(size_t children, size_t pages, bool by_itself)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (by_itself && group_enter(group))
		_exit(2);
	for (size_t child = 0; child < children; child++)
		if (!fork()) {
			touch(1 + (pages + child) % 8);
			_exit(0);
		}
	touch(pages);
	write_file();
	while (wait(NULL) > 0 || errno == EINTR)
		;
	_exit(0);
}

/* Its parent puts the task into the group, or it goes there itself, which is sure to come before its end. */
static void house(bool by_itself)
{
	size_t children = work_random(MOST_CHILDREN + 1), pages = 1 + work_random(MOST_PAGES);
	int status, error = 0;
	pid_t pid;

	file_pages = 1 + work_random(MOST_PAGES);
	pid = fork();
	if (pid < 0)
		work_fail("fork");
	if (!pid)
		live(children, pages, by_itself);
	if (!by_itself)
		error = group_put_number(group, work.v2 ? "cgroup.procs" : "tasks", pid);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	work.did.forks += children + 1;
	work.did.pages_touched += pages + file_pages;
	if (error && error != -ESRCH) /* ESRCH: it was quicker */
		work_wrong("a task could not be attached: %s", strerror(-error));
	if (status && WTERMSIG(status) != SIGKILL)
		work_wrong("a task in the group ended with status %#x", (unsigned)status);
}

static void remove_group(void)
{
	int error;

	if (group_is_old())
		group_list_pages();
	error = group_drop(group, 0);
	if (error == -EBUSY) { /* css references of reclaim: rmdir of 2.6.27 gives up on any */
		work_note("rmdir_again", 1);
		error = group_drop(group, 2);
	}
	if (error)
		work_wrong("rmdir of a group without tasks: %s", strerror(-error));
	work_note("groups_removed", 1);
}

/* The limit anew and anew, until the group and its file are gone. */
static _Noreturn void set_limit(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (write(fd, ANY_LIMIT, sizeof(ANY_LIMIT) - 1) > 0)
		*limit_was_set = 1;
	_exit(errno == ENODEV ? 0 : 4);
}

static void await_setter(pid_t pid, int options)
{
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(pid, &status, options)) < 0 && errno == EINTR)
		;
	if (ended > 0 && (status || options))
		work_wrong("a task that sets the limit of a group ended with status %#x", (unsigned)status);
}

/* Returns once another task sets the group's limit: rmdir has to wait for a write, and no write for rmdir. */
static pid_t start_setting(void)
{
	char path[GROUP_PATH + 64];
	int fd;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", group, group_limit_file());
	fd = open(path, O_WRONLY);
	if (fd < 0)
		work_fail(path);
	*limit_was_set = 0;
	pid = fork();
	if (pid < 0)
		work_fail("fork");
	if (!pid)
		set_limit(fd);
	close(fd);
	while (!*limit_was_set && !work.did.verify_errors) {
		usleep(200);
		await_setter(pid, WNOHANG);
	}
	return pid;
}

static void remove_under_use(void)
{
	pid_t pid = start_setting();

	remove_group();
	await_setter(pid, 0);
	work_note("removed_under_use", 1);
}

static void await_agent(void)
{
	time_t until = time(NULL) + AGENT_SECONDS;

	while (time(NULL) <= until) {
		if (access(group, F_OK)) {
			work_note("released", 1);
			return;
		}
		usleep(1000);
	}
	work_wrong("the release agent did not remove an empty group within %d s", AGENT_SECONDS);
	remove_group();
}

static void turn(void)
{
	bool release = with_agent && work_random(2);

	group_make(group, "life");
	if (release && group_put(group, "notify_on_release", "1"))
		work_wrong("notify_on_release cannot be set");
	house(release || work_random(2));
	/* Or it stays charged to what is gone; in 2.6.27 a charged page holds the group, and keeps the agent away. */
	if (work_random(2) || (release && group_is_old())) {
		check_file();
		unlink(file);
	}
	if (release)
		await_agent();
	else if (!work.did.rounds || !work_random(3))
		remove_under_use();
	else
		remove_group();
	check_file();
	unlink(file);
	work.did.rounds++;
}

/* As the kernel calls it: one argument, the group's path from the root of its hierarchy. */
static int release(const char *path)
{
	char where[GROUP_PATH];

	snprintf(where, sizeof(where), MOUNT "%s", path);
	group_list_pages(); /* or rmdir of 2.6.27 spins, and the hierarchy with it */
	return rmdir(where) ? 1 : 0;
}

static void clean_up(void)
{
	unlink(file);
	if (with_agent)
		group_put(MOUNT, "release_agent", *agent_before ? agent_before : "\n");
}

static void use_agent(void)
{
	int fd = open(MOUNT "/release_agent", O_RDONLY);

	if (fd < 0)
		return;
	if (read(fd, agent_before, sizeof(agent_before) - 1) < 0)
		*agent_before = 0;
	close(fd);
	with_agent = !group_put(MOUNT, "release_agent", "/bin/lifecycle");
}

int main(int argc, char **argv)
{
	if (argc == 2 && *argv[1] == '/')
		return release(argv[1]);
	work_begin(argc, argv);
	limit_was_set = work_map(1, MAP_SHARED | MAP_ANONYMOUS, -1);
	snprintf(file, sizeof(file), "%s/lifecycle-%u", work.dir, work.worker);
	work_cleanup = clean_up;
	if (!work.v2 && work.worker == 0)
		use_agent();
	while (work_goes_on() && !work.did.verify_errors)
		turn();
	work_end();
}
