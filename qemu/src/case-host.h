// SPDX-License-Identifier: GPL-2.0-only
/* The guest around the group under test. */
#ifndef CASE_HOST_H
#define CASE_HOST_H

#include "case-group.h"

/* What the whole guest says of memory groups; -1 where the kernel does not say. */
struct host {
	long long cgroups; /* num_cgroups of /proc/cgroups, dying ones included */
	long long dying;   /* nr_dying_descendants of the root's cgroup.stat */
};

struct host host_read(const struct group *group);

/* Record::Host, with the guest's own counters of memory. */
void host_say(const char *stage, const struct group *group, struct host host);

/* Clean page cache, unused inodes and freed swap entries of the whole guest go; steps. */
void host_empty(void);

#endif
