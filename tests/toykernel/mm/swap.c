// SPDX-License-Identifier: GPL-2.0-only
#include <linux/memcontrol.h>

int swap_out(struct mem_cgroup *memcg);

int swap_out(struct mem_cgroup *memcg)
{
	mem_cgroup_uncharge(memcg, 1);
	return 0;
}
