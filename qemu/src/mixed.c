// SPDX-License-Identifier: GPL-2.0-only
/*
 * All at once: each worker runs other workloads as children of its own, one of each, with a share of
 * --bytes and of its seed, and adds up what they say. On one CPU they preempt each other at every point.
 *
 * mixed PROGRAM[:ARGUMENT]...: those that are found beside this one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define MOST 16
#define SKIPPED 77

static struct child {
	pid_t pid;
	int out;
} children[MOST];
static int child_count;
static volatile sig_atomic_t told;

/* work.c's own handler goes: what is to stop is the children, which then end by themselves. */
static void pass_on(int sign)
{
	told = sign;
	for (int i = 0; i < child_count; i++)
		if (children[i].pid > 0)
			kill(children[i].pid, SIGTERM);
}

static _Noreturn void become(const char *self, const char *what, int number)
{
	char program[512], argument[64], bytes[32], seconds[32], worker[32], seed[32];
	size_t name = strcspn(what, ":"), where = strrchr(self, '/') ? (size_t)(strrchr(self, '/') + 1 - self) : 0;

	snprintf(program, sizeof(program), "%.*s%.*s", (int)where, self, (int)name, what);
	snprintf(argument, sizeof(argument), "%s", what[name] ? what + name + 1 : "--");
	snprintf(bytes, sizeof(bytes), "%zu", work.pages * PAGE / (size_t)child_count);
	snprintf(seconds, sizeof(seconds), "%.3f", work.seconds);
	/* Its own among all children of all workers: their files have it in their names. */
	snprintf(worker, sizeof(worker), "%u", work.worker * MOST + (unsigned)number);
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)(work.seed + (unsigned)number));
	execlp(program, program, "--seconds", seconds, "--bytes", bytes, "--worker", worker, "--workers", "1", "--seed",
	       seed, "--dir", work.dir, argument, (char *)NULL);
	printf("error=exec %s: %s\n", program, strerror(errno));
	fflush(stdout);
	_exit(2);
}

static void start(const char *self, const char *what, int number)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		work_fail("pipe");
	pid = fork();
	if (pid < 0)
		work_fail("fork");
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		become(self, what, number);
	}
	close(ends[1]);
	children[number] = (struct child){ .pid = pid, .out = ends[0] };
}

/* A line of a child's; its counts are added to ours. */
static void take(const char *program, char *line)
{
	char *value = strchr(line, '=');

	line[strcspn(line, "\n")] = 0;
	if (!value)
		return;
	*value++ = 0;
	if (!strcmp(line, "wrong"))
		work_wrong("%s: %s", program, value);
	else if (!strcmp(line, "error") || !strcmp(line, "skip"))
		printf("%s_%s=%s\n", program, line, value);
	else if (!strcmp(line, "pages_touched"))
		work.did.pages_touched += strtoul(value, NULL, 10);
	else if (!strcmp(line, "children_killed"))
		work.did.children_killed += strtoul(value, NULL, 10);
	else if (!strcmp(line, "isolated"))
		work_note("isolated", strtoul(value, NULL, 10));
	else if (!strcmp(line, "rounds"))
		work.did.rounds += strtoul(value, NULL, 10);
}

/* False when it could not do its work. */
static bool finish(const char *program, struct child *child)
{
	FILE *said = fdopen(child->out, "r");
	char line[256];
	int status;

	while (said && fgets(line, sizeof(line), said))
		take(program, line);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	child->pid = 0;
	if (said)
		fclose(said);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		work.did.children_killed++; /* out of memory at the limit: the group's right */
	else if (WIFSIGNALED(status))
		work_wrong("%s ended with signal %d", program, WTERMSIG(status));
	else if (WEXITSTATUS(status) == 1)
		work_wrong("%s found something wrong", program);
	else if (WEXITSTATUS(status) == SKIPPED)
		work_note("actions_skipped", 1);
	else if (WEXITSTATUS(status))
		return told;
	else
		work_note("actions", 1);
	return true;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	bool well = true;

	work_begin(argc, argv);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	child_count = argc - optind;
	if (child_count < 1 || child_count > MOST) {
		errno = EINVAL;
		work_fail("mixed: which programs, up to 16");
	}
	fflush(stdout);
	work_note("tasks", 2 * (unsigned long)child_count); /* some have a child of their own */
	for (int i = 0; i < child_count; i++)
		start(argv[0], argv[optind + i], i);
	for (int i = 0; i < child_count; i++)
		well &= finish(argv[optind + i], &children[i]);
	if (!well) {
		errno = ECHILD;
		work_fail("a child could not do its work");
	}
	work_end();
}
