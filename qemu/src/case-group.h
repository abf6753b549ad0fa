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

/* What the whole guest says of memory groups; -1 where the kernel does not say. */
struct host {
	long long cgroups; /* num_cgroups of /proc/cgroups, dying ones included */
	long long dying;   /* nr_dying_descendants of the root's cgroup.stat */
};

/* True if @group->mount is a cgroup file system: what follows is done to the whole machine. */
bool group_is_mounted(const struct group *group);

void group_name(struct group *group, const char *name);

/* mkdir and the limit in bytes (0: none), each said as a step. 0 or an errno. */
int group_make(const struct group *group, long long limit);

/* Record::Sample. Returns the usage in bytes, -1 if it cannot be read. */
long long group_sample(const struct group *group, const char *stage);

/* Take back all that a group without tasks can still be charged for; each action a step. */
void group_empty(const struct group *group);

/* Take back the per-CPU stock of charges, and what pages there are left; a step. */
void group_drain(const struct group *group);

/* rmdir, again while it is busy and case_ms() is below @until; said as a step. 0 or an errno. */
int group_remove(const struct group *group, double until);

/* Clean page cache, unused inodes and freed swap entries of the whole guest go; steps. */
void host_empty(void);

struct host host_read(const struct group *group);
void host_say(const char *stage, struct host host);

#endif
