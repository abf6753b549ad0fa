// SPDX-License-Identifier: GPL-2.0-only
/* The processes inside the group: started, watched, heard and ended by memcg-case. */
#ifndef CASE_WORKERS_H
#define CASE_WORKERS_H

#include <stdbool.h>
#include <sys/types.h>

#define MAX_WORKERS 64
#define FACTS_SIZE 4096

struct worker {
	pid_t pid; /* 0: has ended and was reaped */
	int pipe;  /* its stdout; -1 once closed */
	int status;
	size_t used;
	char facts[FACTS_SIZE]; /* the first bytes that it said */
};

struct crew {
	int count;
	struct worker worker[MAX_WORKERS];
	const char *attach; /* the group's file that takes a process in; NULL: they stay outside */
	const char *group;  /* for the program: the group's path */
	const char *iface;
	char **argv;        /* the program and its arguments, up to a terminating NULL */
	double seconds;
	long long seed;
	const char *dir;
};

/* Fork and exec all of them. 0 or an errno; those that did start run on. */
int crew_start(struct crew *crew);

/* Hear and reap until case_ms() says @until, or a signal, or all have ended. True while any runs. */
bool crew_watch(struct crew *crew, double until);

/* Signal all that still run, with their children. */
void crew_kill(const struct crew *crew, int signal);

/* Record::Work for each. */
void crew_say(const struct crew *crew);

#endif
