// SPDX-License-Identifier: GPL-2.0-only
struct sink {
	struct list_head items;
};
static DEFINE_PER_CPU(struct sink, sinks);

void park(struct item *item)
{
	list_add(&item->link, &get_cpu_var(sinks).items);
	put_cpu_var(sinks);
}

static int gone(struct notifier_block *block, unsigned long action, void *cpu)
{
	if (action == CPU_DEAD)
		release(&per_cpu(sinks, (long)cpu));
	return NOTIFY_OK;
}
