/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_MEMCONTROL_H
#define _LINUX_MEMCONTROL_H

struct mem_cgroup {
	long usage;
	long limit;
	long failcnt;
};

int mem_cgroup_charge(struct mem_cgroup *memcg, long nr_pages);
void mem_cgroup_uncharge(struct mem_cgroup *memcg, long nr_pages);

#endif
