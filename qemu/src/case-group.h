// SPDX-License-Identifier: GPL-2.0-only
/* The memory group under test, over either interface, and the guest around it. */
#ifndef CASE_GROUP_H
#define CASE_GROUP_H

#include <stdbool.h>

#define MAX_FILES 32

struct group {
	bool v2;
	const char *mount;
	char path[256];
	char attach[272];
	const char *files[MAX_FILES]; /* to sample */
	int file_count;
};

/* In bytes; -1 where it cannot be read. */
struct level {
	long long usage;
	long long kernel; /* the kernel memory in it that the kernel names; 0 where it names none */
};

/* True if @group->mount is a cgroup file system: what follows is done to the whole machine. */
bool group_is_mounted(const struct group *group);

void group_name(struct group *group, const char *name);

/* mkdir and the limit in bytes (0: none), each said as a step. 0 or an errno. */
int group_make(const struct group *group, long long limit);

/* Groups may be made below it, and what they hold counts for it where there is a hierarchy; a step. 0 or an errno. */
int group_open_below(const struct group *group);

/* Record::Sample, with those of the groups below it. */
void group_sample(const struct group *group, const char *stage);

struct level group_level(const struct group *group);

/* Take back all that it, and those below it, can still be charged for without tasks; each action a step. */
void group_empty(const struct group *group);

/* Take back the per-CPU stock of charges, and what pages there are left; a step. */
void group_drain(const struct group *group);

/* rmdir, again while it is busy and case_ms() is below @until; said as a step. 0 or an errno. */
int group_remove(const struct group *group, double until);

/* The same for all groups below it, deepest first; one step for all, none where there are none. */
void group_remove_below(const struct group *group, double until);

#endif
