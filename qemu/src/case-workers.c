// SPDX-License-Identifier: GPL-2.0-only
#include "case-workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case-io.h"

#define MAX_ARGS 64
#define MAX_FACTS 32
#define KEY_SIZE 32
#define VALUE_SIZE 160

/* Worker @index to the index-th CPU (modulo their number) of those that we may use. */
static void pin(int index)
{
	cpu_set_t allowed, one;
	int cpu, skip;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) || !CPU_COUNT(&allowed))
		return;
	skip = index % CPU_COUNT(&allowed);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && !skip--)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void exec_program(const struct crew *crew, int index)
{
	char seconds[32], worker[16], workers[16], seed[32];
	char *argv[MAX_ARGS + 20];
	int n = 0;

	while (crew->argv[n] && n < MAX_ARGS) {
		argv[n] = crew->argv[n];
		n++;
	}
	snprintf(seconds, sizeof(seconds), "%.3f", crew->seconds);
	snprintf(worker, sizeof(worker), "%d", index);
	snprintf(workers, sizeof(workers), "%d", crew->count);
	snprintf(seed, sizeof(seed), "%lld", crew->seed);
	argv[n++] = "--seconds";
	argv[n++] = seconds;
	argv[n++] = "--worker";
	argv[n++] = worker;
	argv[n++] = "--workers";
	argv[n++] = workers;
	argv[n++] = "--seed";
	argv[n++] = seed;
	argv[n++] = "--dir";
	argv[n++] = (char *)crew->dir;
	argv[n++] = "--group";
	argv[n++] = (char *)crew->group;
	argv[n++] = "--iface";
	argv[n++] = (char *)crew->iface;
	argv[n] = NULL;
	execvp(argv[0], argv);
}

/* In the child. What goes wrong here is told as the worker's own fact, exit 2: broken. */
static void become_worker(const struct crew *crew, int index, int out)
{
	int error;

	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	dup2(out, STDOUT_FILENO);
	error = crew->attach ? file_write(crew->attach, "0") : 0;
	if (error) {
		dprintf(STDOUT_FILENO, "error=attach: %s\n", strerror(-error));
		_exit(2);
	}
	pin(index);
	exec_program(crew, index);
	dprintf(STDOUT_FILENO, "error=exec %s: %s\n", crew->argv[0], strerror(errno));
	_exit(2);
}

int crew_start(struct crew *crew)
{
	int index, ends[2];
	struct worker *worker;

	for (index = 0; index < crew->count; index++) {
		crew->worker[index].pipe = -1;
		crew->worker[index].status = 2 << 8; /* exit 2, should it never start */
	}
	for (index = 0; index < crew->count; index++) {
		worker = &crew->worker[index];
		if (pipe(ends))
			return errno;
		/* Or a later worker would hold the earlier ones' pipes open. */
		fcntl(ends[0], F_SETFD, FD_CLOEXEC);
		fcntl(ends[1], F_SETFD, FD_CLOEXEC);
		worker->pid = fork();
		if (!worker->pid)
			become_worker(crew, index, ends[1]);
		close(ends[1]);
		if (worker->pid < 0) {
			worker->pid = 0;
			close(ends[0]);
			return errno;
		}
		setpgid(worker->pid, worker->pid);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		worker->pipe = ends[0];
	}
	return 0;
}

static void hear(struct worker *worker)
{
	char rest[512];
	size_t space;
	ssize_t got;

	while (worker->pipe >= 0) {
		space = sizeof(worker->facts) - 1 - worker->used;
		got = space ? read(worker->pipe, worker->facts + worker->used, space)
			    : read(worker->pipe, rest, sizeof(rest));
		if (got < 0)
			return; /* EAGAIN: no more for now */
		if (got == 0) {
			close(worker->pipe);
			worker->pipe = -1;
		} else if (space) {
			worker->used += (size_t)got;
		}
	}
}

static bool reap(struct crew *crew)
{
	bool running = false;
	int index;

	for (index = 0; index < crew->count; index++) {
		struct worker *worker = &crew->worker[index];

		if (worker->pid && waitpid(worker->pid, &worker->status, WNOHANG) == worker->pid) {
			hear(worker);
			worker->pid = 0;
		}
		running |= worker->pid != 0;
	}
	return running;
}

bool crew_watch(struct crew *crew, double until)
{
	struct pollfd polled[MAX_WORKERS];
	int index;
	double left;

	while (reap(crew)) {
		for (index = 0; index < crew->count; index++)
			polled[index] = (struct pollfd){ .fd = crew->worker[index].pipe, .events = POLLIN };
		left = until - case_ms();
		/* A signal ends the poll; a SIGCHLD that came just before it is seen at the next tick. */
		if (left <= 0 || poll(polled, (nfds_t)crew->count, (int)left + 1) <= 0)
			return true;
		for (index = 0; index < crew->count; index++)
			hear(&crew->worker[index]);
		if (!json_heard())
			return true;
	}
	return false;
}

void crew_kill(const struct crew *crew, int signal)
{
	int index;

	for (index = 0; index < crew->count; index++)
		if (crew->worker[index].pid)
			kill(-crew->worker[index].pid, signal);
}

/* "key=value" lines; what is not one is passed over. */
static void say_facts(const char *text)
{
	char key[KEY_SIZE], value[VALUE_SIZE];
	int count = 0;

	for (; *text && count < MAX_FACTS; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t line = strcspn(text, "\n"), name = strcspn(text, "=\n");

		if (name == 0 || name >= sizeof(key) || name == line)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)name, text);
		snprintf(value, sizeof(value), "%.*s", (int)(line - name - 1), text + name + 1);
		json_text(key, value);
		count++;
	}
}

void crew_say(const struct crew *crew)
{
	int index;

	for (index = 0; index < crew->count; index++) {
		const struct worker *worker = &crew->worker[index];
		bool signalled = WIFSIGNALED(worker->status);

		json_open("work");
		json_long("worker", index);
		json_long("exit", signalled || worker->pid ? -1 : WEXITSTATUS(worker->status));
		json_long("signal", signalled ? WTERMSIG(worker->status) : 0);
		json_object("facts");
		say_facts(worker->facts);
		json_object_end();
		json_close();
	}
}
