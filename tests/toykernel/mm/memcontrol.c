// SPDX-License-Identifier: GPL-2.0-only
#include <linux/memcontrol.h>

static int try_charge(struct mem_cgroup *memcg, long nr_pages)
{
	if (memcg->usage + nr_pages > memcg->limit) {
		memcg->failcnt++;
		return -1;
	}
	memcg->usage += nr_pages;
	return 0;
}

int mem_cgroup_charge(struct mem_cgroup *memcg, long nr_pages)
{
	return try_charge(memcg, nr_pages);
}

void mem_cgroup_uncharge(struct mem_cgroup *memcg, long nr_pages)
{
	memcg->usage -= nr_pages;
}
